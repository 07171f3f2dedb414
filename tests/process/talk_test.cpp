// Calls over a pipe between two honest ends: what nests, and what crosses with them.
#include <gtest/gtest.h>

#include <thread>

#include "mirror.hpp"
#include "pair.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

class Talk : public ::testing::Test {
 protected:
  void SetUp() override {
    ours_.calls = {{"thread", unpacked<>([] {
                      return std::hash<std::thread::id>()(std::this_thread::get_id()) >> 1;
                    })},
                   {"file", unpacked<Media>([](const Media& media) { return media; })}};
    theirs_.calls = {{"which", unpacked<>([this] { return askOurs<std::size_t>("thread"); })},
                     {"left", unpacked<>([] {
                        const auto until = Peer::deadlineOfServed();
                        return until == Peer::Deadline::max()
                                   ? -1
                                   : std::chrono::duration_cast<std::chrono::milliseconds>(
                                         *until - Peer::Clock::now())
                                         .count();
                      })},
                     {"mirror", unpacked<Media>([this](const Media& media) {
                        return askOurs<Media>("file", media);
                      })}};
    for (auto* peer : {&ours_, &theirs_}) readers_.emplace_back([peer] { peer->serve(); });
  }
  void TearDown() override {
    for (auto* peer : {&ours_, &theirs_}) peer->hangUp("the test is over");
    for (auto& reader : readers_) reader.join();
  }
  template <class R, class... A>
  R askOurs(const char* name, const A&... arguments) {
    return resultOf<R>(
        theirs_.ask(Peer::Deadline::max(), Peer::Deadline::max(), name, pack(arguments...)));
  }
  template <class R, class... A>
  R ask(Peer::Deadline until, const char* name, const A&... arguments) {
    return resultOf<R>(ours_.ask(until, Peer::Deadline::max(), name, pack(arguments...)));
  }

  Pair pair_;
  Peer ours_{pair_.ours, kPatient}, theirs_{pair_.theirs, kPatient};
  std::vector<std::thread> readers_;
};

TEST_F(Talk, WhatIsAskedForACallIsServedByWhoeverWaitsForIt) {
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(ask<std::size_t>(Peer::Deadline::max(), "which"),
              std::hash<std::thread::id>()(std::this_thread::get_id()) >> 1);
}

TEST_F(Talk, ACallKnowsHowMuchTimeIsLeft) {
  EXPECT_EQ(ask<std::int64_t>(Peer::Deadline::max(), "left"), -1);
  const auto left = ask<std::int64_t>(Peer::Clock::now() + 1h, "left");
  EXPECT_GT(left, 3'000'000);
  EXPECT_LE(left, 3'600'000);
}

TEST_F(Talk, FilesCrossAndAreClosed) {
  const auto open = [] {
    int all = 0;
    for (int fd = 0; fd < 1024; ++fd) all += ::fcntl(fd, F_GETFD) >= 0;
    return all;
  };
  const std::string bytes(300'000, 'b');
  const int before = open();
  for (int i = 0; i < 50; ++i) {
    const Media back = ask<Media>(Peer::Deadline::max(), "mirror", mediaOf("a/b", bytes));
    EXPECT_EQ(bytesOf(back, 1 << 20), bytes);
  }
  // The other end lets go of the last of them when it has answered.
  for (int i = 0; i < 100'000 && open() != before; ++i) std::this_thread::yield();
  EXPECT_EQ(open(), before);
}

TEST_F(Talk, ManyAtOnceEachGetTheirOwn) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([this] {
      for (int i = 0; i < 200; ++i)
        EXPECT_EQ(ask<std::size_t>(Peer::Deadline::max(), "which"),
                  std::hash<std::thread::id>()(std::this_thread::get_id()) >> 1);
    });
  for (auto& caller : callers) caller.join();
}

TEST(OtherLanguages, AChildThatKnowsOnlyTheProtocolIsABlock) {
  SharedHost host;
  Isolation isolation;
  isolation.name = "word";
  isolation.version = "1.0.0";
  isolation.child = {
      .program = POMBO_SOURCE_DIR "/tests/process/word_child.py", .library = "none", .limits = {}};
  RemoteBlock block(isolation, nullptr);
  block.start(host);
  EXPECT_EQ(block.fields().at(0).name, "wordText");
  EXPECT_EQ(block.summary(kShop), (Json{{"word", nullptr}}));
  const Json slice{{"wordText", "hello"}};
  block.configure(kShop, Fields(slice));
  EXPECT_EQ(block.summary(kShop), (Json{{"word", "hello"}}));
  block.stop();
}

}  // namespace
}  // namespace pombo
