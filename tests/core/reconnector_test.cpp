#include "instance/reconnector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "scripted_connector.hpp"
#include "temp_gateway.hpp"

namespace pombo {
namespace {

// Keeps who was to be linked again.
class Recorder {
 public:
  Recorder() {
    connector.onReconnect = [this](const Instance& instance) { record(instance); };
  }
  ScriptedConnector connector;

  // Once there are so many; what there is after a minute.
  std::vector<std::string> linked(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::minutes(1), [&] { return linked_.size() >= count; });
    return linked_;
  }

 private:
  void record(const Instance& instance) {
    std::lock_guard lock(mutex_);
    linked_.push_back(instance.name);
    changed_.notify_all();
    if (instance.name == "b") throw Error(Code::invalid, "There is no session");
  }

  std::mutex mutex_;  // guards linked_
  std::condition_variable changed_;
  std::vector<std::string> linked_;
};

// Says when it is told something.
struct Telling : ILogger {
  void write(Level, const std::string&, const Json&) override {
    if (!isTold.exchange(true)) told.set_value();
  }
  std::atomic<bool> isTold = false;
  std::promise<void> told;
};

class ReconnectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.add("links").connects = &links_.connector;
    gateway_.add("other").connects = &other_.connector;
    gateway_.start();
    const std::string number = "5511999990000@s.whatsapp.net";
    for (const auto& [name, status, connector, jid] :
         std::vector<std::tuple<std::string, std::string, std::string, SqlValue>>{
             {"a", "connected", "links", number},
             {"b", "connecting", "links", {}},
             {"c", "disconnected", "links", {}},
             {"d", "loggedout", "links", number},
             {"e", "connected", "other", number},
             {"f", "disconnected", "links", number},
             {"g", "banned", "links", number}}) {
      // Ids of one millisecond are in no order.
      for (const auto last = newId().substr(0, 13); newId().starts_with(last);) continue;
      const auto made = gateway_.create({{"name", name}});
      gateway_.store.database().commit([&](Session& session) {
        session.run(
            "UPDATE instance SET status = :s, connector = :c, number_jid = :j WHERE id = :id",
            {status, connector, jid, made.instance.id.value});
      });
    }
  }
  std::string statusOf(const std::string& name) {
    return gateway_.instances.findByName(gateway_.account.id, name)->instance.status;
  }

  Recorder links_, other_;
  TempGateway gateway_;
  static ReconnectPace quick() { return {.pause = std::chrono::milliseconds(1)}; }

  static void restart(Reconnector& reconnector, const std::string& connector) {
    reconnector.ended(connector, false);
    reconnector.revived(connector);
  }
  // As the pipeline does: the row follows.
  void publish(const std::vector<Event>& events) {
    gateway_.store.database().commit([&](Session& session) { states_.apply(session, events); });
    linker_.heard(events);
    const std::lock_guard lock(mutex_);
    for (const auto& event : events)
      told_.insert(gateway_.instances.find(event.instance)->instance.name);
    changed_.notify_all();
  }

  LinkStates states_{gateway_.instances, gateway_.clock};
  std::mutex mutex_;  // guards told_
  std::condition_variable changed_;
  std::set<std::string> told_;  // that they are disconnected
  Linker linker_{gateway_.store.database(),
                 gateway_.instances,
                 gateway_.registry,
                 gateway_.clock,
                 gateway_.log,
                 LinkTimes{},
                 [this](const std::vector<Event>& events) { publish(events); },
                 [](const Instance&) {}};
};

TEST_F(ReconnectorTest, LinksWhatMayHaveASessionOfThisConnectorAndGoesOnAfterAFailure) {
  Reconnector reconnector(linker_, gateway_.log, quick());
  restart(reconnector, "other");  // nobody listens yet
  reconnector.start({});
  restart(reconnector, "links");
  EXPECT_EQ(links_.linked(3), (std::vector<std::string>{"a", "b", "f"}));
  restart(reconnector, "other");
  EXPECT_EQ(other_.linked(1), std::vector<std::string>{"e"});
  reconnector.stop();
  EXPECT_EQ(links_.linked(3).size(), 3u);
  for (const auto* name : {"a", "e", "f"}) EXPECT_EQ(statusOf(name), "connecting") << name;
  EXPECT_EQ(statusOf("b"), "disconnected") << "there is no session";
  EXPECT_EQ(statusOf("d"), "loggedout");
}

