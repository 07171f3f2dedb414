// The whole of events over a database of its own, with sinks that the test scripts.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "block/block_threads.hpp"
#include "event/events.hpp"
#include "observe/clock.hpp"
#include "temp_store.hpp"

namespace pombo {

// What threads have told, in their order; a test waits until there is enough of it.
template <class Item>
class Told {
 public:
  void add(Item item) {
    std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  std::vector<Item> first(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return items_.size() >= count; });
    return items_;
  }
  std::vector<Item> all() { return first(0); }

 private:
  std::mutex mutex_;  // guards items_
  std::condition_variable changed_;
  std::vector<Item> items_;
};

// Instances "i-1" to "i-9", called "shop-i-1" and so on. Blocks are called as in the gateway.
class TempSurroundings final : public Surroundings {
 public:
  std::vector<std::pair<std::string, IEnricher*>> asked;
  std::map<std::string, std::string> media;  // by key
  std::function<void(const std::string& key)> onMedia = [](const std::string&) {};
  std::function<void(const Event&)> onKeep = [](const Event&) {};
  std::function<std::optional<Proxy>()> onProxy = [] { return std::nullopt; };
  std::optional<std::string> link;
  std::set<std::string> unwanted, inner;  // chats

  Failure call(const std::string& block, const std::string& what, std::chrono::milliseconds budget,
               std::function<void()> run) override {
    std::vector<BlockCall> calls{{.standing = standingOf(block),
                                  .log = &log_,
                                  .what = what,
                                  .budget = budget,
                                  .run = [run = std::move(run)]() -> Json {
                                    run();
                                    return nullptr;
                                  }}};
    threads_.run(calls);
    return calls[0].failure;
  }
  std::vector<std::pair<std::string, IEnricher*>> enrichers() const override { return asked; }
  std::string newId() const override { return "id-" + std::to_string(++ids_); }
  std::string baseUrl() const override { return "https://wa.example"; }
  bool knows(const std::vector<InstanceId>& ids) const override {
    return std::all_of(ids.begin(), ids.end(),
                       [](const InstanceId& id) { return id.value.starts_with("i-"); });
  }
  Addressee addressee(const InstanceId& id, bool withToken) const override {
    return {"shop-" + id.value, withToken ? std::optional("token-" + id.value) : std::nullopt};
  }
  std::optional<Proxy> proxyFor(const InstanceId&) const override { return onProxy(); }
  void keepMedia(const Event& event, std::chrono::steady_clock::time_point) const override {
    onKeep(event);
  }
  std::optional<std::string> mediaLink(const Event&) const override { return link; }
  Media mediaOf(const Event& event) const override {
    onMedia(event.mediaKey);
    return pombo::mediaOf("text/plain", media.at(event.mediaKey));
  }
  void complete(std::vector<Event>& events) const override {
    for (auto& event : events)
      if (event.type == "instance.state") event.data.as_object()["instance"] = "completed";
  }
  // Calls that were given up and have not ended.
  int missing() {
    std::lock_guard lock(mutex_);
    int all = 0;
    for (const auto& [block, standing] : standings_) all += standing->missing();
    return all;
  }
  void accepted(const std::vector<Event>&) override {}
  bool isUnwanted(const Event& event) const override { return unwanted.contains(event.chat); }
  bool isInner(const Event& event) const override { return inner.contains(event.chat); }

 private:
  std::shared_ptr<Standing> standingOf(const std::string& block) {
    std::lock_guard lock(mutex_);
    auto& standing = standings_[block];
    if (!standing) standing = std::make_shared<Standing>(block);
    return standing;
  }

  mutable std::atomic<int> ids_{0};
  Log log_{"off"};
  std::mutex mutex_;  // guards standings_
  std::map<std::string, std::shared_ptr<Standing>> standings_;
  BlockThreads threads_;
};

// One attempt at a sink of its own.
struct Handed {
  Event event;
  std::string destination;
};

class ScriptedSink final : public IEventSink {
 public:
  std::vector<std::string> to{"default"};
  std::function<Verdict(const Event&)> onDeliver = [](const Event&) { return Verdict(); };
  Told<Handed> handed;

  std::vector<std::string> route(const Event&) override { return to; }
  Verdict deliver(const Event& event, const std::string& destination) override {
    const Verdict verdict = onDeliver(event);
    handed.add({event, destination});
    return verdict;
  }
};

// Posts the envelope, with what is asked of it among the headers.
class PostingSink final : public IHttpSink {
 public:
  std::function<std::vector<std::string>(const Event&)> onRoute = [](const Event&) {
    return std::vector<std::string>{"default"};
  };
  std::string url;
  std::optional<InstanceId> through;
  std::function<Json(const Event&)> body = [](const Event& event) { return event.data; };

  std::vector<std::string> route(const Event& event) override { return onRoute(event); }
  OutgoingRequest request(const Event& event, const std::string& destination,
                          int attempt) override {
    return {.url = url,
            .headers = {{"x-id", event.id},
                        {"x-to", destination},
                        {"x-attempt", std::to_string(attempt)}},
            .body = serialize(body(event)),
            .through = through};
  }
  Verdict judge(const IncomingReply& reply) override {
    if (reply.status == 200) return {};
    return {reply.status == 410 ? Outcome::drop : Outcome::retry,
            "status " + std::to_string(reply.status)};
  }
};

inline Event eventOf(const std::string& name, const std::string& chat = "chat",
                     const std::string& instance = "i-1") {
  return {.type = "message.status", .instance = {instance}, .chat = chat, .data = {{"name", name}}};
}

inline std::string nameOf(const Event& event) {
  return std::string(event.data.at("name").as_string());
}

}  // namespace pombo
