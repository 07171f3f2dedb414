// A program in several processes: what is whose, and what a death takes along.
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>

#include "processes.hpp"

namespace pombo {
namespace {

std::vector<std::string> someInstances() {
  std::vector<std::string> all;
  for (int i = 0; i < 12; ++i) all.push_back("i-" + std::to_string(i));
  return all;
}

TEST(Shards, EachInstanceHasOneOfTheProcesses) {
  Processes processes(3);
  processes.shards.start(processes.host);
  std::set<std::int64_t> seen;
  for (const auto& each : someInstances()) {
    const auto process = processes.processOf(each);
    seen.insert(process);
    EXPECT_EQ(processes.processOf(each), process);
  }
  EXPECT_EQ(seen.size(), 3u);
  EXPECT_EQ(processes.host.gauge("up"), 3);
}

TEST(Shards, ADeathIsOfItsOwnInstancesAlone) {
  Processes processes(2);
  processes.shards.start(processes.host);
  std::map<std::string, std::int64_t> before;
  for (const auto& each : someInstances()) before[each] = processes.processOf(each);
  processes.end("i-0");
  const auto told = processes.told();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].fate, Fate::ended);
  EXPECT_EQ(told[1].process, told[0].process);
  for (const auto& [each, process] : before) {
    const bool isIts = process == before["i-0"];
    EXPECT_EQ(told[0].its({each}), isIts) << each;
    EXPECT_EQ(processes.processOf(each) != process, isIts) << each;
  }
  EXPECT_TRUE(processes.host.waitForGauge("up", 2));
  EXPECT_EQ(processes.host.line("The process of the block ended").at("process"),
            Json(told[0].process + 1));
}

TEST(Shards, WhoEndsItTwiceGetsAProcessOfItsOwn) {
  Processes processes(1);
  processes.shards.start(processes.host);
  processes.end("bad");
  processes.processOf("good");
  processes.end("bad");
  EXPECT_EQ(processes.host.line("An instance has a process of its own").at("instance"), "bad");
  EXPECT_TRUE(processes.told().at(0).its == nullptr) << "it had all of them";
  const auto good = processes.processOf("good"), bad = processes.processOf("bad");
  EXPECT_NE(good, bad);
  processes.end("bad");
  EXPECT_EQ(processes.processOf("good"), good);
  const auto told = processes.told();
  EXPECT_TRUE(told.back().process == 1 && told[told.size() - 2].its({"bad"}) &&
              !told[told.size() - 2].its({"good"}));
  processes.shards.forget(instanceNamed("bad"));
  EXPECT_EQ(processes.processOf("bad"), good);
}

TEST(Shards, WhoHasAProcessForItselfStaysThere) {
  Processes processes(1);
  processes.shards.start(processes.host);
  for (int i = 0; i < 3; ++i) processes.end("bad");
  EXPECT_EQ(processes.host.lines("An instance has a process of its own"), 0u);
}

TEST(Shards, WhoseProcessIsGivenUpIsForgottenByAnother) {
  Processes processes(1, [](Isolation& isolation) { isolation.crashes = 3; });
  processes.shards.start(processes.host);
  processes.processOf("good");
  for (int i = 0; i < 4; ++i) processes.end("bad");
  EXPECT_NE(errorOf([&] { processes.perform("bad", "exit"); }), "");
  EXPECT_TRUE(processes.host.waitForCounter("told_quarantined", 1));
  EXPECT_EQ(errorOf([&] { processes.processOf("bad"); }),
            "unavailable: The caged block is in quarantine: it exited with status 7");
  processes.shards.forget(instanceNamed("bad"));
  EXPECT_EQ(processes.perform("good", "state").at("forgotten"), Json(boost::json::array{"bad"}));
  EXPECT_EQ(processes.processOf("bad"), processes.processOf("good"));
}

