#include <gtest/gtest.h>

#include "event/delivery_queue.hpp"
#include "event/schedule.hpp"
#include "event/timeline.hpp"
#include "event/window.hpp"

namespace pombo {
namespace {

constexpr Millis kHour = 3'600'000, kDay = 24 * kHour, kYears = 3652 * kDay;

class Fixed final : public Random {
 public:
  explicit Fixed(double value) : value_(value) {}
  double unit() override { return value_; }

 private:
  const double value_;
};

const QueueRules kRules{{5'000, 30'000, kDay}, 8};

std::optional<Millis> next(int attempts, double dice, std::optional<Millis> notBefore = {}) {
  Fixed random(dice);
  return nextAttempt(kRules, attempts, 1'000, notBefore, random);
}

TEST(EventSchedule, EachWaitIsItsOwnWithinAFifth) {
  EXPECT_EQ(next(1, 0), 1'000 + 4'000);
  EXPECT_EQ(next(1, 0.5), 1'000 + 5'000);
  EXPECT_EQ(next(2, 1), 1'000 + 36'000);
  EXPECT_EQ(next(3, 0.5), 1'000 + kDay);
}

TEST(EventSchedule, AfterTheLastWaitThereIsNoFurtherAttempt) {
  EXPECT_EQ(next(4, 0.5), std::nullopt);
  Fixed random(0);
  EXPECT_EQ(nextAttempt({{}, 8}, 1, 0, {}, random), std::nullopt);
}

TEST(EventSchedule, WhatTheEndpointAskedForMakesAWaitLongerAndNeverShorter) {
  EXPECT_EQ(next(1, 0.5, 1'000 + 60'000), 1'000 + 60'000);
  EXPECT_EQ(next(1, 0.5, 1'000 + 2'000), 1'000 + 5'000);
  EXPECT_EQ(next(1, 0.5, -5), 1'000 + 5'000);
}

TEST(EventSchedule, NobodyMakesUsWaitForMoreThanADay) {
  EXPECT_EQ(next(1, 0.5, kNever), 1'000 + kDay);
  EXPECT_EQ(next(3, 1, kNever), 1'000 + kDay * 12 / 10) << "the schedule itself may";
}

// With a delivery, 9, that waits for its first attempt.
class OneQueue {
 public:
  OneQueue(const std::string& destination, const QueueRules& rules)
      : rules_(rules), queue({{1, {{"i-1"}, "hook", destination}}}, false, limits_) {
    queue.serve(&rules_);
    queue.announced(9);
    queue.enqueued({.id = 9, .place = 9});
  }
  Settlement fails(Millis now) { return queue.answered(9, {Outcome::retry}, now, random_); }

 private:
  const PipelineLimits limits_;
  const QueueRules rules_;
  Fixed random_{0.5};

 public:
  DeliveryQueue queue;
};

// Until it is dead, or for so many.
std::vector<Millis> waitsOf(const std::string& destination, const QueueRules& rules,
                            std::size_t most) {
  OneQueue one(destination, rules);
  std::vector<Millis> waits;
  for (Millis now = 0; waits.size() < most; now = one.queue.dueAt()) {
    EXPECT_TRUE(one.queue.startable(now));
    one.queue.start(now);
    const auto settlement = one.fails(now);
    one.queue.settled(settlement);
    if (settlement.status != DeliveryStatus::pending) break;
    waits.push_back(settlement.delivery.dueAt - now);
  }
  return waits;
}

TEST(DeliveryQueue, WhatNobodyHasSaidWhoWantsIsNeverGivenUp) {
  using Waits = std::vector<Millis>;
  EXPECT_EQ(waitsOf("default", kRules, 10), (Waits{5'000, 30'000, kDay}));
  EXPECT_EQ(waitsOf(kUnrouted, kRules, 6), (Waits{5'000, 30'000, kDay, kDay, kDay, kDay}));
  EXPECT_EQ(waitsOf("default", {{}, 8}, 3), Waits());
  EXPECT_EQ(waitsOf(kUnrouted, {{}, 8}, 3), (Waits{60'000, 60'000, 60'000}));
}

TEST(DeliveryQueue, UnlessItIsBuried) {
  OneQueue one(kUnrouted, kRules);
  one.queue.start(0);
  one.queue.bury(9, "gone");
  const auto settlement = one.fails(0);
  EXPECT_EQ(settlement.status, DeliveryStatus::dead);
  EXPECT_EQ(settlement.reason, "gone");
}

TEST(Timeline, AWallClockThatIsSetMovesNothing) {
  const Timeline time({1'000'000, 500, "a"}, {});
  EXPECT_EQ(time.at({1'000'000, 500, "a"}), 1'000'000);
  EXPECT_EQ(time.at({1'000'000 + kYears, 600, "a"}), 1'000'100);
  EXPECT_EQ(time.at({1'000'000 - kYears, 700, "a"}), 1'000'200);
}

TEST(Timeline, NorAcrossARestartInTheSameBoot) {
  const Timeline before({1'000'000, 500, "a"}, {});
  const auto anchor = before.anchor({1'000'100, 600, "a"});
  for (const Millis wall : {kYears, Millis{0}, Millis{1'000'300}}) {
    const Timeline after({wall, 800, "a"}, anchor);
    EXPECT_EQ(after.at({wall, 800, "a"}), 1'000'300);
  }
}

TEST(Timeline, AfterAnotherBootTheWallIsBelievedUnlessItWentBack) {
  const TimeAnchor anchor{1'000'000, 500, "a"};
  EXPECT_EQ(Timeline({1'200'000, 20, "b"}, anchor).at({1'200'000, 20, "b"}), 1'200'000);
  EXPECT_EQ(Timeline({5, 20, "b"}, anchor).at({5, 20, "b"}), 1'000'000);
  EXPECT_EQ(Timeline({5, 20, ""}, TimeAnchor{9, 10, ""}).at({5, 20, ""}), 9) << "no boot is known";
}

TEST(Timeline, ShowsTimesByTheWallAsItIs) {
  const Timeline time({1'000'000, 500, "a"}, {});
  const Moment later{2'000'000, 600, "a"};
  EXPECT_EQ(time.toWall(1'000'100, later), 2'000'000);
  EXPECT_EQ(time.fromWall(2'000'050, later), 1'000'150);
}

TEST(Timeline, TheMachineHasOne) {
  const auto first = currentMoment(), second = currentMoment();
  EXPECT_FALSE(first.boot.empty());
  EXPECT_EQ(first.boot, second.boot);
  EXPECT_LE(first.sinceBoot, second.sinceBoot);
  EXPECT_GT(first.wall, 1'700'000'000'000);
}

using Rows = Window<int>;

std::vector<int> allOf(Rows& window) {
  std::vector<int> all;
  while (!window.empty()) all.push_back(window.pop());
  return all;
}

TEST(Window, OfAnEmptyStoreHasWhatComes) {
  Rows window(2, false);
  EXPECT_FALSE(window.wantsLoad());
  for (const int row : {3, 1, 2}) EXPECT_FALSE(window.insert({row, 0}, row));
  EXPECT_EQ(allOf(window), (std::vector<int>{1, 2, 3}));
}

TEST(Window, KeepsTheFirstRowsOnlyAndReadsOn) {
  Rows window(2, false);
  for (const int row : {1, 2, 3, 4}) window.insert({row, 0}, row);
  EXPECT_EQ(window.insert({5, 0}, 5), 5);
  EXPECT_EQ(window.insert({0, 0}, 0), 4) << "makes room for one in front";
  EXPECT_EQ(window.insert({6, 0}, 6), 6) << "is behind the bound";
  EXPECT_EQ(allOf(window), (std::vector<int>{0, 1, 2, 3}));
  ASSERT_TRUE(window.wantsLoad());
  window.beginLoad();
  window.load({{{4, 0}, 4}, {{5, 0}, 5}}, Rows::Key{5, 0});
  EXPECT_EQ(allOf(window), (std::vector<int>{4, 5}));
  ASSERT_TRUE(window.wantsLoad());
  window.beginLoad();
  window.load({{{6, 0}, 6}}, {});
  EXPECT_FALSE(window.wantsLoad()) << "there are no more";
  EXPECT_EQ(allOf(window), std::vector<int>{6});
}

TEST(Window, WhatComesWhileItReadsIsNotForgotten) {
  Rows window(2, true);
  EXPECT_EQ(window.insert({1, 0}, 1), 1);
  window.beginLoad();
  EXPECT_EQ(window.insert({7, 0}, 7), 7) << "the read under way has not seen it";
  window.load({{{1, 0}, 1}}, {});
  EXPECT_EQ(allOf(window), std::vector<int>{1});
  ASSERT_TRUE(window.wantsLoad());
  window.beginLoad();
  window.load({{{7, 0}, 7}}, {});
  EXPECT_EQ(allOf(window), std::vector<int>{7});
  EXPECT_FALSE(window.wantsLoad());
}

TEST(Window, DoesNotBelieveAReadThatBeganBeforeItsDoubts) {
  Rows window(2, false);
  window.distrust();
  window.beginLoad();
  window.distrust();
  window.load({{{1, 0}, 1}}, {});
  EXPECT_TRUE(window.empty());
  window.beginLoad();
  window.load({{{1, 0}, 1}, {{2, 0}, 2}}, {});
  EXPECT_EQ(allOf(window), (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace pombo
