#include "http/socket_queue.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "http/deflate.hpp"
#include "http/sockets.hpp"

namespace pombo {
namespace {

using Text = std::shared_ptr<const std::string>;

Text textOf(const std::string& text) { return std::make_shared<const std::string>(text); }

class SocketQueueTest : public ::testing::Test {
 protected:
  std::shared_ptr<Sockets> limited(SocketLimits limits) {
    return std::make_shared<Sockets>(limits, log_);
  }
  std::string metric(const std::string& name) {
    sockets_->collect(metrics_);
    const std::string all = metrics_.text();
    auto at = all.find("\n" + name);
    while (at != all.npos && std::string(" {").find(all[at + name.size() + 1]) == std::string::npos)
      at = all.find("\n" + name, at + 1);
    return at == all.npos ? "" : all.substr(at + 1, all.find('\n', at + 1) - at - 1);
  }
  // What the writing side finds.
  std::vector<std::string> taken(SocketQueue& queue) {
    SocketQueue::Frames frames;
    closing_ = queue.take(frames);
    std::vector<std::string> texts;
    for (const auto& frame : frames) texts.emplace_back(frame->body());
    return texts;
  }

  Log log_{"off"};
  Metrics metrics_;
  std::shared_ptr<Sockets> sockets_ = limited({});
  std::optional<SocketQueue::Closing> closing_;
};

TEST_F(SocketQueueTest, HandsOverInOrderAndWakesOnce) {
  const auto queue = sockets_->open({{"i"}, "t"});
  int woken = 0;
  queue->send(textOf("before"));
  queue->attach([&] { ++woken; });
  for (const char* text : {"a", "b"}) queue->send(textOf(text));
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(taken(*queue), (std::vector<std::string>{"before", "a", "b"}));
  queue->send(textOf("c"));
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(taken(*queue), std::vector<std::string>{"c"});
  queue->end(1000);
}

TEST_F(SocketQueueTest, ATextIsFramedOnceForAllClients) {
  const auto one = sockets_->open({{"i"}, "t"}), other = sockets_->open({{"i"}, "t"});
  const Text text = textOf("hello");
  for (const auto& queue : {one, other}) queue->send(text);
  SocketQueue::Frames frames;
  for (const auto& queue : {one, other}) queue->take(frames);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0], frames[1]);
  EXPECT_EQ(frames[0]->text(), text);
  EXPECT_EQ(sockets_->memory().used(), 5u);
  frames.clear();
  EXPECT_EQ(sockets_->memory().used(), 0u);
}

TEST_F(SocketQueueTest, ATextIsDeflatedOnceForAllWhoHaveAgreed) {
  const auto one = sockets_->open({{"i"}, "t"}, true), other = sockets_->open({{"i"}, "t"}, true),
             plain = sockets_->open({{"i"}, "t"});
  const Text text = textOf(std::string(1000, 'a'));
  SocketQueue::Frames frames;
  for (const auto& queue : {one, plain}) queue->send(text);
  one->take(frames);
  frames.clear();  // written before it is sent to the next
  for (const auto& queue : {other, one, plain}) {
    if (queue != plain) queue->send(text);
    queue->take(frames);
  }
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0], frames[1]);
  EXPECT_EQ(frames[2]->text(), text);
  EXPECT_EQ(frames[0]->head()[0], '\xc1');
  EXPECT_EQ(frames[0]->body(), deflated(*text));
  EXPECT_EQ(sockets_->memory().used(), 1000u + frames[0]->body().size());
  EXPECT_TRUE(one->inflating() && !plain->inflating());
}

