#include "instance/instance_store.hpp"

#include <algorithm>

#include "instance/identity.hpp"
#include "storage/block_store.hpp"

namespace pombo {
namespace {

#define POMBO_INSTANCE_COLUMNS \
  "id, account_id, name, connector, status, number_jid, created_at, updated_at, token_sealed"
constexpr auto kKinds = "ttttttnnt";

StoredInstance storedOf(Row row) {
  StoredInstance stored;
  stored.instance = {{row.take(0)},
                     {row.take(1)},
                     row.take(2),
                     row.take(3),
                     row.take(4),
                     row.take(5),
                     fromMilliseconds(row.number(6))};
  stored.updatedAt = fromMilliseconds(row.number(7));
  stored.sealedToken = row.take(8);
  return stored;
}

std::optional<StoredInstance> firstOf(std::vector<Row> rows) {
  return rows.empty() ? std::nullopt : std::optional(storedOf(std::move(rows.front())));
}

std::optional<Instance> instanceIn(std::optional<StoredInstance> stored) {
  return stored ? std::optional(std::move(stored->instance)) : std::nullopt;
}

void requireQuota(Session& session, const AccountId& id) {
  const auto rows = session.rows("SELECT enabled, quota, instances FROM account WHERE id = :id",
                                 "nnn", {id.value});
  if (rows.empty() || rows.front().number(0) == 0) throw Error(Code::unauthorized, "Invalid token");
  if (!rows.front().null(1) && rows.front().number(2) >= rows.front().number(1))
    throw Error(Code::forbidden, "Account instance quota exceeded");
}

// Many at once, on PostgreSQL: those that their accounts have room for and nobody has taken the
// name or the token of. It answers with their ids; why the others were left out, insert() tells
// them. The accounts are locked in one order, whoever does this.
constexpr auto kInsertMany = R"(
WITH wanted AS (
  SELECT *, row_number() OVER (PARTITION BY account_id) AS place
  FROM unnest(:ids::text[], :accounts::text[], :names::text[], :connectors::text[],
              :statuses::text[], :times::bigint[], :tokens::text[], :hashes::text[])
    AS wanted (id, account_id, name, connector, status, created_at, token_sealed, token_hash)
), owner AS (
  SELECT id, quota, instances FROM account
  WHERE id IN (SELECT account_id FROM wanted) AND enabled <> 0 ORDER BY id FOR NO KEY UPDATE
), placed AS (
  INSERT INTO instance (id, account_id, name, connector, status, created_at, updated_at,
                        token_sealed, token_hash)
  SELECT w.id, w.account_id, w.name, w.connector, w.status, w.created_at, w.created_at,
         w.token_sealed, w.token_hash
  FROM wanted w JOIN owner o ON o.id = w.account_id
  WHERE (o.quota IS NULL OR o.instances + w.place <= o.quota)
    AND NOT EXISTS (SELECT 1 FROM account a WHERE a.token_hash = w.token_hash)
    AND NOT EXISTS (SELECT 1 FROM account a WHERE a.old_token_hash = w.token_hash)
  ON CONFLICT DO NOTHING RETURNING id, account_id
), counted AS (
  UPDATE account SET instances = instances + p.made
  FROM (SELECT account_id, count(*) AS made FROM placed GROUP BY account_id) p
  WHERE account.id = p.account_id
), kept AS (
  INSERT INTO block_row (instance_id, block, document, secrets, error)
  SELECT b.instance_id, b.block, b.document, b.secrets, b.error
  FROM unnest(:owners::text[], :blocks::text[], :documents::text[], :secrets::text[],
              :errors::text[]) AS b (instance_id, block, document, secrets, error)
    JOIN placed p ON p.id = b.instance_id
)
SELECT id FROM placed)";

constexpr std::size_t kIdsOfOneQuery = 50;

const std::string& findMany() {
  static const std::string sql = [] {
    std::string text = "SELECT " POMBO_INSTANCE_COLUMNS " FROM instance WHERE id IN (";
    for (std::size_t i = 0; i < kIdsOfOneQuery; ++i)
      text += (i == 0 ? ":id" : ", :id") + std::to_string(i);
    return text + ") AND status <> 'provisioning'";
  }();
  return sql;
}

[[noreturn]] void refuseTaken() { throw Error(Code::conflict, "Instance or token already exists"); }

}  // namespace

