#include "block/registry.hpp"

#include "block/field_table.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kStartTime{30}, kStopTime{5}, kHealthTime{5},
    kConnectorTime{60};                // WhatsApp may take as long
constexpr std::size_t kMoreShown = 4;  // keys behind those of the blocks

// Beside what the block has kept of the instance so far.
void keepFailure(const std::string& block, const std::string& reason, const Instance& instance,
                 const BlockStore& store, Draft& draft) {
  BlockRow row = store.load(instance.id, block);
  row.error = reason;
  draft.put(block, std::move(row));
}

Json failureShape(const BlockPromise& promise, const std::string& reason) {
  boost::json::object shown = promise.failed.as_object();
  shown["status"] = "error";
  shown["error"] = reason;
  return shown;
}

}  // namespace

Registry::Registry(Promises promises, Log& log, Metrics& metrics, Keeps keeps)
    : list_(std::move(promises)), log_(log), metrics_(metrics), keeps_(std::move(keeps)) {}

Registry::~Registry() = default;

void Registry::add(Block block) {
  logs_.emplace(block.name, log_.of(block.name));
  list_.add(std::move(block));
}

// `run` outlives this call when it is late; what is the block's own outlives the threads.
BlockCall Registry::callOf(const Block& block, const std::string& what,
                           std::function<Json()> run) const {
  return {.standing = block.standing,
          .log = &logOf(block),
          .what = what,
          .budget = block.budget,
          .inPlace = block.inPlace,
          .run = std::move(run)};
}

void Registry::start() {
  for (auto& block : list_.all()) {
    if (!block.running()) continue;
    std::vector<BlockCall> calls{callOf(block, "start", [&block]() -> Json {
      block.code->start(*block.host);
      return nullptr;
    })};
    calls[0].budget = kStartTime;
    calls[0].inPlace = false;
    threads_.run(calls);
    if (!calls[0].failure) continue;
    block.problem = calls[0].failure->what();
    logOf(block).write(Level::error, "Block did not start", {{"reason", block.problem}});
  }
}

int Registry::stop() noexcept {
  int missing = 0;
  for (auto it = list_.all().rbegin(); it != list_.all().rend(); ++it) {
    const Block& block = *it;
    if (block.running() && block.standing->missing() == 0) {
      std::vector<BlockCall> calls{callOf(block, "stop", [code = block.code.get()]() -> Json {
        code->stop();
        return nullptr;
      })};
      calls[0].budget = kStopTime;
      calls[0].inPlace = false;
      threads_.run(calls);
    }
    missing += block.standing->missing();
  }
  return missing;
}

void Registry::configure(const Instance& instance, Slices& slices, BlockStore& store,
                         Draft& draft) {
  const Draft::Scope scope(draft);
  const auto shared = std::make_shared<const Instance>(instance);
  std::vector<BlockCall> calls;
  std::vector<std::pair<const Block*, std::shared_ptr<Draft>>> parts;
  for (const auto& name : list_.names()) {
    const auto it = slices.fields.find(name);
    if (it == slices.fields.end()) continue;
    if (list_.switchesOff(name, slices) && draft.isNew()) continue;
    if (const Block* block = find(name); block && block->running()) {
      parts.emplace_back(block, draft.part(name));
      calls.push_back(configuring(*block, shared, std::move(it->second), parts.back().second));
    } else {
      keepFailure(name, promises().find(name)->notLoaded, instance, store, draft);
      failed(name, instance, promises().find(name)->notLoaded);
    }
  }
  threads_.run(calls);
  if (draft.reservationFailure()) return;
  for (std::size_t i = 0; i < calls.size(); ++i)
    settle(*parts[i].first, instance, calls[i], *parts[i].second, store, draft);
}

BlockCall Registry::configuring(const Block& block, std::shared_ptr<const Instance> instance,
                                boost::json::object slice, std::shared_ptr<Draft> part) const {
  // Moved, so that secrets stay in the memory that is wiped.
  return callOf(block, "configure",
                [code = block.code.get(), &table = block.fields, instance = std::move(instance),
                 slice = std::move(slice), part = std::move(part)]() -> Json {
                  if (part->reservationFailure()) return nullptr;  // there will be no instance
                  const Draft::Scope scope(*part);
                  const Json values = checked(table, slice).values;
                  code->configure(*instance, Fields(values));
                  return nullptr;
                });
}

