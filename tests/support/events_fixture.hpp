// The server's events over a database of their own, with sinks and surroundings that tests script.
#pragma once

#include <gtest/gtest.h>

#include "event/events.hpp"
#include "gate.hpp"
#include "pombo/error.hpp"
#include "temp_events.hpp"

namespace pombo {

using namespace std::chrono_literals;

class EventsTest : public ::testing::Test {
 protected:
  using Names = std::vector<std::string>;

  EventsTest() { open(); }

  // As another start of the gateway finds it.
  void open() {
    events_ = nullptr;
    events_ = std::make_unique<Events>(options_, store_.database(), egress_, around_, clock_, log_,
                                       metrics_);
  }
  void keep(const std::string& block, ScriptedSink& sink, const Delivery& delivery = {}) {
    events_->subscribe(block, sink, delivery, 4);
  }
  void publish(const Names& names, const std::string& chat = "chat",
               const std::string& instance = "i-1") {
    std::vector<Event> all;
    for (const auto& name : names) all.push_back(eventOf(name, chat, instance));
    events_->publish(all);
  }
  // From here to the end of the test: nobody is inside of its sinks any more when they go.
  class Running {
   public:
    explicit Running(EventsTest& test) : test_(test) { test.events_->start(); }
    ~Running() {
      test_.events_->stop(std::chrono::steady_clock::now());
      while (test_.around_.missing() > 0) std::this_thread::yield();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    EventsTest& test_;
  };
  static Names namesOf(const std::vector<Handed>& all) {
    Names names;
    for (const auto& each : all) names.push_back(nameOf(each.event));
    return names;
  }
  static Names numbered(int count) {
    Names names;
    for (int i = 0; i < count; ++i) names.push_back(std::to_string(i));
    return names;
  }
  std::vector<DeliveryRecord> records(const std::string& block, DeliveryStatus status) {
    return events_->deliveries().list(block, {"i-1"}, {.status = status});
  }
  // Once there are so many.
  std::vector<DeliveryRecord> records(const std::string& block, DeliveryStatus status,
                                      std::size_t count) {
    for (;; std::this_thread::yield())
      if (auto found = records(block, status); found.size() >= count) return found;
  }
  static std::function<Verdict(const Event&)> doneIf(const std::atomic<bool>& good) {
    return [&good](const Event&) { return Verdict{good ? Outcome::done : Outcome::retry, "no"}; };
  }
  std::string refusalOf(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::to_string(static_cast<int>(error.code)) + " " + error.what();
    }
    return "";
  }
  static std::string refusal(Code code, const std::string& sentence) {
    return std::to_string(static_cast<int>(code)) + " " + sentence;
  }

  TempStore store_;
  EventsOptions options_;
  Egress egress_{{{"127.0.0.1"}, true}};
  TempSurroundings around_;
  SystemClock clock_;
  Log log_{"off"};
  Metrics metrics_;
  std::unique_ptr<Events> events_;
};

}  // namespace pombo
