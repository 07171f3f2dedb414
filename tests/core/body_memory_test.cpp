#include "http/body_memory.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace pombo {
namespace {

constexpr std::uint64_t kSmall = BodyMemory::kSmall;

TEST(BodyMemoryTest, IsGivenBackByWhoeverHasIt) {
  const BodyMemory memory(32 * kSmall);
  {
    auto share = memory.share();
    EXPECT_TRUE(share.grow(100, false));
    EXPECT_TRUE(share.grow(4 * kSmall, false));
    EXPECT_TRUE(share.grow(10, false));  // it has more
    EXPECT_EQ(memory.used(), 4 * kSmall);
    const auto moved = std::move(share);
    EXPECT_EQ(memory.used(), 4 * kSmall);
  }
  EXPECT_EQ(memory.used(), 0u);
}

TEST(BodyMemoryTest, TellsTheMostThereWasHoweverShort) {
  const BodyMemory memory(32 * kSmall);
  EXPECT_TRUE(memory.share().grow(4 * kSmall, false));
  auto share = memory.share();
  EXPECT_TRUE(share.grow(100, false));
  EXPECT_EQ(memory.takeMost(), std::int64_t{4 * kSmall});
  EXPECT_EQ(memory.takeMost(), 100) << "since it was asked";
}

TEST(BodyMemoryTest, WhatDoesNotFitChangesNothing) {
  const BodyMemory memory(32 * kSmall);
  auto share = memory.share();
  EXPECT_TRUE(share.grow(kSmall, false));
  EXPECT_FALSE(share.grow(17 * kSmall, false));
  EXPECT_EQ(memory.used(), kSmall);
}

// In this order, so that what hoarders can take is never the last.
TEST(BodyMemoryTest, LargeOnesLeaveSomethingAndThoseOfStrangersMore) {
  const BodyMemory memory(32 * kSmall);
  std::vector<BodyMemory::Share> shares;
  const auto taken = [&](std::uint64_t size, bool isAdmitted) {
    for (int count = 0;; ++count) {
      auto share = memory.share();
      if (!share.grow(size, isAdmitted)) return count;
      shares.push_back(std::move(share));
    }
  };
  EXPECT_EQ(taken(2 * kSmall, false), 8);
  EXPECT_EQ(taken(2 * kSmall, true), 6);
  EXPECT_EQ(taken(kSmall, false), 4);
  EXPECT_EQ(taken(1, true), 0);
  shares.clear();
  EXPECT_EQ(memory.used(), 0u);
}

TEST(BodyMemoryTest, AShareOutlivesIt) {
  std::optional<BodyMemory> memory(kSmall);
  auto share = memory->share();
  EXPECT_TRUE(share.grow(1, false));
  memory.reset();
  share = {};
}

TEST(BodyMemoryTest, ThreadsTakeTurns) {
  const BodyMemory memory(4 * kSmall);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&memory] {
        for (int i = 0; i < 1000; ++i) EXPECT_TRUE(memory.share().grow(kSmall, false));
      });
  }
  EXPECT_EQ(memory.used(), 0u);
}

}  // namespace
}  // namespace pombo