void Registry::settle(const Block& block, const Instance& instance, const BlockCall& call,
                      Draft& part, BlockStore& store, Draft& draft) {
  if (call.failure) {
    keepFailure(block.name, call.failure->what(), instance, store, draft);
    failed(block.name, instance, call.failure->what());
    return;
  }
  draft.take(part);
  if (draft.isNew()) return;
  if (BlockRow row = store.load(instance.id, block.name); !row.error.empty()) {
    row.error.clear();
    draft.put(block.name, std::move(row));
  }
}

void Registry::failed(const std::string& name, const Instance& instance,
                      const std::string& reason) {
  log_.write(Level::warn, "Block not configured",
             {{"block", name}, {"instance", instance.id.value}, {"reason", reason}});
  metrics_.count("pombo_" + name + "_configure_failed_total", {});
}

void Registry::report(const Instance& instance, const std::vector<BlockFailure>& failures) {
  for (const auto& failure : failures) failed(failure.block, instance, failure.reason);
}

void Registry::forget(const Instance& instance, Draft& draft) {
  std::vector<BlockCall> calls;
  std::vector<std::pair<const Block*, std::shared_ptr<Draft>>> parts;
  for (auto it = list_.all().rbegin(); it != list_.all().rend(); ++it) {
    const Block& block = *it;
    if (!block.running()) continue;
    const auto part = parts.emplace_back(&block, draft.part(block.name)).second;
    calls.push_back(callOf(block, "forget", [code = block.code.get(), instance, part]() -> Json {
      const Draft::Scope scope(*part);
      code->forget(instance);
      return nullptr;
    }));
  }
  threads_.run(calls);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Block& block = *parts[i].first;
    if (!calls[i].failure) {
      draft.take(*parts[i].second);
      continue;
    }
    logOf(block).write(Level::warn, "Block did not forget",
                       {{"instance", instance.id.value}, {"reason", calls[i].failure->what()}});
    block.host->metrics().count("forget_failed", 1);
  }
}

void Registry::show(const Instance& instance, BlockStore& store, boost::json::object& into) const {
  const auto all = promises().blocks.size();
  const auto shared = std::make_shared<const Instance>(instance);  // calls may outlive this one
  std::vector<BlockCall> calls;
  std::vector<const BlockPromise*> asked;
  calls.reserve(all);
  into.reserve(into.size() + all + kMoreShown);
  for (const auto& promise : promises().blocks) {
    const std::string& name = promise.name;
    Json& shown = into[name];  // in the order of the wire, whenever it is told
    BlockRow row = store.load(instance.id, name, Secrets::sealed);
    const Block* block = find(name);
    if (!row.error.empty()) {
      shown = failureShape(promise, row.error);
    } else if (block && block->running()) {
      const auto part = std::make_shared<Draft>(instance.id, true);
      part->remember(name, std::move(row));
      calls.push_back(callOf(*block, "summary", [code = block->code.get(), shared, part] {
        const Draft::Scope scope(*part);
        return code->summary(*shared);
      }));
      asked.push_back(&promise);
    } else if (name == promises().defaultConnector) {
      into.stable_erase(name);  // of the usual one nobody speaks, whether or not it is there
    } else {
      shown = promise.empty;
    }
  }
  threads_.run(calls);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    Json& shown = into[asked[i]->name];
    shown = calls[i].failure ? failureShape(*asked[i], calls[i].failure->what())
                             : std::move(calls[i].result);
    // Of what the wire does not promise, a block need not speak.
    if (shown.is_null() && !asked[i]->fixed) into.stable_erase(asked[i]->name);
  }
}

IConnector* Registry::connectorNamed(const std::string& name) const {
  const Block* block = find(name);
  return block && block->running() ? block->code->connector() : nullptr;
}

Json Registry::callConnector(const Instance& instance, const std::string& what,
                             std::chrono::milliseconds budget,
                             std::function<Json(IConnector&)> call) const {
  IConnector* const connector = connectorNamed(instance.connector);
  if (!connector) throw Error(Code::unavailable, "No connector is available");
  std::vector<BlockCall> calls{
      callOf(*find(instance.connector), what,
             [connector, call = std::move(call)] { return call(*connector); })};
  calls[0].budget = budget;
  threads_.run(calls);
  if (calls[0].failure) throw Error(*calls[0].failure);
  return std::move(calls[0].result);
}

Json Registry::perform(const Instance& instance, const std::string& operation,
                       const Json& arguments, const std::vector<Media>& files) const {
  return callConnector(instance, operation, kConnectorTime, [=](IConnector& connector) {
    return files.empty() ? connector.perform(instance, operation, arguments)
                         : connector.performWith(instance, operation, arguments, files);
  });
}

