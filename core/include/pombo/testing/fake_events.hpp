// The bus in memory: it keeps what is published, and delivers what the test hands it.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pombo/event.hpp"

namespace pombo {

class FakeEvents : public IEvents {
 public:
  std::vector<Event> published;  // with their ids: "event-1", "event-2", ...
  bool accepting = true;         // false: publish() throws
  std::optional<Delivery> httpDelivery;
  std::optional<Delivery> eventDelivery;
  std::vector<DeliveryRecord> records;   // what deliveries() tells, newest first
  std::vector<std::string> redelivered;  // ids
  std::vector<std::pair<std::string, std::string>> givenUp;  // destinations, with the reason

  // One attempt, as the lane would make it: what became of the event, by destination. What
  // route() throws comes out of here.
  std::map<std::string, Verdict> deliver(const Event& event, int attempt = 1) {
    std::map<std::string, Verdict> said;
    if (httpSink_ && wants(*httpDelivery, event))
      for (const auto& to : httpSink_->route(event))
        said[to] = orRetry([&] { return post(event, to, attempt); });
    if (eventSink_ && wants(*eventDelivery, event))
      for (const auto& to : eventSink_->route(event))
        said[to] = orRetry([&] { return eventSink_->deliver(event, to); });
    return said;
  }

 protected:
  explicit FakeEvents(IHttpClient& http) : http_(http) {}

 private:
  // What the lane reads as "come back later", bugs included.
  static Verdict orRetry(const std::function<Verdict()>& attempt) try {
    return attempt();
  } catch (const std::exception& thrown) {
    const bool forPeople = dynamic_cast<const Error*>(&thrown);
    return {Outcome::retry, forPeople ? thrown.what() : "internal error"};
  } catch (...) {
    return {Outcome::retry, "internal error"};
  }
  static bool wants(const Delivery& delivery, const Event& event) {
    return delivery.inner || isOnWire(event.type);
  }
  Verdict post(const Event& event, const std::string& to, int attempt) {
    OutgoingRequest request;
    try {
      request = httpSink_->request(event, to, attempt);
    } catch (const Error& error) {
      if (error.code != Code::notFound) throw;
      return {Outcome::drop, error.what()};  // nobody waits there any more
    }
    return httpSink_->judge(http_.send(request));
  }

  std::vector<std::string> publish(const std::vector<Event>& events) override {
    if (!accepting) throw Error(Code::unavailable, "Events are not accepted");
    std::vector<std::string> ids;
    for (const auto& event : events) {
      published.push_back(event);
      published.back().id = "event-" + std::to_string(published.size());
      ids.push_back(published.back().id);
    }
    return ids;
  }
  std::vector<DeliveryRecord> deliveries(const InstanceId&,
                                         const DeliveryQuery& query) const override {
    auto from = records.begin();
    if (!query.after.empty()) {
      from = std::find_if(from, records.end(),
                          [&](const auto& each) { return each.id == query.after; });
      if (from == records.end()) throw Error(Code::invalid, "Invalid cursor");
      ++from;
    }
    std::vector<DeliveryRecord> found;
    for (; from != records.end() && int(found.size()) < query.limit; ++from)
      if (matches(*from, query)) found.push_back(*from);
    return found;
  }
  void redeliver(const InstanceId&, const std::vector<std::string>& ids) override {
    redelivered.insert(redelivered.end(), ids.begin(), ids.end());
  }
  void giveUp(const InstanceId&, const std::string& destination,
              const std::string& reason) override {
    givenUp.emplace_back(destination, reason);
  }
  void subscribe(IHttpSink& sink, const Delivery& delivery) override {
    once(httpDelivery, delivery);
    httpSink_ = &sink;
  }
  void subscribe(IEventSink& sink, const Delivery& delivery) override {
    once(eventDelivery, delivery);
    eventSink_ = &sink;
  }
  static bool matches(const DeliveryRecord& record, const DeliveryQuery& query) {
    const auto& ids = query.ids;
    return (!query.destination || record.destination == *query.destination) &&
           (!query.status || record.status == *query.status) &&
           (!query.since || record.createdAt >= *query.since) &&
           (ids.empty() || std::find(ids.begin(), ids.end(), record.id) != ids.end());
  }
  static void once(std::optional<Delivery>& known, const Delivery& delivery) {
    if (known) throw Error(Code::conflict, "A block subscribes once");
    known = delivery;
  }

  IHttpClient& http_;
  IHttpSink* httpSink_ = nullptr;
  IEventSink* eventSink_ = nullptr;
};

}  // namespace pombo
