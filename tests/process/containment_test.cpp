// What only a process of its own survives: one block fails, is started again, and nobody else
// notices.
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "mirror.hpp"
#include "observe/request_scope.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

class Trouble {
 public:
  explicit Trouble(const std::function<void(Isolation&)>& adjust = [](Isolation&) {}) {
    isolation = isolated("trouble");
    isolation.pause = 1ms;
    adjust(isolation);
    block = std::make_unique<RemoteBlock>(
        isolation, [this](RemoteBlock::Fate fate) { host.metrics().count(wordFor(fate), 1); });
  }
  ~Trouble() { block->stop(); }

  static std::string wordFor(RemoteBlock::Fate fate) {
    switch (fate) {
      case RemoteBlock::Fate::ended:
        return "told_ended";
      case RemoteBlock::Fate::quarantined:
        return "told_quarantined";
      default:
        return "told_revived";
    }
  }

  void start(const std::string& onStart = "") {
    host.fake.configNode = {{"onStart", onStart}};
    block->start(host);
  }
  std::string configure(const std::string& how) {
    const Json slice{{"troubleHow", how}};
    return errorOf([&] { block->configure(kShop, Fields(slice)); });
  }
  // As in a request that has this long to live.
  std::string configureWithin(std::chrono::milliseconds budget, const std::string& how) {
    const RequestScope scope("r-1", Peer::Clock::now() + budget);
    return configure(how);
  }

  Isolation isolation;
  SharedHost host;
  std::unique_ptr<RemoteBlock> block;
};

struct Death {
  std::string how, error;  // as far as that is certain
};

class Contained : public ::testing::TestWithParam<Death> {};

INSTANTIATE_TEST_SUITE_P(
    Deaths, Contained,
    ::testing::Values(Death{"segv", "unavailable: The trouble block was killed by signal 11"},
                      Death{"abort", "unavailable: The trouble block was killed by signal 6"},
                      Death{"exit", "unavailable: The trouble block exited with status 0"},
                      Death{"pipe", "unavailable: The trouble block "},
                      Death{"nonsense", "unavailable: The trouble block sent what is no frame: "},
                      Death{"loop", "timedOut: The trouble block did not answer in time"},
                      Death{"stop", "timedOut: The trouble block did not answer in time"}),
    [](const auto& death) { return death.param.how; });

TEST_P(Contained, OneBlockFailsAndIsStartedAgain) {
  Trouble trouble([](Isolation& isolation) { isolation.call = 3s; });
  Mirror mirror(true);
  trouble.start();
  EXPECT_TRUE(trouble.configure(GetParam().how).starts_with(GetParam().error))
      << trouble.host.line("The process of the block ended");
  EXPECT_EQ(mirror.block->health(), "ok");
  EXPECT_EQ(trouble.configure("well"), "") << "waits for the restart";
  EXPECT_EQ(trouble.block->summary(kShop), (Json{{"how", "well"}}));
  EXPECT_EQ(trouble.host.counter("crashes"), 1);
  EXPECT_TRUE(trouble.host.waitForCounter("restarts", 1));
  EXPECT_EQ(trouble.host.counter("told_ended"), 1) << "before anybody is served again";
  EXPECT_TRUE(trouble.host.waitForCounter("told_revived", 1))
      << "a connector's instances are linked again";
  EXPECT_TRUE(trouble.host.waitForGauge("up", 1));
  EXPECT_EQ(mirror.host.counter("crashes"), 0);
}

TEST(Containment, WhatABlockThrowsIsNoDeath) {
  Trouble trouble;
  trouble.start();
  EXPECT_EQ(trouble.configure("throw"), "conflict: Trouble is trouble");
  EXPECT_EQ(trouble.configure("bug"), "bug: a secret detail");
  EXPECT_EQ(trouble.configure("foreign"), "bug: not a std::exception");
  EXPECT_EQ(trouble.host.counter("crashes"), 0);
}

