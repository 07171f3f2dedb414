// A linker over a database of its own, and a connector that does what the test says.
#pragma once

#include <gtest/gtest.h>

#include "instance/link_state.hpp"
#include "instance/linker.hpp"
#include "scripted_connector.hpp"
#include "temp_gateway.hpp"

namespace pombo {

class LinkerTest : public ::testing::Test {
 protected:
  explicit LinkerTest(const LinkTimes& times = {}) : times_(times) {}

  void SetUp() override {
    gateway_.add("links").connects = &connector_;
    gateway_.add("mute");
    gateway_.start();
  }

  Instance made(const std::string& status, const std::string& connector = "links") {
    Instance instance =
        gateway_.create({{"name", "shop " + std::to_string(++instances_)}}).instance;
    gateway_.store.database().commit([&](Session& session) {
      session.run("UPDATE instance SET status = :s, connector = :c WHERE id = :id",
                  {status, connector, instance.id.value});
    });
    return gateway_.instances.find(instance.id)->instance;
  }
  // As once it was linked.
  Instance numbered(const Instance& instance) {
    gateway_.store.database().commit([&](Session& session) {
      session.run("UPDATE instance SET number_jid = '5511@s.whatsapp.net' WHERE id = :id",
                  {instance.id.value});
    });
    return gateway_.instances.find(instance.id)->instance;
  }
  std::string statusOf(const Instance& instance) {
    return gateway_.instances.find(instance.id)->instance.status;
  }
  void tell(const Instance& instance, const std::string& state) {
    std::vector<Event> events{
        {.type = "instance.state", .instance = instance.id, .data = {{"state", state}}}};
    publish(events);
  }
  void publish(std::vector<Event> events) {
    for (const auto& event : events)
      if (!gateway_.instances.find(event.instance)) throw Error(Code::invalid, "No such instance");
    states_.complete(events);
    gateway_.store.database().commit([&](Session& session) { states_.apply(session, events); });
    {
      const std::lock_guard lock(mutex_);
      ++publishes_;
      for (auto& event : events) published_.push_back(event.data);
      changed_.notify_all();
    }
    for (const auto& event : events) onAccepted_(event);
    linker_.heard(events);
  }
  Link connected(const Instance& instance) {
    return linker_.connect(instance, {}, nobody()).value();
  }
  static LinkAttempt::Tell nobody() {
    return [](const Link*, const Error*) { ADD_FAILURE() << "nobody waits"; };
  }
  template <class Call>
  static std::string refusal(const Call& call) {
    try {
      call();
      return "";
    } catch (const Error& error) {
      return TempGateway::refusal(error.code, error.what());
    }
  }
  std::string connectRefusal(const Instance& instance) {
    return refusal([&] { linker_.connect(instance, {}, nobody()); });
  }
  static std::string said(Code code, const std::string& sentence) {
    return TempGateway::refusal(code, sentence);
  }

  std::function<void(const Instance&)> onPrepare_ = [](const Instance&) {};
  std::function<void(const Event&)> onAccepted_ = [](const Event&) {};  // before it is heard
  const LinkTimes times_;
  int instances_ = 0;
  ScriptedConnector connector_;
  TempGateway gateway_;
  LinkStates states_{gateway_.instances, gateway_.clock};
  std::mutex mutex_;  // guards the next two, while the linker has a thread
  std::condition_variable changed_;
  std::vector<Json> published_;
  int publishes_ = 0;
  Linker linker_{gateway_.store.database(),
                 gateway_.instances,
                 gateway_.registry,
                 gateway_.clock,
                 gateway_.log,
                 times_,
                 [this](const std::vector<Event>& events) { publish(events); },
                 [this](const Instance& instance) { onPrepare_(instance); }};
};

}  // namespace pombo