void InstanceStore::insert(Session& session, const Instance& instance,
                           const std::string& token) const {
  // Everything is asked before anything is changed: a refusal then costs no rollback of the others
  // in this commit. What another process changes meanwhile, the changes find out for themselves.
  requireQuota(session, instance.account);
  const std::string hash = sealer_.hashOf(token);
  const bool taken = !session
                          .rows(
                              "SELECT 1 FROM instance WHERE account_id = :account AND name = :name "
                              "UNION ALL SELECT 1 FROM instance WHERE token_hash = :hash "
                              "UNION ALL SELECT 1 FROM account WHERE token_hash = :account_hash "
                              "OR old_token_hash = :old_hash",
                              "n", {instance.account.value, instance.name, hash, hash, hash})
                          .empty();
  if (taken) refuseTaken();
  while (session.run("UPDATE account SET instances = instances + 1 WHERE id = :id AND enabled <> 0 "
                     "AND (quota IS NULL OR instances < quota)",
                     {instance.account.value}) == 0)
    requireQuota(session, instance.account);
  try {
    session.run(
        "INSERT INTO instance (" POMBO_INSTANCE_COLUMNS
        ", token_hash) VALUES (:id, :account, :name, :connector, :status, :jid, :created, "
        ":updated, :sealed, :hash)",
        {instance.id.value, instance.account.value, instance.name, instance.connector,
         instance.status, SqlValue(), milliseconds(instance.createdAt),
         milliseconds(instance.createdAt), sealer_.seal(ownerOf(instance.id), token), hash});
  } catch (const StorageError& error) {
    if (error.kind == StorageError::Kind::taken) refuseTaken();
    throw;
  }
}

Share InstanceStore::share(const Instance& instance, const std::string& token,
                           const std::function<std::vector<Values>()>& blockRows) const {
  const std::string key = sealer_.keyId();
  const auto created = milliseconds(instance.createdAt);
  Share share{kInsertMany,
              instance.id.value,
              {{instance.id.value},
               {instance.account.value},
               {instance.name},
               {instance.connector},
               {instance.status},
               {created},
               {sealer_.seal(ownerOf(instance.id), token)},
               {sealer_.hashOf(token)}}};
  const auto first = share.columns.size();
  share.columns.resize(first + BlockStore::kColumns);
  for (const auto& row : blockRows())
    for (std::size_t i = 0; i < row.size(); ++i) share.columns[first + i].push_back(row[i]);
  share.holds = [this, key] { return sealer_.keyId() == key; };
  return share;
}

bool InstanceStore::settle(Session& session, const InstanceId& id, const std::string& status) {
  return session.run("UPDATE instance SET status = :status WHERE id = :id AND status = :reserved",
                     {status, id.value, kProvisioning}) == 1;
}

void InstanceStore::erase(Session& session, const InstanceId& id) {
  const auto owner =
      session.rows("SELECT account_id FROM instance WHERE id = :id {locked}", "t", {id.value});
  if (session.run("DELETE FROM instance WHERE id = :id", {id.value}) == 1)
    session.run("UPDATE account SET instances = instances - 1 WHERE id = :id",
                {owner.front().text(0)});
}

bool InstanceStore::exists(Session& session, const InstanceId& id) {
  return !session.rows("SELECT 1 FROM instance WHERE id = :id {locked}", "n", {id.value}).empty();
}

std::vector<Instance> InstanceStore::reserved(Session& session, TimePoint latest) {
  std::vector<Instance> all;
  for (auto& row : session.rows("SELECT " POMBO_INSTANCE_COLUMNS
                                " FROM instance WHERE status = :status AND created_at <= :latest",
                                kKinds, {kProvisioning, milliseconds(latest)}))
    all.push_back(storedOf(std::move(row)).instance);
  return all;
}

std::vector<Instance> InstanceStore::all(Session& session, const AccountId& account) {
  std::vector<Instance> found;
  for (auto& row : session.rows("SELECT " POMBO_INSTANCE_COLUMNS
                                " FROM instance WHERE account_id = :account ORDER BY id",
                                kKinds, {account.value}))
    found.push_back(storedOf(std::move(row)).instance);
  return found;
}