TEST(Containment, WhatTheProcessPrintsIsLogged) {
  Trouble trouble;
  trouble.start();
  trouble.configure("print");
  EXPECT_EQ(trouble.host.line("The block's process says"), (Json{{"line", "a last word"}}));
}

TEST(Containment, ABlockWithoutDescriptorsHarmsItself) {
  Trouble trouble([](Isolation& isolation) { isolation.child.limits.openFiles = 64; });
  trouble.start();
  EXPECT_EQ(trouble.configure("descriptors"), "");
  EXPECT_EQ(trouble.configure("well"), "");
  EXPECT_EQ(trouble.host.counter("crashes"), 0);
}

TEST(Containment, ALoopOnAThreadOfItsOwnEnds) {
  Trouble trouble([](Isolation& isolation) { isolation.child.limits.cpuSeconds = 1; });
  trouble.start();
  EXPECT_EQ(trouble.configure("spin"), "");
  EXPECT_EQ(trouble.host.line("The process of the block ended").at("reason"),
            Json("used a processor for 1 s without a pause"));
}

TEST(Containment, ABlockThatDiesAtItsStartIsNotStartedAgain) {
  Trouble trouble;
  EXPECT_EQ(errorOf([&] { trouble.start("segv"); }),
            "unavailable: The trouble block was killed by signal 11");
  EXPECT_EQ(trouble.configure("well"), "unavailable: The trouble block is not running");
  EXPECT_EQ(trouble.block->health(), "fail: was killed by signal 11");
}

TEST(Containment, WhatARestartedBlockDeclaresOtherwiseIsLogged) {
  Trouble trouble;
  trouble.start("drift");
  trouble.configure("exit");
  EXPECT_EQ(trouble.configure("well"), "");
  const Json said = trouble.host.line("The block declares something else than before");
  const std::string difference(said.at("difference").as_string());
  EXPECT_TRUE(difference.starts_with("the route get /trouble/")) << difference;
  EXPECT_EQ(trouble.host.lines("The block declares something else than before"), 2u)
      << "one is new, one is gone";
  EXPECT_EQ(trouble.host.fake.declared.size(), 2u) << "the socket, and the first of the routes";
}

TEST(Containment, ABlockThatKeepsDyingFailsAtOnceBetweenRestarts) {
  Trouble trouble([](Isolation& isolation) { isolation.pause = 10min; });
  trouble.start();
  EXPECT_EQ(trouble.configure("exit"), "unavailable: The trouble block exited with status 0");
  EXPECT_EQ(trouble.configureWithin(100ms, "well"),
            "unavailable: The trouble block is not running");
}

TEST(Containment, AfterFiveDeathsItStaysDown) {
  Trouble trouble;
  trouble.start();
  for (int deaths = 1; deaths <= 5; ++deaths) {
    ASSERT_TRUE(trouble.host.waitForCounter("restarts", deaths - 1));
    EXPECT_EQ(trouble.configure("exit"), "unavailable: The trouble block exited with status 0");
    EXPECT_TRUE(trouble.host.waitForCounter("crashes", deaths));
  }
  EXPECT_TRUE(trouble.host.waitForGauge("quarantined", 1));
  EXPECT_TRUE(trouble.host.waitForCounter("told_quarantined", 1));
  EXPECT_EQ(trouble.host.counter("told_ended"), 4);
  EXPECT_EQ(trouble.host.gauge("up"), 0);
  EXPECT_EQ(trouble.configure("well"),
            "unavailable: The trouble block is in quarantine: it exited with status 0");
  EXPECT_EQ(trouble.block->health(), "fail: in quarantine after 5 crashes: exited with status 0");
}

