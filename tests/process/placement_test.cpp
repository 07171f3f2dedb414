#include "process/placement.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace pombo {
namespace {

using namespace std::chrono_literals;

constexpr auto kInARow = 300s;
const Placement::Clock::time_point kStart = Placement::Clock::now();

InstanceId numbered(int number) { return {"i-" + std::to_string(number)}; }

// Every process that has a bad one is asked for all that it has, and ends; until each is alone.
class Halving {
 public:
  Halving(int instances, std::set<int> bad) : instances_(instances), bad_(std::move(bad)) {}

  int ends() const { return ends_; }
  int made() const { return made_; }
  void run() {
    for (bool again = true; again && ends_ < 1000;) {
      again = false;
      for (const int each : bad_) again = end(placement_.placeOf(numbered(each))) || again;
    }
  }
  std::set<int> in(int process) const {
    std::set<int> all;
    for (int i = 0; i < instances_; ++i)
      if (placement_.placeOf(numbered(i)) == process) all.insert(i);
    return all;
  }
  int placeOf(int instance) const { return placement_.placeOf(numbered(instance)); }

 private:
  // Whether somebody had to leave it, or has to at the next end.
  bool end(int process) {
    for (const int each : in(process)) EXPECT_TRUE(placement_.ask(process, numbered(each)));
    const auto leaving = placement_.ended(process, kStart);
    if (++ends_ == 1) return leaving.empty();
    if (leaving.empty()) return false;
    placement_.move(leaving, process, ++made_, kStart);
    return true;
  }

  const int instances_;
  const std::set<int> bad_;
  Placement placement_{1, kInARow};
  int ends_ = 0, made_ = 0;
};

TEST(Placement, WhoeverEndsProcessesIsAloneAfterAsManyEndsAsItCanBeHalved) {
  for (const int instances : {2, 3, 24, 1000})
    for (const auto& bad : {std::set<int>{0}, std::set<int>{instances - 1}, std::set<int>{0, 1}}) {
      Halving halving(instances, bad);
      halving.run();
      for (const int each : bad)
        EXPECT_EQ(halving.in(halving.placeOf(each)), std::set<int>{each}) << instances;
      const int most =
          static_cast<int>(bad.size()) * (1 + static_cast<int>(std::ceil(std::log2(instances))));
      EXPECT_LE(halving.made(), most) << instances;
      EXPECT_LE(halving.ends(), 1 + most + static_cast<int>(bad.size())) << instances;
    }
}

TEST(Placement, WhoWasNotAskedForInThisLifeStays) {
  Placement placement(1, kInARow);
  for (int i = 0; i < 8; ++i) placement.ask(0, numbered(i));
  EXPECT_TRUE(placement.ended(0, kStart).empty());
  for (const int i : {6, 1, 3, 5}) placement.ask(0, numbered(i));
  placement.told(0, numbered(1));
  placement.told(0, numbered(7));
  EXPECT_EQ(placement.ended(0, kStart), (std::vector{numbered(1), numbered(5)}))
      << "half, those heard of last";
}

TEST(Placement, WhoeverWasAskedForInAnEarlierLifeIsToBeSaved) {
  Placement placement(1, kInARow);
  placement.ask(0, numbered(0));
  placement.ask(0, numbered(1));
  placement.ended(0, kStart);
  placement.ask(0, numbered(1));
  EXPECT_EQ(placement.ended(0, kStart), (std::vector{numbered(1)}));
}

TEST(Placement, NobodyLeavesWhereNobodyIsToBeSaved) {
  Placement placement(1, kInARow);
  placement.ask(0, numbered(0));
  placement.ask(0, numbered(1));
  placement.forget(numbered(1));
  placement.ended(0, kStart);
  placement.ask(0, numbered(0));
  EXPECT_TRUE(placement.ended(0, kStart).empty());
}

TEST(Placement, AnEndLongAfterTheOneBeforeIsNotInARow) {
  Placement placement(1, kInARow);
  for (auto now = kStart; now < kStart + 5 * kInARow; now += kInARow) {
    placement.ask(0, numbered(0));
    placement.ask(0, numbered(1));
    EXPECT_TRUE(placement.ended(0, now).empty());
  }
}

TEST(Placement, OneWhoHasLeftIsAskedForInTheOtherAlone) {
  Placement placement(1, kInARow);
  placement.ask(0, numbered(0));
  placement.ask(0, numbered(1));
  placement.move({numbered(1)}, 0, 1, kStart);
  EXPECT_FALSE(placement.ask(0, numbered(1)));
  EXPECT_TRUE(placement.ask(1, numbered(1)));
  const auto its = placement.itsOf(1);
  EXPECT_TRUE(its(numbered(1)) && !its(numbered(0)));
}

TEST(Placement, AProcessWhoseInstancesAreDeletedIsForOthersUnlessItHasEnded) {
  Placement placement(1, kInARow);
  for (int i = 0; i < 4; ++i) placement.ask(0, numbered(i));
  placement.move({numbered(0), numbered(1)}, 0, 1, kStart);
  placement.move({numbered(2)}, 0, 2, kStart);
  placement.ended(2, kStart);
  placement.forget(numbered(2));
  placement.forget(numbered(0));
  EXPECT_EQ(placement.takeSpare(), std::nullopt);
  placement.forget(numbered(1));
  EXPECT_EQ(placement.takeSpare(), 1);
  EXPECT_EQ(placement.takeSpare(), std::nullopt) << "it is somebody's by now";
  EXPECT_EQ(placement.placeOf(numbered(0)), 0);
}

TEST(Placement, AProcessThatEndsWithoutAnybodyIsForNobody) {
  Placement placement(1, kInARow);
  placement.ask(0, numbered(0));
  placement.move({numbered(0)}, 0, 1, kStart);
  placement.forget(numbered(0));
  placement.ended(1, kStart);
  EXPECT_EQ(placement.takeSpare(), std::nullopt);
  placement.ask(0, numbered(1));
  placement.forget(numbered(1));
  placement.ended(2, kStart);
  placement.move({numbered(1)}, 0, 2, kStart);
  EXPECT_EQ(placement.takeSpare(), std::nullopt) << "it has ended before anybody came";
}

TEST(Placement, WhoIsDeletedMeanwhileIsNotMoved) {
  Placement placement(1, kInARow);
  placement.ask(0, numbered(0));
  placement.forget(numbered(0));
  placement.move({numbered(0)}, 0, 1, kStart);
  EXPECT_EQ(placement.placeOf(numbered(0)), 0);
  EXPECT_EQ(placement.takeSpare(), 1);
}

}  // namespace
}  // namespace pombo
