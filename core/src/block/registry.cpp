#include "block/registry.hpp"

#include <algorithm>
#include <cctype>
#include <ranges>

#include "block/field_table.hpp"
#include "block/guard.hpp"

namespace pombo {
namespace {

// `s3Bucket` is a field of s3: the block's name, then an upper-case letter.
bool isFieldOf(const std::string& block, const std::string& field) {
  return field.starts_with(block) && field.size() > block.size() &&
         std::isupper(static_cast<unsigned char>(field[block.size()]));
}

Json failureShape(const BlockPromise& promise, const std::string& reason) {
  boost::json::object shown = promise.failed.as_object();
  shown["status"] = "error";
  shown["error"] = reason;
  return shown;
}

}  // namespace

Registry::Registry(Promises promises, Log& log, Metrics& metrics)
    : promises_(std::move(promises)), log_(log), metrics_(metrics) {}

Registry::~Registry() { stop(); }

void Registry::add(Block block) {
  if (!promises_.find(block.name)) promises_.blocks.push_back(Promises::usual(block.name));
  blocks_.push_back(std::move(block));
}

void Registry::start() {
  for (auto& block : blocks_) {
    if (!block.running()) continue;
    const auto failure =
        failureOf(block.host->log(), "start", [&] { block.code->start(*block.host); });
    if (!failure) continue;
    block.problem = *failure;
    block.host->log().write(Level::error, "Block did not start", {{"reason", *failure}});
  }
}

void Registry::stop() noexcept {
  for (auto& block : std::ranges::reverse_view(blocks_))
    if (block.running() && block.code) block.code->stop();
  blocks_.clear();
}

const Block* Registry::find(const std::string& name) const {
  const auto it = std::find_if(blocks_.begin(), blocks_.end(),
                               [&](const Block& block) { return block.name == name; });
  return it == blocks_.end() ? nullptr : &*it;
}

std::string Registry::ownerOf(const std::string& field) const {
  for (const auto& block : blocks_)
    if (block.flat && fieldNamed(block.fields, field)) return block.name;
  for (const auto& promise : promises_.blocks) {
    const Block* block = find(promise.name);
    if (!(block && block->flat) && isFieldOf(promise.name, field)) return promise.name;
  }
  return {};
}

Slices Registry::slice(const boost::json::object& body, const std::vector<std::string>& own) const {
  Slices slices;
  for (const auto& [key, value] : body) {
    const std::string field(key);
    if (std::find(own.begin(), own.end(), field) != own.end()) continue;
    const std::string owner = ownerOf(field);
    const Block* block = find(owner);
    const bool known =
        !owner.empty() && !(block && block->running() && !fieldNamed(block->fields, field));
    if (known)
      slices.fields.try_emplace(owner, body.storage()).first->second[key] = value;
    else
      slices.warnings.push_back("Unknown field '" + field + "' was ignored");
  }
  return slices;
}

// Whether the block's switch is off; then nothing of the slice is kept, and the client hears of it.
bool Registry::ignored(const std::string& name, const boost::json::object& slice,
                       std::vector<std::string>& warnings) const {
  const Block* block = find(name);
  const std::vector<Field> unknown{{.name = name + "Enabled", .type = Type::boolean}};
  const auto& table = block && block->running() ? block->fields : unknown;
  if (!switchedOff(table, slice)) return false;
  const std::string onOff = switchOf(table)->name;
  const bool more = std::any_of(slice.begin(), slice.end(), [&](const auto& each) {
    return each.key() != onOff && !each.value().is_null();
  });
  if (more)
    warnings.push_back("Fields of block '" + name + "' were ignored because '" + onOff +
                       "' is not true");
  return true;
}

void Registry::configure(const Instance& instance, Slices& slices, BlockStore& store,
                         Draft& draft) {
  const Draft::Scope scope(draft);
  std::vector<std::string> names;
  for (const auto& block : blocks_) names.push_back(block.name);
  for (const auto& promise : promises_.blocks)
    if (!find(promise.name)) names.push_back(promise.name);
  for (const auto& name : names) {
    const auto it = slices.fields.find(name);
    if (it == slices.fields.end()) continue;
    if (ignored(name, it->second, slices.warnings) && draft.isNew()) continue;
    const Block* block = find(name);
    if (block && block->running()) {
      configure(*block, instance, it->second, store, draft);
    } else {
      const std::string reason = promises_.find(name)->notLoaded;
      draft.fail(name, reason, store.load(instance.id, name));
      failed(block, name, instance, reason);
    }
    if (draft.reservationFailure()) return;
  }
}

void Registry::configure(const Block& block, const Instance& instance,
                         const boost::json::object& slice, BlockStore& store, Draft& draft) {
  const BlockRow before = store.load(instance.id, block.name);
  const auto failure = failureOf(block.host->log(), "configure", [&] {
    const Json values = checked(block.fields, slice).values;
    block.code->configure(instance, Fields(values));
  });
  if (draft.reservationFailure()) return;
  if (!failure) {
    if (BlockRow row = store.load(instance.id, block.name); !row.error.empty()) {
      row.error.clear();
      draft.put(block.name, std::move(row));
    }
    return;
  }
  draft.fail(block.name, *failure, before);
  failed(&block, block.name, instance, *failure);
}

void Registry::failed(const Block* block, const std::string& name, const Instance& instance,
                      const std::string& reason) {
  const Json fields{{"block", name}, {"instance", instance.id.value}, {"reason", reason}};
  if (block && block->host)
    block->host->log().write(Level::warn, "Block not configured", fields);
  else
    log_.write(Level::warn, "Block not configured", fields);
  metrics_.count("pombo_" + name + "_configure_failed_total", {});
}

void Registry::report(const Instance& instance, const std::vector<BlockFailure>& failures) {
  for (const auto& failure : failures)
    failed(find(failure.block), failure.block, instance, failure.reason);
}

void Registry::forget(const Instance& instance) {
  for (const auto& block : std::ranges::reverse_view(blocks_)) {
    if (!block.running()) continue;
    const auto failure =
        failureOf(block.host->log(), "forget", [&] { block.code->forget(instance); });
    if (!failure) continue;
    block.host->log().write(Level::warn, "Block did not forget",
                            {{"instance", instance.id.value}, {"reason", *failure}});
    block.host->metrics().count("forget_failed", 1);
  }
}

Json Registry::shownBy(const BlockPromise& promise, const Instance& instance,
                       BlockStore& store) const {
  const std::string& name = promise.name;
  const Block* block = find(name);
  if (const auto row = store.load(instance.id, name, Secrets::sealed); !row.error.empty())
    return failureShape(promise, row.error);
  if (!block || !block->running()) return promise.empty;
  Json shown;
  const auto failure =
      failureOf(block->host->log(), "summary", [&] { shown = block->code->summary(instance); });
  return failure ? failureShape(promise, *failure) : shown;
}

void Registry::show(const Instance& instance, BlockStore& store, boost::json::object& into) const {
  for (const auto& promise : promises_.blocks)
    into[promise.name] = shownBy(promise, instance, store);
}

std::optional<std::string> Registry::ask(const std::string& block, const std::string& what,
                                         const std::function<void()>& call) const {
  const Block* known = find(block);
  return failureOf(known && known->host ? known->host->log() : log_, what, call);
}

IConnector* Registry::connectorNamed(const std::string& name) const {
  const Block* block = find(name);
  return block && block->running() ? block->code->connector() : nullptr;
}

std::optional<Proxy> Registry::proxyFor(const InstanceId& id) const {
  for (const auto& block : blocks_)
    if (auto* source = block.running() ? block.code->proxies() : nullptr)
      if (auto proxy = source->proxyFor(id)) return proxy;
  return std::nullopt;
}

std::map<std::string, std::string> Registry::health() const {
  std::map<std::string, std::string> all;
  for (const auto& block : blocks_) {
    if (!block.running()) continue;
    std::optional<std::string> said;
    const auto failure =
        failureOf(block.host->log(), "health", [&] { said = block.code->health(); });
    if (failure) said = "fail: " + *failure;
    if (said) all[block.name] = *said;
  }
  return all;
}

}  // namespace pombo