TEST(Containment, SocketsOfADeadBlockAreClosedForARestart) {
  Trouble trouble;
  trouble.start();
  const auto socket = trouble.host.fake.connect("/trouble/:instance", requestFor(kShop));
  trouble.configure("exit");
  EXPECT_EQ(trouble.configure("well"), "");
  EXPECT_EQ(socket->closedWith, 1012);
  EXPECT_EQ(trouble.host.fake.connect("/trouble/:instance", requestFor(kShop))->closedWith, 0)
      << "declared once, served again";
}

TEST(Containment, WhoClosesSocketsDoesNotWaitForABlockThatDoesNotRead) {
  Trouble trouble([](Isolation& isolation) {
    isolation.call = 1h;
    isolation.pause = 10min;
  });
  trouble.start();
  const Json user =
      static_cast<IBlockConfigurator&>(*trouble.block).connector()->perform(kShop, "user", {});
  std::vector<std::shared_ptr<FakeSocket>> sockets;
  for (int i = 0; i < 400; ++i)  // more than the pipe holds words of their end
    sockets.push_back(trouble.host.fake.connect("/trouble/:instance", requestFor(kShop)));
  EXPECT_EQ(trouble.configureWithin(200ms, "stop"),
            "timedOut: The trouble block did not answer in time");
  const auto began = Peer::Clock::now();
  for (const auto& socket : sockets) socket->close(1000, "");
  EXPECT_LT(Peer::Clock::now() - began, 4s) << "a frame has 5 s to be written";
  ::kill(static_cast<pid_t>(user.at("pid").as_int64()), SIGKILL);
}

TEST(Containment, ACallHasWhatIsLeftOfItsRequest) {
  Trouble trouble([](Isolation& isolation) { isolation.call = 1h; });
  trouble.start();
  const auto begin = Peer::Clock::now();
  EXPECT_EQ(trouble.configureWithin(300ms, "loop"),
            "timedOut: The trouble block did not answer in time");
  EXPECT_LT(Peer::Clock::now() - begin, 10s);
  EXPECT_EQ(trouble.configureWithin(1min, "well"), "") << "a hurry kills nobody";
  EXPECT_EQ(trouble.host.counter("crashes"), 0);
}

TEST(Containment, ACallThatStaysLateEndsTheProcess) {
  Trouble trouble([](Isolation& isolation) { isolation.call = 1s; });
  trouble.start();
  EXPECT_EQ(trouble.configureWithin(200ms, "loop"),
            "timedOut: The trouble block did not answer in time");
  EXPECT_EQ(trouble.host.line("The process of the block ended").at("reason"),
            Json("did not answer in time"));
}

TEST(Containment, ManyCallsAtOnceEachGetTheirOwnAnswer) {
  Mirror mirror(true);
  std::vector<std::thread> callers;
  std::atomic<int> right = 0;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&, caller] {
      const std::string mine = std::to_string(caller);
      for (int i = 0; i < 200; ++i)
        if (mirror.httpRequest(mine) == "http://" + mine + "/1") ++right;
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(right, 1600);
}

// A lib is refused, or its other build is, before it is called.
TEST(Containment, ALibraryThatDoesNotLoadSaysWhy) {
  Isolation missing = isolated("mirror");
  missing.child.library = libraryOf("nothing");
  EXPECT_NE(
      errorOf([&] { RemoteBlock(missing, nullptr); }).find("did not load: " + libraryOf("nothing")),
      std::string::npos);
  Isolation other = isolated("mirror");
  other.version = "9.9.9";
  EXPECT_EQ(
      errorOf([&] { RemoteBlock(other, nullptr); }),
      "unavailable: The mirror block is refused: its version is \"1.2.3\", this gateway needs "
      "\"9.9.9\"");
  Isolation program = isolated("mirror");
  program.child.program = "/nowhere";
  EXPECT_EQ(errorOf([&] { RemoteBlock(program, nullptr); }),
            "unavailable: The mirror block could not be started: /nowhere: No such file or "
            "directory");
}

}  // namespace
}  // namespace pombo