TEST_F(SocketQueueTest, WhatWouldNotBeWorthItIsNotDeflated) {
  const auto queue = sockets_->open({{"i"}, "t"}, true);
  std::string noise;
  for (unsigned i = 0, x = 1; i < 1000; ++i) noise += static_cast<char>((x *= 69069) >> 24);
  for (const auto& text :
       {std::string(255, 'a'), noise, std::string((256 << 10) + 1, 'a'), std::string()})
    queue->send(textOf(text));
  for (const auto* text : {"first", "second"}) queue->send(textOf(std::string(300, 'x') + text));
  SocketQueue::Frames frames;
  queue->take(frames);
  ASSERT_EQ(frames.size(), 6u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(frames[i]->head()[0], '\x81');
  EXPECT_EQ(frames[4]->body(), deflated(std::string(300, 'x') + "first"));
  EXPECT_EQ(frames[5]->body(), deflated(std::string(300, 'x') + "second"));
}

TEST_F(SocketQueueTest, OneFrameTooManyEndsIt) {
  const auto queue = sockets_->open({{"i"}, "t"});
  for (std::size_t i = 0; i < SocketQueue::kMostFrames; ++i) queue->send(textOf("a"));
  EXPECT_EQ(taken(*queue).size(), SocketQueue::kMostFrames);  // and still unsent
  EXPECT_FALSE(closing_);
  queue->send(textOf("one more"));
  queue->send(textOf("and another"));
  EXPECT_TRUE(taken(*queue).empty());
  ASSERT_TRUE(closing_);
  EXPECT_EQ(closing_->code, 1013);
  EXPECT_EQ(closing_->reason, "slow consumer");
  EXPECT_TRUE(closing_->atOnce);
}

TEST_F(SocketQueueTest, WhatWasWrittenMakesRoom) {
  const auto queue = sockets_->open({{"i"}, "t"});
  const Text text = textOf(std::string(3 << 20, 'a'));
  for (int i = 0; i < 2; ++i) queue->send(text);
  queue->written(1, text->size() + 10);
  queue->send(text);
  EXPECT_EQ(taken(*queue).size(), 3u);
  EXPECT_FALSE(closing_);
  queue->send(text);
  EXPECT_TRUE(taken(*queue).empty());
  EXPECT_EQ(closing_->code, 1013);
}

TEST_F(SocketQueueTest, WhenAllMemoryIsTakenOnlyThoseThatWaitAreClosed) {
  sockets_ = limited({.clients = 10, .memory = 2 << 20});
  const auto slow = sockets_->open({{"i"}, "t"}), quick = sockets_->open({{"i"}, "t"});
  const auto large = [] { return textOf(std::string(400 << 10, 'a')); };
  for (int i = 0; i < 4; ++i) slow->send(large());
  taken(*slow);
  ASSERT_TRUE(closing_);
  EXPECT_EQ(closing_->code, 1013);
  const auto other = sockets_->open({{"i"}, "t"});
  for (int i = 0; i < 3; ++i) other->send(large());
  quick->send(large());
  SocketQueue::Frames unsent;
  EXPECT_FALSE(quick->take(unsent));
  EXPECT_EQ(unsent.size(), 1u);
  EXPECT_EQ(metric("pombo_sockets_waiting_bytes"), "pombo_sockets_waiting_bytes 1638400");
  // It is a bound for them as well; what is small still finds room.
  const auto late = sockets_->open({{"i"}, "t"}), small = sockets_->open({{"i"}, "t"});
  late->send(large());
  EXPECT_TRUE(taken(*late).empty());
  ASSERT_TRUE(closing_);
  EXPECT_EQ(closing_->code, 1013);
  small->send(textOf("small"));
  EXPECT_EQ(taken(*small).size(), 1u);
  EXPECT_FALSE(closing_);
}

TEST_F(SocketQueueTest, WhenAllMemoryIsTakenAFewFramesMakeNobodySlow) {
  sockets_ = limited({.clients = 10, .memory = 2 << 20});
  const auto slow = sockets_->open({{"i"}, "t"}), quick = sockets_->open({{"i"}, "t"});
  for (int i = 0; i < 96; ++i) slow->send(textOf(std::string(16 << 10, 'a')));
  // What was taken and is not yet written is no slowness; what is more than that is one.
  for (int i = 0; i < 4; ++i) {
    quick->send(textOf(std::string(16 << 10, 'a')));
    taken(*quick);
    EXPECT_FALSE(closing_) << i;
  }
  slow->send(textOf("one more"));
  taken(*slow);
  EXPECT_TRUE(closing_);
}

TEST_F(SocketQueueTest, TheFirstClosingCounts) {
  const auto queue = sockets_->open({{"i"}, "t"});
  queue->send(textOf("last words"));
  queue->close(4000, "first");
  queue->close(4001, "second");
  queue->send(textOf("too late"));
  EXPECT_EQ(taken(*queue), std::vector<std::string>{"last words"});
  EXPECT_EQ(closing_->code, 4000);
  taken(*queue);
  EXPECT_FALSE(closing_);
}

TEST_F(SocketQueueTest, ItsEndIsToldOnceWhoeverAsksWhen) {
  const auto queue = sockets_->open({{"i"}, "t"});
  int told = 0;
  queue->onClosed([&] { ++told; });
  queue->attach([] {});
  EXPECT_EQ(metric("pombo_sockets_open"), "pombo_sockets_open 1");
  queue->end(1000);
  queue->end(0);
  EXPECT_EQ(told, 1);
  queue->onClosed([&] { ++told; });
  EXPECT_EQ(told, 2);
  EXPECT_EQ(metric("pombo_sockets_open"), "pombo_sockets_open 0");
  EXPECT_EQ(metric("pombo_sockets_closed_total"), "pombo_sockets_closed_total{code=\"1000\"} 1");
}

TEST_F(SocketQueueTest, WhatTheBlockThrowsAtTheEndIsContained) {
  const auto queue = sockets_->open({{"i"}, "t"});
  queue->onClosed([] { throw std::runtime_error("a bug"); });
  EXPECT_NO_THROW(queue->end(0));
}

TEST_F(SocketQueueTest, ABlockThatLetsGoClosesIt) {
  const auto queue = sockets_->open({{"i"}, "t"});
  std::make_shared<ClientSocket>(queue)->send(textOf("one"));
  EXPECT_EQ(taken(*queue), std::vector<std::string>{"one"});
  EXPECT_EQ(closing_->code, 1000);
}

TEST_F(SocketQueueTest, AnUpgradeThatNeverArrivesHasEnded) {
  const auto queue = sockets_->open({{"i"}, "t"});
  bool told = false;
  queue->onClosed([&] { told = true; });
  Upgrade(queue).take()->send(textOf("x"));
  EXPECT_FALSE(told);
  { const Upgrade lost(queue); }
  EXPECT_TRUE(told);
  EXPECT_EQ(metric("pombo_sockets_opened_total"), "pombo_sockets_opened_total 0");
  EXPECT_EQ(metric("pombo_sockets_closed_total"), "");
}

TEST_F(SocketQueueTest, MoreClientsThanTheServerTakesAreRefused) {
  sockets_ = limited({.clients = 2});
  const auto one = sockets_->open({{"i"}, "t"}), two = sockets_->open({{"j"}, "t"});
  try {
    sockets_->open({{"k"}, "t"});
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::unavailable);
    EXPECT_STREQ(error.what(), "Too many WebSocket clients");
  }
  two->end(0);
  EXPECT_TRUE(sockets_->open({{"k"}, "t"}));
}