TEST_F(ReconnectorTest, LeavesAloneWhatOthersHaveLinkedMeanwhile) {
  links_.connector.onReconnect = [&, record = links_.connector.onReconnect](const Instance& each) {
    if (each.name == "a")
      gateway_.store.database().commit([](Session& session) {
        session.run("UPDATE instance SET status = 'connected' WHERE name = 'b'", {});
      });
    record(each);
  };
  Reconnector reconnector(linker_, gateway_.log, quick());
  reconnector.start({});
  restart(reconnector, "links");
  EXPECT_EQ(links_.linked(2), (std::vector<std::string>{"a", "f"}));
  EXPECT_EQ(statusOf("b"), "connected");
  reconnector.stop();
}

TEST_F(ReconnectorTest, WhatAProcessHasLinkedIsTakenBackBeforeThereIsAnother) {
  Reconnector reconnector(linker_, gateway_.log, quick());
  reconnector.start({});
  reconnector.ended({"links"}, false);
  for (const auto* name : {"a", "b"}) EXPECT_EQ(statusOf(name), "connecting") << name;
  restart(reconnector, "other");
  EXPECT_EQ(other_.linked(1), std::vector<std::string>{"e"});
  reconnector.ended({"links"}, false);  // it did not come up
  gateway_.store.database().commit([](Session& session) {
    session.run("UPDATE instance SET status = 'connected' WHERE name = 'a'", {});
  });
  reconnector.revived({"links"});
  EXPECT_EQ(links_.linked(2), (std::vector<std::string>{"b", "f"}));
  EXPECT_EQ(statusOf("a"), "connected") << "it is of the new life";
  reconnector.stop();
}

TEST_F(ReconnectorTest, OfSeveralProcessesOneTakesItsInstancesAlone) {
  const auto a = gateway_.instances.findByName(gateway_.account.id, "a")->instance.id;
  gateway_.store.database().commit([](Session& session) {
    session.run("UPDATE instance SET status = 'connected' WHERE name IN ('a', 'b')", {});
  });
  const LinkProcess first("links", 0, [&](const InstanceId& id) { return id == a; });
  const LinkProcess second("links", 1, [&](const InstanceId& id) { return id != a; });
  Reconnector reconnector(linker_, gateway_.log, quick());
  reconnector.start({});
  reconnector.ended(first, false);
  EXPECT_EQ(statusOf("a"), "connecting");
  EXPECT_EQ(statusOf("b"), "connected");
  reconnector.revived(second);
  reconnector.revived(first);
  EXPECT_EQ(links_.linked(1), std::vector<std::string>{"a"});
  reconnector.ended(second, true);
  EXPECT_EQ(told_, std::set<std::string>{"b"});
  EXPECT_EQ(links_.linked(1), std::vector<std::string>{"a"});
  reconnector.stop();
}

TEST_F(ReconnectorTest, WhatHasEndedForGoodIsNotLinkedAgain) {
  Reconnector reconnector(linker_, gateway_.log, {.pause = std::chrono::hours(1)});
  reconnector.start(linker_.reset({"links"}));
  EXPECT_EQ(links_.linked(1), std::vector<std::string>{"a"});
  reconnector.ended({"links"}, true);
  EXPECT_EQ(told_, (std::set<std::string>{"a", "b"}));
  reconnector.stop();
}

TEST_F(ReconnectorTest, TakesLinksBackAsSoonAsTheDatabaseIsThere) {
  Telling log;
  ReconnectPace pace = quick();
  pace.away = std::chrono::milliseconds(1);
  Reconnector reconnector(linker_, log, pace);
  reconnector.start({});
  std::optional<Refusing> refusing;
  refusing.emplace(gateway_.store.database(), "UPDATE", "instance");
  auto ended = std::async(std::launch::async, [&] { reconnector.ended({"links"}, false); });
  log.told.get_future().wait();
  EXPECT_EQ(statusOf("a"), "connected");
  refusing.reset();
  ended.get();
  EXPECT_EQ(statusOf("a"), "connecting");
  reconnector.revived({"links"});
  EXPECT_EQ(links_.linked(3), (std::vector<std::string>{"a", "b", "f"}));
  reconnector.stop();
}

