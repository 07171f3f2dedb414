#include "instance/limits.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

namespace pombo {
namespace {

using std::chrono::milliseconds;

// A clock that says what the test wants starts somewhere, not at zero.
constexpr std::int64_t kStart = 1'000'000;

int passes(Limits& limits, const std::string& bucket, int limit, std::int64_t now, int tries) {
  int passed = 0;
  for (int i = 0; i < tries; ++i) passed += limits.take(bucket, limit, now).passes;
  return passed;
}

TEST(Limits, TheTwentyFirstInAnySixtySecondsIsRefused) {
  Limits limits;
  EXPECT_EQ(passes(limits, "a", 20, kStart, 21), 20);
  EXPECT_FALSE(limits.take("a", 20, kStart + 59'999).passes);
  EXPECT_TRUE(limits.take("a", 20, kStart + 60'000).passes);
}

TEST(Limits, ThereIsNoEdgeAtWhichTwiceAsManySlipThrough) {
  Limits limits;
  // Twenty at the end of one clock minute; none more until the first of them is a minute old.
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(limits.take("a", 20, 59'000 + i * 10).passes);
  EXPECT_EQ(passes(limits, "a", 20, 60'000, 20), 0);
  EXPECT_EQ(passes(limits, "a", 20, 118'999, 20), 0);
  EXPECT_EQ(passes(limits, "a", 20, 119'000, 20), 1);
  EXPECT_EQ(passes(limits, "a", 20, 119'010, 20), 1);
}

TEST(Limits, InNoWindowOfAMinuteDoMorePass) {
  Limits limits;
  std::mt19937 random(7);
  std::vector<std::int64_t> passed;
  std::int64_t now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    now += random() % 400;
    const bool expected = passed.size() < 50 || passed[passed.size() - 50] <= now - Limits::kWindow;
    const bool passing = limits.take("a", 50, now).passes;
    ASSERT_EQ(passing, expected) << "request " << i;
    if (passing) passed.push_back(now);
  }
  EXPECT_GT(passed.size(), 1000u);
}

TEST(Limits, ARefusedRequestConsumesNothing) {
  Limits limits;
  passes(limits, "a", 5, kStart, 5);
  EXPECT_EQ(passes(limits, "a", 5, kStart + 30'000, 1000), 0);
  EXPECT_EQ(passes(limits, "a", 5, kStart + 60'000, 10), 5);
}

TEST(Limits, BucketsDoNotKnowEachOther) {
  Limits limits;
  EXPECT_EQ(passes(limits, "a", 3, kStart, 5), 3);
  EXPECT_EQ(passes(limits, "b", 3, kStart, 5), 3);
}

TEST(Limits, RemainingIsWhatWouldPassRightNow) {
  Limits limits;
  for (int left = 4; left >= 0; --left) {
    const auto answer = limits.take("a", 5, kStart);
    EXPECT_TRUE(answer.passes);
    EXPECT_EQ(answer.limit, 5);
    EXPECT_EQ(answer.remaining, left);
  }
  const auto refused = limits.take("a", 5, kStart);
  EXPECT_FALSE(refused.passes);
  EXPECT_EQ(refused.remaining, 0);
}

TEST(Limits, WithSomeLeftResetIsWhenTheOldestIsForgotten) {
  Limits limits;
  EXPECT_EQ(limits.take("a", 5, kStart).reset, milliseconds(60'000));
  EXPECT_EQ(limits.take("a", 5, kStart + 10'000).reset, milliseconds(50'000));
  EXPECT_EQ(limits.take("a", 5, kStart + 60'000).reset, milliseconds(10'000));
}

TEST(Limits, WithNoneLeftResetIsWhenOneMorePasses) {
  Limits limits;
  limits.take("a", 3, kStart);
  limits.take("a", 3, kStart + 1'000);
  EXPECT_EQ(limits.take("a", 3, kStart + 2'000).reset, milliseconds(58'000));
  const auto refused = limits.take("a", 3, kStart + 3'000);
  EXPECT_EQ(refused.reset, milliseconds(57'000));
  EXPECT_FALSE(limits.take("a", 3, kStart + 3'000 + refused.reset.count() - 1).passes);
  EXPECT_TRUE(limits.take("a", 3, kStart + 3'000 + refused.reset.count()).passes);
}

TEST(Limits, AfterALimitWasLoweredResetStillTellsTheTruth) {
  Limits limits;
  for (int i = 0; i < 10; ++i) limits.take("a", 10, kStart + i * 1'000);
  // Of ten, three may stay below a limit of four: seven have to be forgotten, the last at 6,000.
  const auto refused = limits.take("a", 4, kStart + 10'000);
  EXPECT_FALSE(refused.passes);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(refused.reset, milliseconds(56'000));
  EXPECT_FALSE(limits.take("a", 4, kStart + 65'999).passes);
  EXPECT_TRUE(limits.take("a", 4, kStart + 66'000).passes);
}

TEST(Limits, ARaisedLimitHoldsAtOnce) {
  Limits limits;
  EXPECT_EQ(passes(limits, "a", 3, kStart, 5), 3);
  EXPECT_EQ(passes(limits, "a", 5, kStart, 5), 2);
}

TEST(Limits, ALimitOfNothingLetsNothingThrough) {
  Limits limits;
  const auto answer = limits.take("a", 0, kStart);
  EXPECT_FALSE(answer.passes);
  EXPECT_EQ(answer.remaining, 0);
}

TEST(Limits, ChangesAreToldOnceWithTheirAges) {
  Limits limits;
  limits.take("a", 9, kStart);
  limits.take("a", 9, kStart);
  limits.take("a", 9, kStart + 5'000);
  const auto first = limits.changes(kStart + 6'000);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].bucket, "a");
  EXPECT_EQ(first[0].calls, (std::vector<std::pair<std::int64_t, int>>{{6'000, 2}, {1'000, 1}}));
  EXPECT_TRUE(limits.changes(kStart + 7'000).empty());
}

TEST(Limits, ABucketThatIsForgottenIsToldOnceWithoutCalls) {
  Limits limits;
  limits.take("a", 9, kStart);
  limits.changes(kStart);
  const auto gone = limits.changes(kStart + 60'000);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].bucket, "a");
  EXPECT_TRUE(gone[0].calls.empty());
  EXPECT_TRUE(limits.changes(kStart + 60'001).empty());
}

TEST(Limits, ABucketThatWasOnlyRefusedIsNotKept) {
  Limits limits;
  limits.take("a", 0, kStart);
  EXPECT_TRUE(limits.changes(kStart).empty());
}

TEST(Limits, ARestartHandsOutNoFreshWindow) {
  Limits before;
  for (int i = 0; i < 20; ++i) before.take("a", 20, kStart + i * 100);
  Limits after;
  const std::int64_t elsewhere = 5'000;  // another monotonic clock
  for (const auto& saved : before.changes(kStart + 2'000)) after.restore(saved, elsewhere);
  // The first call was 2,000 ms old when it was saved.
  EXPECT_EQ(passes(after, "a", 20, elsewhere, 5), 0);
  EXPECT_EQ(passes(after, "a", 20, elsewhere + 57'999, 5), 0);
  EXPECT_EQ(passes(after, "a", 20, elsewhere + 58'000, 5), 1);
}

TEST(Limits, WhatWasRestoredAndHasNotChangedIsNotToldAgain) {
  Limits limits;
  limits.restore({"a", {{1'000, 3}}}, kStart);
  EXPECT_TRUE(limits.changes(kStart).empty());
  EXPECT_EQ(limits.changes(kStart + 59'000).size(), 1u) << "its calls are forgotten by now";
}

TEST(Limits, WhatHadPassedAwayMeanwhileIsToldSoThatItIsDeleted) {
  Limits limits;
  limits.restore({"a", {}}, kStart);
  const auto gone = limits.changes(kStart);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_TRUE(gone[0].calls.empty());
}

TEST(Limits, ALargeBucketIsSavedInStepsThatNeverFavourTheClient) {
  constexpr int kCalls = 5'000;
  Limits before;
  for (int i = 0; i < kCalls; ++i) before.take("a", 1'000'000, kStart + i * 7);
  const auto saves = before.changes(kStart + kCalls * 7);
  ASSERT_EQ(saves.size(), 1u);
  EXPECT_LE(saves[0].calls.size(), 600u);
  int total = 0;
  std::int64_t last = Limits::kWindow;
  for (const auto& [age, count] : saves[0].calls) {
    EXPECT_LT(age, last) << "oldest first";
    last = age;
    total += count;
  }
  EXPECT_EQ(total, kCalls);
  Limits after;
  after.restore(saves[0], kStart + kCalls * 7);
  // Whenever one asks, the restored bucket has at least as many calls left as the true one.
  for (std::int64_t now = kStart + kCalls * 7; now < kStart + kCalls * 7 + 61'000; now += 333)
    EXPECT_LE(after.take("a", kCalls + 1'000, now).remaining,
              before.take("a", kCalls + 1'000, now).remaining);
}

TEST(Limits, TensOfThousandsOfBucketsComeAndGo) {
  Limits limits;
  for (int i = 0; i < 50'000; ++i) limits.take("ip:" + std::to_string(i), 100, kStart);
  EXPECT_EQ(limits.changes(kStart).size(), 50'000u);
  EXPECT_EQ(limits.changes(kStart + 60'000).size(), 50'000u);
  EXPECT_TRUE(limits.changes(kStart + 60'001).empty());
}

TEST(Limits, InParallelNeverMoreThanTheLimitPass) {
  Limits limits;
  std::atomic<int> passed{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          passed += limits.take("a", 100, kStart + i % 10).passes;
          limits.take("b" + std::to_string(i % 7), 10, kStart);
          if (i % 100 == 0) limits.changes(kStart);
        }
      });
  }
  EXPECT_EQ(passed, 100);
}

}  // namespace
}  // namespace pombo