TEST(Shards, NobodyGetsAnotherProcessDuringAStop) {
  Processes processes(2);
  processes.shards.start(processes.host);
  const auto all = someInstances();
  const auto first = processes.processOf(all[0]);
  const auto in = [&](bool same) {
    return *std::find_if(all.begin() + 1, all.end(), [&](const std::string& each) {
      return (processes.processOf(each) == first) == same;
    });
  };
  const std::string fellow = in(true), other = in(false);
  processes.end(all[0]);
  processes.processOf(fellow);
  std::promise<void> ended, goOn;
  processes.meanwhile = [&](Fate) {
    ended.set_value();
    goOn.get_future().wait();
  };
  EXPECT_NE(errorOf([&] { processes.perform(all[0], "exit"); }), "");
  ended.get_future().wait();
  auto stopped = std::async(std::launch::async, [&] { processes.shards.stop(); });
  while (errorOf([&] { processes.processOf(other); }).empty()) std::this_thread::yield();
  goOn.set_value();
  stopped.get();
  EXPECT_EQ(processes.host.lines("An instance has a process of its own"), 0u);
  EXPECT_EQ(processes.told().size(), 3u) << "it has ended twice, and come back once";
}

// Two that are each in another process.
std::pair<std::string, std::string> twoApart(Processes& processes) {
  const auto all = someInstances();
  const auto first = processes.processOf(all[0]);
  const auto other = std::find_if(all.begin(), all.end(), [&](const std::string& each) {
    return processes.processOf(each) != first;
  });
  if (other == all.end()) throw std::logic_error("one has them all");
  return {all[0], *other};
}

TEST(Shards, HealthNamesTheProcessThatIsInQuarantine) {
  Processes processes(2, [](Isolation& isolation) { isolation.crashes = 1; });
  processes.shards.start(processes.host);
  EXPECT_EQ(processes.shards.health(), std::nullopt);
  const auto [one, other] = twoApart(processes);
  EXPECT_NE(errorOf([&, first = one] { processes.perform(first, "exit"); }), "");
  EXPECT_TRUE(processes.host.waitForCounter("told_quarantined", 1));
  const auto told = processes.told();
  EXPECT_EQ(told.at(0).fate, Fate::quarantined);
  EXPECT_EQ(processes.shards.health(), "fail: process " + std::to_string(told[0].process + 1) +
                                           ": in quarantine after 1 crashes: exited with status 7");
  EXPECT_TRUE(processes.host.waitForGauge("quarantined", 1));
  EXPECT_NO_THROW(processes.processOf(other));
}

TEST(Shards, TheHealthOfAllIsAskedAtOnce) {
  Processes processes(2);
  processes.shards.start(processes.host);
  const std::string folder = processes.around.folder() + "/met";
  const auto [one, other] = twoApart(processes);
  processes.perform(one, "makeFolder", folder);
  for (const auto& each : {one, other}) processes.perform(each, "meet", folder);
  EXPECT_EQ(processes.shards.health(), std::nullopt);
}

TEST(Shards, WhoseHealthCannotBeToldIsNamed) {
  Processes processes(2);
  processes.shards.start(processes.host);
  const auto [one, other] = twoApart(processes);
  processes.perform(one, "ail");
  const auto said = processes.shards.health();
  ASSERT_TRUE(said);
  EXPECT_TRUE(*said == "fail: process 1: It is ill" || *said == "fail: process 2: It is ill")
      << *said;
  processes.perform(other, "ail");
  EXPECT_EQ(processes.shards.health(), "fail: process 1: It is ill; process 2: It is ill");
}

TEST(Shards, OneThatDoesNotStartTakesNoPlace) {
  Processes processes(1);
  processes.shards.start(processes.host);
  processes.end("bad");
  processes.processOf("good");
  processes.host.fake.configNode = {{"noConnector", true}};
  processes.end("bad");
  EXPECT_EQ(processes.host.line("Instances have no other process").at("reason"),
            "A block in several processes is a connector, and no more");
  EXPECT_EQ(processes.host.gauge("up"), 1);
  processes.host.fake.configNode = boost::json::object();
  processes.processOf("good");
  processes.end("bad");
  EXPECT_EQ(processes.host.line("An instance has a process of its own").at("process"), 2);
  EXPECT_NE(processes.processOf("good"), processes.processOf("bad"));
  EXPECT_TRUE(processes.host.waitForGauge("up", 2));
}

TEST(Shards, SeveralRegisterNothing) {
  for (const int count : {1, 2}) {
    Processes processes(count);
    processes.host.fake.configNode = {{"dialect", "caged"}};
    EXPECT_EQ(errorOf([&] { processes.shards.start(processes.host); }),
              count == 1 ? "" : "unsupported: A block in several processes registers nothing");
  }
}

}  // namespace
}  // namespace pombo
