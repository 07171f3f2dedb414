#include "net/transfers.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "crowd_server.hpp"
#include "gate.hpp"

namespace pombo {
namespace {

using std::chrono::milliseconds;
using How = Ended::How;

const Address kLoopback = *addressOf("127.0.0.1");
const Address kPrivate = *addressOf("10.0.0.1");

// What has ended, by the name that a test gave it.
class Ends {
 public:
  Transfers::Then of(const std::string& name) {
    return [this, name](Ended ended) {
      const std::lock_guard lock(mutex_);
      EXPECT_TRUE(all_.emplace(name, std::move(ended)).second) << name << " ended twice";
      came_.notify_all();
    };
  }
  // Waits until so many have ended.
  std::map<std::string, Ended> await(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return all_.size() >= count; });
    return all_;
  }
  Ended await() { return await(1).begin()->second; }

 private:
  std::mutex mutex_;  // guards all_
  std::condition_variable came_;
  std::map<std::string, Ended> all_;
};

bool isRunning(pid_t thread) {
  return std::filesystem::exists("/proc/self/task/" + std::to_string(thread));
}

class TransfersTest : public ::testing::Test {
 protected:
  // Everything ends before what it is told to does.
  ~TransfersTest() override { transfers_.stop(); }

  void start(const std::string& url, const std::string& name = "it",
             milliseconds timeout = std::chrono::minutes(1)) {
    transfers_.start({.url = url, .body = "{}", .timeout = timeout, .replyLimit = 4096}, {},
                     ends_.of(name));
  }
  Ended endOf(const std::string& url) {
    start(url);
    return ends_.await();
  }
  static Names::Addresses found(const std::string& host) {
    if (host == "hook.test") return {kLoopback};
    if (host == "torn.test") return {kLoopback, kPrivate};
    if (host == "inside.test") return {kPrivate};
    return {};
  }

  CrowdServer server_;
  Ends ends_;
  const Egress egress_{{{"127.0.0.1"}}, [](const std::string&) { return std::vector<Address>(); }};
  Transfers transfers_{egress_, "Pombo/test", found};
};

TEST_F(TransfersTest, AThousandAtOnceAreEachToldTheirOwn) {
  constexpr int kMany = 1000;
  for (int i = 0; i < kMany; ++i)
    start(server_.url("/its/" + std::to_string(i)), std::to_string(i));
  const auto all = ends_.await(kMany);
  for (const auto& [name, ended] : all) {
    EXPECT_EQ(ended.how, How::answered) << ended.why;
    EXPECT_EQ(ended.reply.status, 200);
    EXPECT_EQ(ended.reply.body, "/its/" + name);
  }
}

TEST_F(TransfersTest, ManyWhoSaySlowlyOrNothingKeepNobodyWaiting) {
  constexpr int kMany = 500;
  for (int i = 0; i < kMany; ++i) {
    start(server_.url("/silent"), "silent" + std::to_string(i));
    start(server_.url("/drip"), "drip" + std::to_string(i));
  }
  server_.await(2 * kMany);
  start(server_.url("/live"), "live");
  EXPECT_EQ(ends_.await(1).at("live").reply.body, "/live");
}

TEST_F(TransfersTest, OneThatTakesTooLongHasFailed) {
  start(server_.url("/silent"), "silent", milliseconds(50));
  start(server_.url("/drip"), "drip", milliseconds(50));
  for (const auto& [name, ended] : ends_.await(2)) {
    EXPECT_EQ(ended.how, How::failed) << name;
    EXPECT_EQ(ended.why, "Timeout was reached") << name;
  }
}

TEST_F(TransfersTest, WhereNobodyListensIsAFailure) {
  std::string nobody;
  {
    const CrowdServer gone;
    nobody = gone.url("/");
  }
  const auto ended = endOf(nobody);
  EXPECT_EQ(ended.how, How::failed);
  EXPECT_EQ(ended.why, "Couldn't connect to server");
}

TEST_F(TransfersTest, AnyStatusIsAnAnswer) {
  const auto ended = endOf(server_.url("/500"));
  EXPECT_EQ(ended.how, How::answered);
  EXPECT_EQ(ended.reply.status, 500);
  EXPECT_EQ(ended.reply.body, "why");
}

