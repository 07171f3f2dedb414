// The registry and the provisioner over a database of their own, with blocks that the test scripts.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "account/accounts.hpp"
#include "instance/identity.hpp"
#include "instance/provisioner.hpp"
#include "instance/settings_block.hpp"
#include "instance/view.hpp"
#include "temp_events.hpp"
#include "temp_store.hpp"

namespace pombo {

// Does what the test says; by default it keeps its slice and shows it.
class ScriptedBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> table;
  std::function<void(IHost&)> onStart = [](IHost&) {};
  std::function<void(IHost&, const Instance&, const Fields&)> onConfigure =
      [](IHost& host, const Instance& instance, const Fields& slice) {
        host.settings().save(instance.id, slice.document());
      };
  std::function<Json(IHost&, const Instance&)> onSummary = [](IHost& host,
                                                              const Instance& instance) {
    return host.settings().load(instance.id).value_or(Json{{"enabled", false}});
  };
  std::function<void(IHost&, const Instance&)> onForget = [](IHost&, const Instance&) {};
  std::function<std::optional<std::string>()> onHealth = [] { return std::nullopt; };
  IConnector* connects = nullptr;

  std::vector<Field> fields() const override { return table; }
  void start(IHost& host) override {
    host_ = &host;
    onStart(host);
  }
  void configure(const Instance& instance, const Fields& slice) override {
    onConfigure(*host_, instance, slice);
  }
  Json summary(const Instance& instance) override { return onSummary(*host_, instance); }
  void forget(const Instance& instance) override { onForget(*host_, instance); }
  std::optional<std::string> health() override { return onHealth(); }
  IConnector* connector() noexcept override { return connects; }

 private:
  IHost* host_ = nullptr;
};

// Answers 200 after whatever the test wants to happen meanwhile.
class ScriptedHttp final : public IHttpClient {
 public:
  std::function<void()> meanwhile = [] {};
  std::atomic<int> sent{0};

  IncomingReply send(const OutgoingRequest&) override {
    ++sent;
    meanwhile();
    return {200, {}, ""};
  }
  void requireAllowed(const std::string&) override {}
  void requireAllowedProxy(const std::string&) override {}
};

class TempGateway final : private IBackOffice, private IInstances {
 public:
  explicit TempGateway(Promises promises = {}, const std::string& logLevel = "off")
      : log(logLevel),
        registry(std::move(promises), log, metrics,
                 [this](const InstanceId& id, const std::string& block) {
                   return !blocks.load(id, block, Secrets::sealed).empty();
                 }) {
    accounts.create(account, clock.now());
  }

  // A block with the switch "<name>Enabled" and the text "<name>Word". Before start().
  ScriptedBlock& add(const std::string& name) {
    auto code = std::make_unique<ScriptedBlock>();
    code->table = {{.name = name + "Enabled", .type = Type::boolean, .fallback = false},
                   {.name = name + "Word"}};
    ScriptedBlock& block = *code;
    add(name, std::move(code), false);
    return block;
  }
  void add(const std::string& name, std::unique_ptr<IBlockConfigurator> code, bool flat) {
    Block block{.name = name, .flat = flat, .budget = budget};
    block.fields = code->fields();
    block.code = std::move(code);
    block.host = std::make_unique<BlockHost>(
        name, boost::json::object(),
        Services{log, metrics, clock, store.database(), blocks, routes, http, *this, *this, events},
        block.standing);
    registry.add(std::move(block));
  }
  void start() { registry.start(); }

  Provisioned create(const Json& body) { return provisioner.create(account.id, body); }
  // The sentence that refuses it, after its code; empty when it is not refused.
  std::string refusalOf(const Json& body) {
    try {
      create(body);
      return "";
    } catch (const Error& error) {
      return std::to_string(static_cast<int>(error.code)) + " " + error.what();
    }
  }
  static std::string refusal(Code code, const std::string& sentence) {
    return std::to_string(static_cast<int>(code)) + " " + sentence;
  }

  std::int64_t count(const std::string& table) {
    return store.database().read([&](Session& session) {
      return session.rows("SELECT COUNT(*) FROM " + table, "n")[0].number(0);
    });
  }
  std::int64_t used() { return accounts.find(account.id)->instances; }
  std::uint64_t commits() { return store.database().commits(); }
  bool counted(const std::string& line) { return metrics.text().find(line) != std::string::npos; }

  std::chrono::milliseconds budget{15'000};  // of a call into a block that is added
  const Account account{.id = {"a-1"}, .name = "default", .quota = std::nullopt};
  TempStore store;
  SettableClock clock;
  Log log;
  Metrics metrics;
  RouteTable routes;
  ScriptedHttp http;
  Egress egress{{{"127.0.0.1"}, true}};
  TempSurroundings around;
  BlockStore blocks{store.database(), store.sealer()};
  InstanceStore instances{store.database(), store.sealer()};
  Accounts accounts{store.database(), store.sealer()};
  Events events{{}, store.database(), egress, around, clock, log, metrics};  // not started
  Registry registry;
  Provisioner provisioner{store.database(), blocks, instances, registry, clock, log};

 private:
  // IBackOffice
  ServerInfo server() const override { return {"0.0.0", "http://pombo.test"}; }
  std::optional<Proxy> proxyFor(const InstanceId&) const override { return std::nullopt; }
  Json perform(const Instance& instance, const std::string& operation, const Json& arguments,
               const std::vector<Media>& files) override {
    return registry.perform(instance, operation, arguments, files);
  }
  Media media(const Instance& instance, const std::string& mediaKey) override {
    return registry.media(instance, mediaKey, std::chrono::seconds(15));
  }
  Provisioned provision(const AccountId& id, const Json& body) override {
    return provisioner.create(id, body);
  }
  Provisioned configure(const Instance& instance, const Json& body) override {
    return provisioner.configure(instance, body);
  }
  // IInstances
  std::optional<Instance> find(const InstanceId& id) const override {
    const auto stored = instances.find(id);
    return stored ? std::optional(stored->instance) : std::nullopt;
  }
  std::optional<Instance> findByName(const AccountId& id, const std::string& name) const override {
    const auto stored = instances.findByName(id, name);
    return stored ? std::optional(stored->instance) : std::nullopt;
  }
  std::vector<Instance> list(const AccountId&) const override { return {}; }
  Instance admit(const std::string&, const std::string&) override {
    throw Error(Code::unauthorized, "Invalid token");
  }
};

}  // namespace pombo
