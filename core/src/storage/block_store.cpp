#include "storage/block_store.hpp"

#include <iterator>
#include <utility>

namespace pombo {
namespace {

constexpr auto kSelect =
    "SELECT document, secrets, error FROM block_row "
    "WHERE instance_id = :instance AND block = :block";
// A row that is not there cannot be locked; its instance can.
constexpr auto kLock = "SELECT 1 FROM instance WHERE id = :instance {locked}";

SqlValue orNull(const std::optional<std::string>& text) {
  return text ? SqlValue(*text) : SqlValue();
}

// Said to the block that wants it kept, and not when the instance is written.
void requireText(const std::optional<std::string>& document) {
  if (document && !isText(*document))
    throw Error(Code::invalid, "What a block keeps must be UTF-8 without NUL characters");
}

// A block's own words for what went wrong may be anything.
std::string asText(std::string words) {
  if (isText(words)) return words;
  for (char& c : words)
    if (c == '\0' || static_cast<unsigned char>(c) >= 0x80) c = '?';
  return words;
}

}  // namespace

thread_local Draft* Draft::current_ = nullptr;

Draft* Draft::of(const InstanceId& id) {
  return current_ && current_->id_ == id ? current_ : nullptr;
}

void Reservation::require() {
  std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  if (!take_) return;
  try {
    std::exchange(take_, nullptr)();
    taken_ = true;
  } catch (...) {
    failure_ = std::current_exception();  // the block may swallow it; the provisioner looks here
    throw;
  }
}

void Reservation::close() {
  std::lock_guard lock(mutex_);
  take_ = nullptr;
}

bool Reservation::taken() const {
  std::lock_guard lock(mutex_);
  return taken_;
}

std::exception_ptr Reservation::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

const BlockRow* Draft::find(const std::string& block) const {
  for (const auto* rows : {&refused_, &rows_, &known_})
    if (const auto it = rows->find(block); it != rows->end()) return &it->second;
  return nullptr;
}

void Draft::add(const std::string& block, Statement statement) {
  statements_.emplace_back(block, std::move(statement));
}

std::shared_ptr<Draft> Draft::part(const std::string& block) const {
  auto part = std::make_shared<Draft>(id_, isNew_);
  if (const auto* row = find(block)) part->remember(block, *row);
  part->reservation_ = reservation_;
  return part;
}

void Draft::take(Draft& part) {
  for (auto& [block, row] : part.rows_) rows_[block] = std::move(row);
  std::move(part.statements_.begin(), part.statements_.end(), std::back_inserter(statements_));
}

namespace {

BlockRow rowOf(Row& row) {
  BlockRow found;
  if (!row.null(0)) found.document = row.take(0);
  found.sealed = row.take(1);
  found.error = row.take(2);
  return found;
}

}  // namespace

void BlockStore::open(BlockRow& row, const InstanceId& id, const std::string& block) const {
  if (row.sealed.empty()) return;
  const auto opened = sealer_.open(ownerOf(id, block), row.sealed);
  row.unreadable = !opened;
  if (!opened) return;
  const Json secrets = boost::json::parse(opened->reveal());
  for (const auto& [name, value] : secrets.as_object()) row.secrets[name] = value.as_string();
  row.sealed.clear();
}

BlockRow BlockStore::fetch(Session& session, const InstanceId& id, const std::string& block) const {
  auto rows = session.rows(kSelect, "ttt", {id.value, block});
  return rows.empty() ? BlockRow() : rowOf(rows.front());
}

BlockRow BlockStore::load(const InstanceId& id, const std::string& block, Secrets secrets) const {
  const auto stored = [&]() -> BlockRow {
    if (Draft* draft = Draft::of(id)) {
      if (const auto* row = draft->find(block)) return *row;
      if (draft->isNew()) return {};
    }
    return database_.read([&](Session& session) { return fetch(session, id, block); });
  };
  BlockRow row = stored();
  if (secrets == Secrets::opened) open(row, id, block);
  return row;
}

void BlockStore::update(const InstanceId& id, const std::string& block,
                        const std::function<void(BlockRow&)>& change) {
  const auto changed = [&](BlockRow row) {
    open(row, id, block);
    if (row.unreadable) throw Error(Code::internal, "A stored secret cannot be opened");
    change(row);
    requireText(row.document);
    return row;
  };
  if (Draft* draft = Draft::of(id)) {
    draft->put(block, changed(load(id, block, Secrets::sealed)));
    return;
  }
  database_.commit([&](Session& session) {
    // It may have been deleted since the call that this is part of began.
    if (session.rows(kLock, "n", {id.value}).empty())
      throw Error(Code::notFound, "Instance not found");
    write(session, id, block, changed(fetch(session, id, block)), false);
  });
}

void BlockStore::apply(const std::string& block, const std::vector<Statement>& statements) {
  if (Draft* draft = Draft::current()) {
    for (const auto& statement : statements) {
      for (const auto& value : statement.values)
        if (const auto* text = std::get_if<std::string>(&value)) requireText(*text);
      draft->add(block, statement);
    }
    return;
  }
  database_.commit([&](Session& session) {
    for (const auto& statement : statements) session.run(statement.sql, statement.values);
  });
}

void BlockStore::preload(const std::vector<InstanceId>& ids,
                         std::map<InstanceId, Draft>& into) const {
  database_.read([&](Session& session) {
    for (const auto& id : ids) {
      // Complete, so that a block without a row is not looked for again.
      Draft& draft = into.try_emplace(id, id, true).first->second;
      for (auto& row : session.rows("SELECT document, secrets, error, block FROM block_row "
                                    "WHERE instance_id = :instance",
                                    "tttt", {id.value}))
        draft.remember(row.text(3), rowOf(row));
    }
  });
}

Values BlockStore::valuesOf(const InstanceId& id, const std::string& block,
                            const BlockRow& row) const {
  SqlValue sealed = row.sealed.empty() ? SqlValue() : SqlValue(row.sealed);
  if (!row.secrets.empty()) {
    boost::json::object all;
    for (const auto& [name, value] : row.secrets) all[name] = value;
    std::string plain = serialize(all);
    sealed = sealer_.seal(ownerOf(id, block), plain);
    wipe(plain);
  }
  return {id.value, block, orNull(row.document), sealed,
          row.error.empty() ? SqlValue() : SqlValue(asText(row.error))};
}

std::vector<Values> BlockStore::rowsOf(const Draft& draft) const {
  std::vector<Values> rows;
  for (const auto& [block, row] : draft.rows()) rows.push_back(valuesOf(draft.id(), block, row));
  return rows;
}

void BlockStore::write(Session& session, const InstanceId& id, const std::string& block,
                       const BlockRow& row, bool isNew) const {
  const Values values = valuesOf(id, block, row);
  if (isNew)
    session.run(
        "INSERT INTO block_row (instance_id, block, document, secrets, error) "
        "VALUES (:instance, :block, :document, :secrets, :error)",
        values);
  else
    session.run(
        "INSERT INTO block_row (instance_id, block, document, secrets, error) "
        "VALUES (:instance, :block, :document, :secrets, :error) "
        "ON CONFLICT (instance_id, block) DO UPDATE SET document = excluded.document, "
        "secrets = excluded.secrets, error = excluded.error",
        values);
}

std::vector<BlockFailure> BlockStore::write(Session& session, Draft& draft) const {
  std::map<std::string, std::vector<Statement>> byBlock;
  for (const auto& [block, statement] : draft.statements()) byBlock[block].push_back(statement);
  std::vector<BlockFailure> failures;
  std::map<std::string, BlockRow> refused;  // of this run: the next one may have none
  for (const auto& [block, statements] : byBlock) {
    session.once("SAVEPOINT block");
    try {
      for (const auto& statement : statements) session.run(statement.sql, statement.values);
    } catch (const StorageError& error) {
      if (error.passes()) throw;
      session.once("ROLLBACK TO block");
      BlockRow& failed = refused[block];
      if (!draft.isNew()) failed = fetch(session, draft.id(), block);
      failed.error = "internal error";
      failures.push_back({block, error.what()});
    }
    session.once("RELEASE block");
  }
  for (const auto& [block, row] : draft.rows())
    if (!refused.contains(block)) write(session, draft.id(), block, row, draft.isNew());
  for (const auto& [block, row] : refused) write(session, draft.id(), block, row, draft.isNew());
  draft.refuse(std::move(refused));
  return failures;
}

void BlockStore::erase(Session& session, const InstanceId& id) {
  session.run("DELETE FROM block_row WHERE instance_id = :instance", {id.value});
}

int BlockStore::reseal(Session& session, int count) const {
  int done = 0;
  const auto rows = session.rows(
      "SELECT instance_id, block, secrets FROM block_row "
      "WHERE secrets IS NOT NULL AND secrets NOT LIKE :current LIMIT :count {locked}",
      "ttt", {sealer_.keyId() + ":%", static_cast<std::int64_t>(count)});
  for (const auto& row : rows) {
    const InstanceId id{row.text(0)};
    const auto plain = sealer_.open(ownerOf(id, row.text(1)), row.text(2));
    if (!plain)
      throw StorageError("a secret of block " + row.text(1) + " of instance " + id.value +
                         " does not open");
    done += static_cast<int>(session.run(
        "UPDATE block_row SET secrets = :secrets WHERE instance_id = :instance AND block = :block",
        {sealer_.seal(ownerOf(id, row.text(1)), plain->reveal()), id.value, row.text(1)}));
  }
  return done;
}

}  // namespace pombo
