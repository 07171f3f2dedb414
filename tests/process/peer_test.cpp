// Calls over a pipe: what is late, and what the other end may lie about.
#include "process/peer.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "mirror.hpp"
#include "pair.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

// A peer whose other end the test writes by hand.
class Lies : public ::testing::Test {
 protected:
  void begin(const Peer::Limits& limits = kPatient) {
    prepare(limits);
    reader_ = std::thread([this] { peer_->serve(); });
  }
  // Nobody reads yet.
  void prepare(const Peer::Limits& limits = kPatient) {
    peer_ = std::make_unique<Peer>(pair_.ours, limits);
    peer_->calls = {{"echo", unpacked<Json>([](const Json& what) { return what; })},
                    {"wait", unpacked<>([this] {
                       std::unique_lock lock(mutex_);
                       released_.wait(lock, [this] { return open_; });
                     })}};
    peer_->posts = {
        {"count", unpacked<int>([this](int by) { counted_ += by; })},
        {"refused", unpacked<std::string>([this](const std::string& w) { peer_->hangUp(w); })}};
  }
  void TearDown() override {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    released_.notify_all();
    if (peer_) peer_->hangUp("the test is over");
    if (reader_.joinable()) reader_.join();
    peer_ = nullptr;
    leave();
  }
  void leave() {
    if (pair_.theirs >= 0) ::close(std::exchange(pair_.theirs, -1));
  }

