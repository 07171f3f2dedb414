// A FakeHost with something happening in between: what a block must expect of its other threads.
#pragma once

#include <functional>
#include <mutex>

#include "pombo/testing/fake_host.hpp"

namespace pombo {

// Everything is the FakeHost's; what is watched tells the test, and one thread has it at a time.
class WatchedHost final : public IHost, private ISettings, private ISecrets, private IHttpClient {
 public:
  explicit WatchedHost(FakeHost& fake) : fake_(fake) {}

  std::function<void()> onDial;        // before the answer comes; once
  std::function<void()> onConfigure;   // in place of the gateway; once
  std::function<void()> afterLoading;  // settings; every time
  std::function<void()> afterOpening;  // a secret; every time

  const Json& config() const override { return fake_.config(); }
  ServerInfo server() const override { return fake_.server(); }
  ILogger& log() override { return fake_.log(); }
  IMetrics& metrics() override { return fake_.metrics(); }
  IClock& clock() override { return fake_.clock(); }
  ISettings& settings() override { return *this; }
  ISecrets& secrets() override { return *this; }
  ISql& sql() override { return fake_.sql(); }
  IRoutes& routes() override { return fake_.routes(); }
  IHttpClient& http() override { return *this; }
  IEvents& events() override { return fake_.events(); }
  IInstances& instances() override { return fake_.instances(); }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override { return fake_.proxyFor(id); }
  Json perform(const Instance& i, const std::string& operation, const Json& arguments) override {
    return fake_.perform(i, operation, arguments);
  }
  Json performWith(const Instance& i, const std::string& operation, const Json& arguments,
                   const std::vector<Media>& files) override {
    return fake_.performWith(i, operation, arguments, files);
  }
  Media media(const Event& event) override { return fake_.media(event); }
  Provisioned provision(const AccountId& account, const Json& body) override {
    return fake_.provision(account, body);
  }
  Provisioned configure(const Instance& instance, const Json& body) override {
    if (const auto happens = std::exchange(onConfigure, nullptr)) happens();
    return fake_.configure(instance, body);
  }

 private:
  static void tell(const std::function<void()>& hook) {
    if (hook) hook();
  }

  std::optional<Json> load(const InstanceId& id) const override {
    auto found = [&] {
      const std::lock_guard lock(mutex_);
      return fakeSettings().load(id);
    }();
    tell(afterLoading);
    return found;
  }
  void save(const InstanceId& id, const Json& document) override {
    const std::lock_guard lock(mutex_);
    fakeSettings().save(id, document);
  }
  void erase(const InstanceId& id) override {
    const std::lock_guard lock(mutex_);
    fakeSettings().erase(id);
  }

  std::optional<std::string> open(const InstanceId& id, const std::string& name) const override {
    auto found = [&] {
      const std::lock_guard lock(mutex_);
      return fakeSecrets().open(id, name);
    }();
    tell(afterOpening);
    return found;
  }
  void seal(const InstanceId& id, const std::string& name, const std::string& value) override {
    const std::lock_guard lock(mutex_);
    fakeSecrets().seal(id, name, value);
  }
  void erase(const InstanceId& id, const std::string& name) override {
    const std::lock_guard lock(mutex_);
    fakeSecrets().erase(id, name);
  }

  IncomingReply send(const OutgoingRequest& request) override {
    if (const auto happens = std::exchange(onDial, nullptr)) happens();
    return static_cast<IHost&>(fake_).http().send(request);
  }
  void requireAllowed(const std::string& url) override {
    static_cast<IHost&>(fake_).http().requireAllowed(url);
  }
  void requireAllowedProxy(const std::string& host) override {
    static_cast<IHost&>(fake_).http().requireAllowedProxy(host);
  }

  ISettings& fakeSettings() const { return static_cast<IHost&>(fake_).settings(); }
  ISecrets& fakeSecrets() const { return static_cast<IHost&>(fake_).secrets(); }

  FakeHost& fake_;
  mutable std::mutex mutex_;  // guards what the FakeHost stores
};

}  // namespace pombo