void InstanceStore::touch(Session& session, const InstanceId& id, TimePoint now) {
  session.run("UPDATE instance SET updated_at = :now WHERE id = :id",
              {milliseconds(now), id.value});
}

std::optional<std::string> InstanceStore::lockedStatus(Session& session, const InstanceId& id) {
  const auto rows = session.rows(
      "SELECT status FROM instance WHERE id = :id AND status <> 'provisioning' {locked}", "t",
      {id.value});
  return rows.empty() ? std::nullopt : std::optional(rows.front().text(0));
}

void InstanceStore::move(Session& session, const InstanceId& id, const std::string& status,
                         TimePoint now) {
  session.run(
      "UPDATE instance SET status = :status, updated_at = :now "
      "WHERE id = :id AND status <> 'provisioning'",
      {status, milliseconds(now), id.value});
}

void InstanceStore::link(Session& session, const InstanceId& id, const std::string& status,
                         const std::string& numberJid, std::optional<TimePoint> bannedUntil,
                         TimePoint now) {
  session.run(
      "UPDATE instance SET status = :status, number_jid = COALESCE(:jid, number_jid), "
      "banned_until = :until, updated_at = :now WHERE id = :id AND status <> 'provisioning'",
      {status, numberJid.empty() ? SqlValue() : SqlValue(numberJid),
       bannedUntil ? SqlValue(milliseconds(*bannedUntil)) : SqlValue(), milliseconds(now),
       id.value});
}

void InstanceStore::endBans(Session& session, TimePoint now) {
  session.run(
      "UPDATE instance SET status = 'disconnected', banned_until = NULL, updated_at = :now "
      "WHERE banned_until <= :until AND status = 'banned'",
      {milliseconds(now), milliseconds(now)});
}

bool InstanceStore::hasBansToEnd(TimePoint now) const {
  return database_.read([&](Session& session) {
    return !session
                .rows(
                    "SELECT 1 FROM instance WHERE banned_until <= :now AND status = 'banned' "
                    "LIMIT 1",
                    "n", {milliseconds(now)})
                .empty();
  });
}

void InstanceStore::relink(Session& session, const std::string& connector, const std::string& from,
                           const std::string& to) {
  session.run("UPDATE instance SET status = :to WHERE connector = :connector AND status = :from",
              {to, connector, from});
}

void InstanceStore::relink(Session& session, const std::vector<InstanceId>& ids,
                           const std::string& from, const std::string& to) {
  for (const auto& id : ids)
    session.run("UPDATE instance SET status = :to WHERE id = :id AND status = :from",
                {to, id.value, from});
}

std::vector<std::string> InstanceStore::connectorsInUse(Session& session) {
  std::vector<std::string> names;
  for (const auto& row : session.rows("SELECT DISTINCT connector FROM instance "
                                      "WHERE status IN ('connecting', 'connected', 'disconnected')",
                                      "t"))
    names.push_back(row.text(0));
  return names;
}

namespace {

std::vector<InstanceId> idsIn(const std::vector<Row>& rows) {
  std::vector<InstanceId> ids;
  for (const auto& row : rows) ids.push_back({row.text(0)});
  return ids;
}

}  // namespace

std::vector<InstanceId> InstanceStore::linkedBy(Session& session, const std::string& connector) {
  return idsIn(session.rows(
      "SELECT id FROM instance WHERE connector = :connector AND (status IN ('connecting', "
      "'connected') OR status = 'disconnected' AND number_jid IS NOT NULL) ORDER BY id",
      "t", {connector}));
}

bool InstanceStore::mayHaveSession(const Instance& instance) {
  if (instance.status == kLoggedOut) return false;
  return !instance.numberJid.empty() || instance.status != kDisconnected;
}

std::vector<InstanceId> InstanceStore::inStatus(Session& session, const std::string& connector,
                                                const std::string& status) {
  return idsIn(
      session.rows("SELECT id FROM instance WHERE connector = :connector AND status = :status", "t",
                   {connector, status}));
}