Media Registry::media(const Instance& instance, const std::string& mediaKey,
                      std::chrono::milliseconds budget) const {
  const auto found = std::make_shared<Media>();
  callConnector(instance, "media", budget, [=](IConnector& connector) -> Json {
    *found = connector.media(instance, mediaKey);
    return nullptr;
  });
  return *found;
}

Link Registry::connect(const Instance& instance, LinkRequest request,
                       std::chrono::milliseconds budget) const {
  request.proxy = proxyFor(instance.id);
  const auto link = std::make_shared<Link>();
  callConnector(instance, "connect", budget, [=](IConnector& connector) -> Json {
    *link = connector.connect(instance, request);
    return nullptr;
  });
  return *link;
}

void Registry::reconnect(const Instance& instance) const {
  const auto proxy = proxyFor(instance.id);
  callConnector(instance, "reconnect", kConnectorTime, [=](IConnector& connector) -> Json {
    connector.reconnect(instance, proxy);
    return nullptr;
  });
}

void Registry::disconnect(const Instance& instance) const {
  callConnector(instance, "disconnect", kConnectorTime, [=](IConnector& connector) -> Json {
    connector.disconnect(instance);
    return nullptr;
  });
}

void Registry::logout(const Instance& instance, std::chrono::milliseconds budget) const {
  callConnector(instance, "logout", budget, [=](IConnector& connector) -> Json {
    connector.logout(instance);
    return nullptr;
  });
}

Profile Registry::profileOf(const Instance& instance) const {
  if (!connectorNamed(instance.connector)) return {};
  const auto found = std::make_shared<Profile>();
  const auto failure = failureOf(log_, "profile", [&] {
    callConnector(instance, "profile", kConnectorTime, [=](IConnector& connector) -> Json {
      *found = connector.profile(instance);
      return nullptr;
    });
  });
  return failure ? Profile() : *found;
}

std::optional<Proxy> Registry::proxyFor(const InstanceId& id) const {
  for (const auto& block : list_.all())
    if (auto* source = block.running() ? block.code->proxies() : nullptr)
      if (auto proxy = source->proxyFor(id)) return proxy;
  for (const auto& promise : promises().blocks) {
    if (!promise.neededToDial) continue;
    const Block* block = find(promise.name);
    if (!(block && block->running()) && keeps_(id, promise.name))
      throw Error(Code::refused, promise.routeNotLoaded);
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, IEnricher*>> Registry::enrichers() const {
  std::vector<std::pair<std::string, IEnricher*>> all;
  for (const auto& block : list_.all())
    if (auto* enricher = block.running() ? block.code->enricher() : nullptr)
      all.emplace_back(block.name, enricher);
  return all;
}

Failure Registry::call(const std::string& name, const std::string& what,
                       std::chrono::milliseconds budget, std::function<void()> run) const {
  std::vector<BlockCall> calls{callOf(*find(name), what, [run = std::move(run)]() -> Json {
    run();
    return nullptr;
  })};
  calls[0].budget = budget;
  threads_.run(calls);
  return calls[0].failure;
}

std::map<std::string, std::string> Registry::health() const {
  std::vector<BlockCall> calls;
  std::vector<std::pair<const Block*, std::shared_ptr<std::optional<std::string>>>> said;
  for (const auto& block : list_.all()) {
    if (!block.running()) continue;
    const auto text =
        said.emplace_back(&block, std::make_shared<std::optional<std::string>>()).second;
    calls.push_back(callOf(block, "health", [code = block.code.get(), text]() -> Json {
      *text = code->health();
      return nullptr;
    }));
    calls.back().budget = kHealthTime;
    calls.back().inPlace = false;
  }
  threads_.run(calls);
  std::map<std::string, std::string> all;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string& name = said[i].first->name;
    if (calls[i].failure)
      all[name] = std::string("fail: ") + calls[i].failure->what();
    else if (*said[i].second)
      all[name] = **said[i].second;
  }
  return all;
}

void Registry::collect(Metrics& metrics) const {
  for (const auto& block : list_.all()) {
    metrics.countTo("pombo_" + block.name + "_calls_written_off_total", {},
                    block.standing->writtenOff());
    metrics.observe("pombo_" + block.name + "_calls_missing", {}, block.standing->missing());
  }
}

}  // namespace pombo
