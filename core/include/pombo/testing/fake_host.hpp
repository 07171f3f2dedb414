// A gateway in memory: everything a block test needs, nothing on disk, no network, no threads. The
// test sets and reads the public members, and the block sees IHost. One thread at a time.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pombo/block.hpp"
#include "pombo/testing/fake_events.hpp"
#include "pombo/testing/fake_http.hpp"
#include "pombo/testing/fake_instances.hpp"
#include "pombo/testing/fake_observe.hpp"
#include "pombo/testing/fake_storage.hpp"

namespace pombo {

// What a call will come to, first to last.
template <class T>
using Answers = std::deque<std::variant<T, Error>>;

class FakeHost final : public IHost,
                       public FakeObserve,
                       public FakeStorage,
                       public FakeRoutes,
                       public FakeHttpClient,
                       public FakeEvents,
                       public FakeInstances {
 public:
  struct Performed {
    Instance instance;
    std::string operation;
    Json arguments;
    std::vector<Media> files = {};
  };

  FakeHost() : FakeEvents(static_cast<IHttpClient&>(*this)) {}
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  Json configNode = boost::json::object();
  ServerInfo serverInfo{"0.0.0", "http://pombo.test"};
  std::map<InstanceId, Proxy> proxies;
  std::vector<Performed> performed;
  Answers<Json> performAnswers;  // when there is none left, there is no connector
  std::map<std::string, Media> mediaByKey;
  std::vector<std::pair<AccountId, Json>> provisioned;
  std::vector<std::pair<Instance, Json>> configured;
  Answers<Provisioned> provisionAnswers;  // of provision() and configure()

  const Json& config() const override { return configNode; }
  ServerInfo server() const override { return serverInfo; }
  ILogger& log() override { return *this; }
  IMetrics& metrics() override { return *this; }
  IClock& clock() override { return *this; }
  ISettings& settings() override { return *this; }
  ISecrets& secrets() override { return *this; }
  ISql& sql() override { return *this; }
  IRoutes& routes() override { return *this; }
  IHttpClient& http() override { return *this; }
  IEvents& events() override { return *this; }
  IInstances& instances() override { return *this; }

  std::optional<Proxy> proxyFor(const InstanceId& id) const override {
    const auto it = proxies.find(id);
    return it == proxies.end() ? std::nullopt : std::optional(it->second);
  }
  Json perform(const Instance& instance, const std::string& operation,
               const Json& arguments) override {
    return performWith(instance, operation, arguments, {});
  }
  Json performWith(const Instance& instance, const std::string& operation, const Json& arguments,
                   const std::vector<Media>& files) override {
    performed.push_back({instance, operation, arguments, files});
    return next(performAnswers, "No connector is available");
  }
  Media media(const Event& event) override {
    const auto it = mediaByKey.find(event.mediaKey);
    if (it == mediaByKey.end()) throw Error(Code::notFound, "Media not found");
    return it->second;
  }
  Provisioned provision(const AccountId& account, const Json& body) override {
    provisioned.emplace_back(account, body);
    return next(provisionAnswers, "No answer was prepared");
  }
  Provisioned configure(const Instance& instance, const Json& body) override {
    configured.emplace_back(instance, body);
    return next(provisionAnswers, "No answer was prepared");
  }

 private:
  template <class T>
  static T next(Answers<T>& answers, const char* otherwise) {
    if (answers.empty()) throw Error(Code::unavailable, otherwise);
    const auto answer = std::move(answers.front());
    answers.pop_front();
    if (const auto* error = std::get_if<Error>(&answer)) throw *error;
    return std::get<T>(answer);
  }

  // Of an instance that is not among `known`, its id stands for its name.
  Json envelope(const Event& event, bool withMediaBase64) const override {
    Json data = event.data;
    if (withMediaBase64 && !event.mediaKey.empty() && data.is_object())
      data.get_object()["media"] = {{"base64", "base64 of " + event.mediaKey}};
    Json token;
    for (const auto& [value, id] : tokens)
      if (id == event.instance) token = boost::json::string(value);
    const auto it = std::find_if(known.begin(), known.end(),
                                 [&](const Instance& each) { return each.id == event.instance; });
    return {{"event", event.type},
            {"data", std::move(data)},
            {"instanceData",
             {{"baseUrl", serverInfo.baseUrl},
              {"instance", it == known.end() ? event.instance.value : it->name},
              {"token", std::move(token)}}},
            {"id", event.id}};
  }
};

}  // namespace pombo