  void write(const std::string& bytes) {
    ASSERT_EQ(::send(pair_.theirs, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  static std::string header(std::uint32_t size, std::uint32_t files) {
    const std::uint32_t words[]{size, files};
    return {reinterpret_cast<const char*>(words), sizeof words};
  }
  void say(const std::string& text) {
    write(header(static_cast<std::uint32_t>(text.size()), 0) + text);
  }
  Json heard() {
    std::uint32_t words[2]{};
    EXPECT_EQ(::recv(pair_.theirs, words, sizeof words, MSG_WAITALL),
              static_cast<ssize_t>(sizeof words));
    std::string text(words[0], '\0');
    EXPECT_EQ(::recv(pair_.theirs, text.data(), text.size(), MSG_WAITALL),
              static_cast<ssize_t>(text.size()));
    return read(text);
  }
  // Why it was given up; returns when it has been.
  std::string end() {
    reader_.join();
    return peer_->why();
  }

  Pair pair_;
  std::mutex mutex_;  // guards open_
  std::condition_variable released_;
  bool open_ = false;
  std::atomic<int> counted_ = 0;
  std::unique_ptr<Peer> peer_;
  std::thread reader_;
};

TEST_F(Lies, AnHonestCallIsAnswered) {
  begin();
  say(R"({"id":1,"call":"echo","with":[{"a":1}]})");
  EXPECT_EQ(heard(), (Json{{"id", 1}, {"result", {{"a", 1}}}}));
  say(R"({"id":2,"call":"fly","with":[]})");
  EXPECT_EQ(heard().at("failure").at("code"), Json("unsupported"));
}

TEST_F(Lies, APostIsNotAnswered) {
  begin();
  say(R"({"call":"count","with":[2]})");
  say(R"({"call":"unknown","with":[2]})");
  say(R"({"call":"count","with":[3]})");
  say(R"({"id":1,"call":"echo","with":[1]})");
  EXPECT_EQ(heard(), (Json{{"id", 1}, {"result", 1}}));
  EXPECT_EQ(counted_, 5);
}

TEST_F(Lies, APingIsAnsweredByWhoeverReads) {
  begin();
  say(R"({"call":"ping","with":[]})");
  EXPECT_EQ(heard(), (Json{{"call", "pong"}, {"with", boost::json::array()}}));
}

TEST_F(Lies, AHeaderOfTooMuchAllocatesNothing) {
  begin();
  write(header(0xffffffff, 0));
  EXPECT_EQ(end(), "sent what is no frame: a header of 4294967295 bytes and 0 descriptors");
}

TEST_F(Lies, AHeaderOfTooManyDescriptors) {
  begin();
  write(header(2, 9) + "{}");
  EXPECT_EQ(end(), "sent what is no frame: a header of 2 bytes and 9 descriptors");
}

class Nonsense : public Lies, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(
    Texts, Nonsense,
    ::testing::Values("", "{", "7", "[]", "{}", R"({"id":-1,"call":"echo","with":[1]})",
                      R"({"id":"1","call":"echo","with":[1]})", R"({"id":1,"call":"echo"})",
                      R"({"id":1,"call":7,"with":[]})", R"({"id":1,"call":"","with":[]})",
                      R"({"id":1,"call":"echo","with":{}})", R"({"result":1})", R"({"id":1})",
                      R"({"id":1,"failure":"no"})", R"({"id":1,"failure":{"code":"odd"}})"));

TEST_P(Nonsense, EndsTheConversation) {
  begin();
  say(GetParam());
  EXPECT_TRUE(end().starts_with("sent what is no frame: ")) << peer_->why();
  EXPECT_EQ(peer_->why().find('/'), std::string::npos) << "clients read it: " << peer_->why();
}

TEST_F(Lies, ArgumentsThatACallDoesNotTake) {
  begin();
  say(R"({"id":1,"call":"echo","with":[]})");
  EXPECT_TRUE(end().starts_with("sent what echo does not take: ")) << peer_->why();
}

TEST_F(Lies, ArgumentsThatAPostDoesNotTake) {
  begin();
  say(R"({"call":"count","with":["x"]})");
  EXPECT_TRUE(end().starts_with("sent what count does not take: ")) << peer_->why();
}

TEST_F(Lies, MoreCallsThanAllowed) {
  begin();
  for (int id = 1; id <= 9; ++id)
    say(R"({"id":)" + std::to_string(id) + R"(,"call":"wait","with":[]})");
  EXPECT_EQ(end(), "has too many calls under way");
}

TEST_F(Lies, AnswersToNothingAreIgnored) {
  begin();
  say(R"({"id":77,"result":1})");
  say(R"({"id":1,"call":"echo","with":[1]})");
  EXPECT_EQ(heard().at("result"), Json(1));
}

TEST_F(Lies, ACallForOneThatIsOverIsRefused) {
  begin();
  say(R"({"id":1,"in":5,"call":"echo","with":[1]})");
  EXPECT_EQ(heard().at("failure").at("sentence"), Json("Its call is over"));
}

TEST_F(Lies, CallsForThoseThatAreOverAreCountedToo) {
  begin({8, 4, 1min, kLong, kLong});
  const std::string text = R"({"id":1,"in":5,"call":"echo","with":[1]})";
  const std::string frame = header(static_cast<std::uint32_t>(text.size()), 0) + text;
  // Until nothing of what it refuses can be written any more.
  while (::send(pair_.theirs, frame.data(), frame.size(), MSG_NOSIGNAL) > 0) continue;
  EXPECT_EQ(end(), "asks for calls that are over");
}

TEST_F(Lies, ATextThatNeverEndsHoldsUpNobody) {
  begin();
  write(header(1000, 0) + "{");
  EXPECT_THROW(peer_->ask(Peer::Clock::now() + 50ms, Peer::Deadline::max(), "echo", pack(Json(1))),
               Peer::Late);
}

TEST_F(Lies, ACallThatAsksOnAndOnIsLate) {
  begin();
  std::thread liar([this] {
    const auto id = heard().at("id").as_int64();
    const std::string nested =
        R"({"id":1,"in":)" + std::to_string(id) + R"(,"call":"echo","with":[1]})";
    const std::string frame = header(static_cast<std::uint32_t>(nested.size()), 0) + nested;
    while (::send(pair_.theirs, frame.data(), frame.size(), MSG_NOSIGNAL) > 0) {
      char answer[512];
      (void)!::recv(pair_.theirs, answer, sizeof answer, 0);
    }
  });
  EXPECT_THROW(peer_->ask(Peer::Clock::now() + 100ms, Peer::Clock::now(), "any", pack()),
               Peer::Late);
  EXPECT_EQ(end(), "did not answer in time");
  liar.join();
}

TEST_F(Lies, TwoAnswersToOneCall) {
  begin();
  std::thread liar([this] {
    const std::string id = std::to_string(heard().at("id").as_int64());
    say(R"({"id":1,"in":)" + id + R"(,"call":"wait","with":[]})");
    for (int i = 0; i < 3; ++i) say(R"({"id":)" + id + R"(,"result":1})");
  });
  std::thread caller([this] {
    const auto never = Peer::Deadline::max();
    EXPECT_EQ(resultOf<int>(peer_->ask(never, never, "any", pack())), 1) << "the first is good";
  });
  EXPECT_EQ(end(), "sent more than its call can take");
  liar.join();
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  released_.notify_all();
  caller.join();
}

TEST_F(Lies, WhoeverDoesNotReadIsGivenUp) {
  begin({8, 64, 1s, kLong, kLong});
  const std::string much(1 << 20, 'x');
  EXPECT_THROW(for (;;) peer_->post("much", pack(much)), Peer::Gone);
  EXPECT_EQ(end(), "does not read what it is sent");
}

TEST_F(Lies, WhatIsPostedLaterWaitsForNobodyAndKeepsItsOrder) {
  begin({8, 64, 1min, kLong, kLong});
  const std::string much(64u << 10, 'x');
  const auto began = Peer::Clock::now();
  for (int i = 0; i < 64; ++i) peer_->postLater("much", pack(i, much));  // the pipe holds few
  EXPECT_LT(Peer::Clock::now() - began, 30s) << "it waited for who does not read";
  for (int i = 0; i < 64; ++i) EXPECT_EQ(heard().at("with").at(0), Json(i));
  peer_->postLater("last", pack());
  EXPECT_EQ(heard().at("call"), Json("last")) << "also after a rest";
}

TEST_F(Lies, WhatIsPostedLaterToWhoIsGoneGoesNowhere) {
  begin();
  peer_->hangUp("the end");
  peer_->postLater("any", pack());
  EXPECT_EQ(end(), "the end");
}

// A process that says why, and ends, before it is asked for anything.
TEST_F(Lies, TheLastWordsOfWhoeverIsGoneAreHeardByWhoeverAsks) {
  prepare();
  say(R"({"call":"count","with":[2]})");
  say(R"({"call":"refused","with":["has no folder"]})");
  leave();
  const auto never = Peer::Deadline::max();
  EXPECT_THROW(peer_->ask(never, never, "any", pack()), Peer::Gone);
  EXPECT_EQ(peer_->why(), "has no folder");
  EXPECT_EQ(counted_, 2);
}

TEST_F(Lies, TheLastWordsOfWhoeverIsGoneAreHeardAfterAPost) {
  prepare();
  say(R"({"call":"refused","with":["has no folder"]})");
  leave();
  EXPECT_THROW(peer_->post("any", pack()), Peer::Gone);
  peer_->serve();
  EXPECT_EQ(peer_->why(), "has no folder");
}

// It could go on talking.
TEST_F(Lies, WhoeverOnlyTalksIsGone) {
  prepare();
  say(R"({"call":"count","with":[2]})");
  ::shutdown(pair_.theirs, SHUT_RD);
  const auto never = Peer::Deadline::max();
  EXPECT_THROW(peer_->ask(never, never, "any", pack()), Peer::Gone);
  EXPECT_EQ(peer_->why(), kClosed);
  EXPECT_EQ(counted_, 2);
}

TEST_F(Lies, WhoeverIsSilentIsGivenUp) {
  begin({8, 64, 1s, 100ms, 10ms});
  EXPECT_EQ(end(), "does not answer");
}

TEST_F(Lies, MoreThanAFrameMayHoldIsNotSent) {
  begin();
  const std::string much(65u << 20, 'x');
  EXPECT_EQ(errorOf([&] {
              peer_->ask(Peer::Deadline::max(), Peer::Deadline::max(), "much", pack(much));
            }),
            "tooLarge: More than 64 MiB do not pass to or from a block's process");
  EXPECT_FALSE(peer_->gone());
}

}  // namespace
}  // namespace pombo