TEST_F(TransfersTest, AHeadWithoutAllOfItsBodyIsAnAnswer) {
  start(server_.url("/half"), "half", milliseconds(50));
  const auto ended = ends_.await(1).at("half");
  EXPECT_EQ(ended.how, How::answered);
  EXPECT_EQ(ended.reply.status, 200);
  EXPECT_EQ(ended.reply.body, "half");
}

TEST_F(TransfersTest, ARedirectIsAnAnswerAndNotFollowed) {
  const auto ended = endOf(server_.url("/redirect"));
  EXPECT_EQ(ended.reply.status, 302);
  EXPECT_EQ(server_.targets(), std::vector<std::string>{"/redirect"});
}

TEST_F(TransfersTest, OfALongAnswerTheBeginningIsTaken) {
  const auto ended = endOf(server_.url("/long"));
  EXPECT_EQ(ended.how, How::answered);
  EXPECT_EQ(ended.reply.status, 200);
  EXPECT_EQ(ended.reply.body, std::string(4096, 'x'));
}

TEST_F(TransfersTest, OneAfterTheOtherShareAConnection) {
  for (int i = 0; i < 5; ++i) {
    start(server_.url("/"), std::to_string(i));
    ends_.await(static_cast<std::size_t>(i) + 1);
  }
  EXPECT_EQ(server_.connections(), 1u);
}

TEST_F(TransfersTest, ManyWhoHangCostTheOthersNoConnection) {
  constexpr int kMany = 600;  // more than are kept
  start(server_.url("/first"), "first");
  ends_.await(1);
  for (int i = 0; i < kMany; ++i) start(server_.url("/silent"), "silent" + std::to_string(i));
  server_.await(kMany + 1);
  const auto before = server_.connections();
  for (int i = 0; i < 5; ++i) {
    start(server_.url("/"), "live" + std::to_string(i));
    ends_.await(static_cast<std::size_t>(i) + 2);
  }
  EXPECT_LE(server_.connections(), before + 1);
}