TEST_F(ReconnectorTest, TriesAgainWhatFailsInPassing) {
  std::atomic<int> failures{0};
  links_.connector.onReconnect = [&, record = links_.connector.onReconnect](const Instance& each) {
    if (each.name == "a" && ++failures < 4) throw Error(Code::unavailable, "it is busy");
    if (each.name == "f") throw Error(Code::timedOut, "it is busy");
    record(each);
  };
  ReconnectPace pace = quick();
  pace.again = std::chrono::milliseconds(1);
  pace.tries = 5;
  Reconnector reconnector(linker_, gateway_.log, pace);
  reconnector.start(linker_.reset({"links"}));
  EXPECT_EQ(links_.linked(2), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(failures, 4);
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [&] { return told_.contains("f"); }))
      << "nobody tries any more";
  lock.unlock();
  reconnector.stop();
}

TEST_F(ReconnectorTest, LinksAtItsStartWhatTheResetHasFound) {
  Reconnector reconnector(linker_, gateway_.log, quick());
  reconnector.start(linker_.reset());
  EXPECT_EQ(links_.linked(3), (std::vector<std::string>{"a", "b", "f"}));
  EXPECT_EQ(other_.linked(1), std::vector<std::string>{"e"});
  reconnector.stop();
}

TEST_F(ReconnectorTest, WaitsForWhatComesOfThoseThatAreUnderWay) {
  ReconnectPace pace = quick();
  pace.underWay = 1;
  Reconnector reconnector(linker_, gateway_.log, pace);
  const auto tell = [&](const std::string& name, const char* state) {
    const auto id = gateway_.instances.findByName(gateway_.account.id, name)->instance.id;
    reconnector.heard({{.type = "instance.state", .instance = id, .data = {{"state", state}}}});
  };
  reconnector.start(linker_.reset({"links"}));
  EXPECT_EQ(links_.linked(1), std::vector<std::string>{"a"});
  tell("a", "keepalive_timeout");
  tell("a", "stream_error");
  tell("c", "connected");
  EXPECT_EQ(links_.linked(1), std::vector<std::string>{"a"}) << "it is under way still";
  tell("a", "connected");
  EXPECT_EQ(links_.linked(3), (std::vector<std::string>{"a", "b", "f"})) << "b had no session";
  reconnector.stop();
}

TEST_F(ReconnectorTest, TriesAgainWhatTheDatabaseHasKeptItFrom) {
  Telling log;
  ReconnectPace pace = quick();
  pace.away = std::chrono::milliseconds(1);
  const auto all = linker_.reset({"links"});
  Reconnector reconnector(linker_, log, pace);
  std::optional<Refusing> refusing;
  refusing.emplace(gateway_.store.database(), "UPDATE", "instance");
  reconnector.start(all);
  log.told.get_future().wait();
  refusing.reset();
  auto linked = links_.linked(3);
  std::sort(linked.begin(), linked.end());
  EXPECT_EQ(linked, (std::vector<std::string>{"a", "b", "f"}));
  reconnector.stop();
}

TEST_F(ReconnectorTest, IsNotPatientForEver) {
  Reconnector reconnector(
      linker_, gateway_.log,
      {.pause = std::chrono::milliseconds(1), .underWay = 1, .patience = std::chrono::seconds(0)});
  reconnector.start(linker_.reset());
  EXPECT_EQ(links_.linked(3), (std::vector<std::string>{"a", "b", "f"}));
  reconnector.stop();
}

TEST_F(ReconnectorTest, TakesItsTimeAndLeavesTheRestWhenItIsStopped) {
  Reconnector reconnector(linker_, gateway_.log, {.pause = std::chrono::hours(1)});
  reconnector.start({});
  restart(reconnector, "links");
  EXPECT_EQ(links_.linked(1), std::vector<std::string>{"a"});
  reconnector.stop();
  EXPECT_EQ(links_.linked(1), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace pombo