std::map<InstanceId, StoredInstance> InstanceStore::find(const std::vector<InstanceId>& ids) const {
  std::map<InstanceId, StoredInstance> found;
  if (ids.size() == 1) {
    if (auto one = find(ids.front())) found.emplace(ids.front(), std::move(*one));
    return found;
  }
  database_.read([&](Session& session) {
    for (std::size_t i = 0; i < ids.size(); i += kIdsOfOneQuery) {
      Values some;  // always so many, so that it is one statement
      for (std::size_t k = i; k < i + kIdsOfOneQuery; ++k)
        some.emplace_back(ids[std::min(k, ids.size() - 1)].value);
      for (auto& row : session.rows(findMany(), kKinds, some)) {
        auto stored = storedOf(std::move(row));
        const InstanceId id = stored.instance.id;
        found.insert_or_assign(id, std::move(stored));
      }
    }
  });
  return found;
}

std::optional<StoredInstance> InstanceStore::find(const InstanceId& id) const {
  return database_.read([&](Session& session) {
    return firstOf(session.rows("SELECT " POMBO_INSTANCE_COLUMNS
                                " FROM instance WHERE id = :id AND status <> 'provisioning'",
                                kKinds, {id.value}));
  });
}

namespace {

std::optional<StoredInstance> byName(Session& session, const AccountId& account,
                                     const std::string& name) {
  if (!isText(name)) return std::nullopt;  // no name is like that, and not every database is asked
  return firstOf(session.rows("SELECT " POMBO_INSTANCE_COLUMNS
                              " FROM instance WHERE account_id = :account "
                              "AND name = :name AND status <> 'provisioning'",
                              kKinds, {account.value, name}));
}

}  // namespace

std::optional<StoredInstance> InstanceStore::findByName(const AccountId& account,
                                                        const std::string& name) const {
  return database_.read([&](Session& session) { return byName(session, account, name); });
}

std::optional<Instance> InstanceStore::findByName(Session& session, const AccountId& account,
                                                  const std::string& name) {
  return instanceIn(byName(session, account, name));
}

std::vector<StoredInstance> InstanceStore::list(const AccountId& account) const {
  return database_.read([&](Session& session) {
    std::vector<StoredInstance> all;
    for (auto& row :
         session.rows("SELECT " POMBO_INSTANCE_COLUMNS " FROM instance WHERE account_id = :account "
                      "AND status <> 'provisioning' ORDER BY name {bytewise}",
                      kKinds, {account.value}))
      all.push_back(storedOf(std::move(row)));
    return all;
  });
}

std::vector<InstanceId> InstanceStore::linked() const {
  return database_.read([](Session& session) {
    return idsIn(
        session.rows("SELECT id FROM instance WHERE status = 'connecting' OR "
                     "status = 'connected' AND number_jid IS NOT NULL ORDER BY id",
                     "t"));
  });
}

std::optional<Instance> InstanceStore::findByTokenHash(Session& session, const std::string& hash) {
  return instanceIn(
      firstOf(session.rows("SELECT " POMBO_INSTANCE_COLUMNS " FROM instance WHERE token_hash = "
                           ":hash AND status <> 'provisioning'",
                           kKinds, {hash})));
}

std::optional<Secret> InstanceStore::tokenOf(const StoredInstance& stored) const {
  return sealer_.open(ownerOf(stored.instance.id), stored.sealedToken);
}

int InstanceStore::reseal(Session& session, int count) const {
  int done = 0;
  for (const auto& row :
       session.rows("SELECT id, token_sealed FROM instance WHERE token_sealed NOT LIKE :current "
                    "LIMIT :count {locked}",
                    "tt", {sealer_.keyId() + ":%", static_cast<std::int64_t>(count)})) {
    const InstanceId id{row.text(0)};
    const auto token = sealer_.open(ownerOf(id), row.text(1));
    if (!token) throw StorageError("the token of instance " + id.value + " does not open");
    done +=
        static_cast<int>(session.run("UPDATE instance SET token_sealed = :sealed WHERE id = :id",
                                     {sealer_.seal(ownerOf(id), token->reveal()), id.value}));
  }
  return done;
}

}  // namespace pombo