TEST_F(TransfersTest, WhatMayNotBeDialledIsSaidSo) {
  for (const auto& [url, reason] : std::map<std::string, std::string>{
           {"http://10.0.0.1/", "private address (operators: egress.allow)"},
           {"http://shop.internal/", "internal host name (operators: egress.allow)"},
           {"http://user@127.0.0.1/", "credentials in URL"},
           {"ftp://127.0.0.1/", "not an http or https URL"},
           {server_.url("/", "inside.test"), "private address (operators: egress.allow)"},
           {server_.url("/", "torn.test"), "private address (operators: egress.allow)"}}) {
    Ends ends;
    transfers_.start({.url = url}, {}, ends.of("it"));
    const auto ended = ends.await();
    EXPECT_EQ(ended.how, How::notAllowed) << url;
    EXPECT_EQ(ended.why, "URL is not allowed: " + reason) << url;
  }
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(TransfersTest, AHeaderThatIsNoneIsAFailure) {
  transfers_.start({.url = server_.url("/"), .headers = {{"x", "a\r\nb: c"}}}, {}, ends_.of("it"));
  EXPECT_EQ(ends_.await().how, How::failed);
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(TransfersTest, ANameLeadsToItsAddresses) {
  const auto ended = endOf(server_.url("/named", "hook.test"));
  EXPECT_EQ(ended.reply.body, "/named") << ended.why;
}

TEST_F(TransfersTest, ANameThatDoesNotResolveIsAFailure) {
  const auto ended = endOf(server_.url("/", "nobody.test"));
  EXPECT_EQ(ended.how, How::failed);
  EXPECT_EQ(ended.why, "Couldn't resolve host name");
}

TEST_F(TransfersTest, ANameIsLookedUpOnceForAll) {
  std::atomic<int> asked = 0;
  Transfers transfers(egress_, "Pombo/test", [&](const std::string& host) {
    ++asked;
    return found(host);
  });
  for (int i = 0; i < 100; ++i)
    transfers.start({.url = server_.url("/", "hook.test")}, {}, ends_.of(std::to_string(i)));
  for (const auto& [name, ended] : ends_.await(100)) EXPECT_EQ(ended.reply.status, 200);
  EXPECT_EQ(asked, 1);
}

TEST_F(TransfersTest, WhoeverWaitsForANameWaitsAlone) {
  Gate gate;
  Transfers transfers(egress_, "Pombo/test", [wait = gate.wait()](const std::string& host) {
    wait();
    return found(host);
  });
  transfers.start({.url = server_.url("/", "hook.test"), .timeout = milliseconds(50)}, {},
                  ends_.of("waits"));
  transfers.start({.url = server_.url("/live")}, {}, ends_.of("live"));
  const auto all = ends_.await(2);
  EXPECT_EQ(all.at("live").reply.body, "/live");
  EXPECT_EQ(all.at("waits").how, How::failed);
  EXPECT_EQ(all.at("waits").why, "Timeout was reached");
}

TEST_F(TransfersTest, WhoeverComesWhenANameIsKnownIsBehindThoseWhoWaitedForIt) {
  Gate looking, telling;
  std::atomic<pid_t> looks{0};
  std::latch isHeld(1), all(2);
  std::vector<int> order;  // of the one thread that tells
  Transfers transfers(egress_, "Pombo/test", [&, wait = looking.wait()](const std::string&) {
    looks = ::gettid();
    wait();
    return Names::Addresses{};
  });
  const auto start = [&](int which) {
    transfers.start({.url = "http://slow.test/"}, {}, [&, which](const Ended&) {
      order.push_back(which);
      all.count_down();
    });
  };
  start(1);
  transfers.start({.url = server_.url("/")}, {}, [&, hold = telling.wait()](const Ended&) {
    isHeld.count_down();
    hold();
  });
  isHeld.wait();
  looking.open();
  while (looks == 0 || isRunning(looks)) std::this_thread::yield();
  start(2);  // what has been found is there already, and nobody was told of it
  telling.open();
  all.wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(TransfersTest, ThroughAProxyNothingIsShared) {
  const Proxy proxy{"http", "hook.test", server_.port(), "", ""};
  for (int i = 0; i < 2; ++i) {
    transfers_.start({.url = "http://shop.test/x"}, proxy, ends_.of(std::to_string(i)));
    EXPECT_EQ(ends_.await(static_cast<std::size_t>(i) + 1).at(std::to_string(i)).reply.body,
              "http://shop.test/x");
  }
  EXPECT_EQ(server_.connections(), 2u);
}

TEST_F(TransfersTest, ThroughAProxyTheTargetIsCheckedAsWell) {
  const Proxy proxy{"http", "127.0.0.1", server_.port(), "", ""};
  transfers_.start({.url = "http://inside.test/"}, proxy, ends_.of("target"));
  transfers_.start({.url = server_.url("/")}, Proxy{"http", "nobody.test", 80, "", ""},
                   ends_.of("proxy"));
  const auto all = ends_.await(2);
  EXPECT_EQ(all.at("target").how, How::notAllowed);
  EXPECT_EQ(all.at("proxy").why, "Couldn't resolve proxy name");
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(TransfersTest, WhoIsToldMayStartTheNext) {
  const std::function<void(int)> next = [&](int left) {
    transfers_.start({.url = server_.url("/" + std::to_string(left))}, {}, [&, left](Ended ended) {
      if (left > 0 && ended.how == How::answered) return next(left - 1);
      ends_.of("last")(std::move(ended));
    });
  };
  next(100);
  EXPECT_EQ(ends_.await().reply.body, "/0");
  EXPECT_EQ(server_.targets().size(), 101u);
}

TEST_F(TransfersTest, ManyThreadsMayStart) {
  constexpr int kThreads = 4, kEach = 100;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i)
          start(server_.url("/"), std::to_string(thread) + " " + std::to_string(i));
      });
  }
  for (const auto& [name, ended] : ends_.await(kThreads * kEach))
    EXPECT_EQ(ended.how, How::answered);
}

TEST_F(TransfersTest, StoppingTellsEveryone) {
  Gate gate;
  Transfers transfers(egress_, "Pombo/test", [wait = gate.wait()](const std::string&) {
    wait();
    return Names::Addresses{};
  });
  for (int i = 0; i < 10; ++i)
    transfers.start({.url = server_.url("/silent")}, {}, ends_.of("flies" + std::to_string(i)));
  transfers.start({.url = "http://hook.test/"}, {}, ends_.of("waits"));
  server_.await(10);
  std::jthread another([&] { transfers.stop(); });
  transfers.stop();
  transfers.start({.url = server_.url("/")}, {}, ends_.of("late"));
  for (const auto& [name, ended] : ends_.await(12)) {
    EXPECT_EQ(ended.how, How::stopped) << name;
    EXPECT_EQ(ended.why, "Stopped");
  }
}

}  // namespace
}  // namespace pombo