TEST_F(SocketQueueTest, ADeletedInstanceClosesItsOwnAlone) {
  const auto gone = sockets_->open({{"i"}, "t"}), too = sockets_->open({{"i"}, "u"}),
             stays = sockets_->open({{"j"}, "t"});
  sockets_->close({"i"});
  for (const auto& queue : {gone, too}) {
    taken(*queue);
    ASSERT_TRUE(closing_);
    EXPECT_EQ(closing_->code, 1008);
    EXPECT_EQ(closing_->reason, "token no longer valid");
  }
  taken(*stays);
  EXPECT_FALSE(closing_);
}

TEST_F(SocketQueueTest, ARevokedTokenClosesItsOwnAlone) {
  const auto gone = sockets_->open({{"i"}, "t"}), stays = sockets_->open({{"i"}, "u"}),
             open = sockets_->open({{"i"}, ""});
  std::vector<SocketOwner> asked;
  sockets_->recheck([&](const SocketOwner& owner) {
    asked.push_back(owner);
    return owner.tokenHash == "u";
  });
  EXPECT_EQ(asked, (std::vector<SocketOwner>{{{"i"}, "t"}, {{"i"}, "u"}}));
  taken(*gone);
  EXPECT_EQ(closing_->code, 1008);
  for (const auto& queue : {stays, open}) {
    taken(*queue);
    EXPECT_FALSE(closing_);
  }
  EXPECT_THROW(
      sockets_->recheck([](const SocketOwner&) -> bool { throw std::runtime_error("no"); }),
      std::runtime_error);
  taken(*stays);
  EXPECT_FALSE(closing_);
}

TEST_F(SocketQueueTest, IsFilledClosedAndEndedByMany) {
  for (int round = 0; round < 50; ++round) {
    const auto queue = sockets_->open({{"i"}, "t"});
    std::atomic<int> told{0};
    {
      std::vector<std::jthread> all;
      all.emplace_back([&] { queue->attach([] {}); });
      for (int i = 0; i < 2; ++i)
        all.emplace_back([&] {
          for (int j = 0; j < 20; ++j) queue->send(textOf("a"));
        });
      all.emplace_back([&] { queue->onClosed([&] { ++told; }); });
      all.emplace_back([&] { sockets_->close({"i"}); });
      all.emplace_back([&] {
        SocketQueue::Frames frames;
        queue->take(frames);
        queue->end(0);
      });
    }
    EXPECT_EQ(told, 1);
  }
  EXPECT_EQ(sockets_->size(), 0u);
}

}  // namespace
}  // namespace pombo
