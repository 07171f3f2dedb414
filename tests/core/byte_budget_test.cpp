#include "event/byte_budget.hpp"

#include <gtest/gtest.h>

#include <future>

namespace pombo {
namespace {

constexpr std::uint64_t kUnit = 200 << 10;  // bytes of a large body

class ByteBudgetTest : public ::testing::Test {
 protected:
  using Names = std::vector<std::string>;

  ~ByteBudgetTest() override { budget_.close(); }  // nobody goes when the bodies do

  // What has room goes among the bodies under its name, in the order in which it went.
  void take(const std::string& whose, const std::string& name, std::uint64_t bytes) {
    budget_.take({whose}, bytes, [this, name](std::shared_ptr<ByteBudget::Share> share) {
      went_.push_back(share ? name : "not " + name);
      bodies_[name] = std::move(share);
    });
  }
  void give(const std::string& name) { bodies_.extract(name); }
  Names went() { return std::exchange(went_, {}); }

  ByteBudget budget_{10 * kUnit};
  Names went_;
  std::map<std::string, std::shared_ptr<ByteBudget::Share>> bodies_;
};

TEST_F(ByteBudgetTest, WhatIsBeyondWhatIsLeftWaits) {
  for (const auto* whose : {"a", "b", "c", "d", "e"}) take(whose, whose, 2 * kUnit);
  take("f", "f", kUnit);
  EXPECT_EQ(went(), (Names{"a", "b", "c", "d", "e"}));
  give("b");
  EXPECT_EQ(went(), Names{"f"});
}

TEST_F(ByteBudgetTest, SmallOnesAreCountedAndNeverWait) {
  for (int i = 0; i < 32; ++i) take("s", std::to_string(i), ByteBudget::kSmall);  // 2,048 KiB
  EXPECT_EQ(went().size(), 32u);
  take("a", "first", kUnit);
  EXPECT_EQ(went(), Names{"first"}) << "there is no other large one to wait for";
  take("b", "second", kUnit);
  EXPECT_EQ(went(), Names{});
  for (int i = 0; i < 8; ++i) give(std::to_string(i));
  EXPECT_EQ(went(), Names{"second"});
}

TEST_F(ByteBudgetTest, OneThatTurnsOutToBeLargeCountsAsLarge) {
  take("liar", "small", 1);
  bodies_.at("small")->resize(3 * kUnit);
  take("liar", "large", kUnit);
  EXPECT_EQ(went(), Names{"small"}) << "it has had its quarter";
  give("small");
  EXPECT_EQ(went(), Names{"large"});
}

TEST_F(ByteBudgetTest, OneThatIsLargerThanTheWholeGoesAlone) {
  take("a", "a", kUnit);
  take("b", "giant", 11 * kUnit);
  take("c", "c", kUnit);
  EXPECT_EQ(went(), Names{"a"}) << "nobody passes who would make it wait for ever";
  give("a");
  EXPECT_EQ(went(), Names{"giant"});
  give("giant");
  EXPECT_EQ(went(), Names{"c"});
}

TEST_F(ByteBudgetTest, OneInstanceLeavesThreeQuartersToOthers) {
  for (int i = 0; i < 4; ++i) take("greedy", "greedy" + std::to_string(i), kUnit);
  EXPECT_EQ(went(), (Names{"greedy0", "greedy1"}));
  take("other", "other", 2 * kUnit);
  EXPECT_EQ(went(), Names{"other"});
  give("greedy0");
  EXPECT_EQ(went(), Names{"greedy2"});
}

TEST_F(ByteBudgetTest, InstancesTakeTurns) {
  for (const auto* whose : {"a", "b", "c", "d", "e"}) take(whose, whose, 2 * kUnit);
  for (const auto* name : {"f1", "f2", "f3"}) take("f", name, kUnit / 2);
  for (const auto* name : {"g1", "g2"}) take("g", name, kUnit / 2);
  went();
  give("a");
  EXPECT_EQ(went(), (Names{"f1", "g1", "f2", "g2"}));
  give("b");
  EXPECT_EQ(went(), Names{"f3"});
}

TEST_F(ByteBudgetTest, WhatTurnsOutToBeLargerOrSmallerIsCountedSo) {
  take("a", "a", 2 * kUnit);
  bodies_["a"]->resize(10 * kUnit);
  take("b", "b", 2 * kUnit);
  EXPECT_EQ(went(), Names{"a"});
  bodies_["a"]->resize(8 * kUnit);
  EXPECT_EQ(went(), Names{"b"});
  take("c", "c", kUnit);
  give("a");
  EXPECT_EQ(went(), Names{"c"});
  for (const auto* whose : {"d", "e", "f"}) take(whose, whose, 2 * kUnit);
  take("g", "g", 2 * kUnit);
  EXPECT_EQ(went(), (Names{"d", "e", "f"})) << "as much is taken as is there";
}

TEST_F(ByteBudgetTest, WhenItIsClosedNobodyWaits) {
  take("a", "a", kUnit);
  take("b", "b", 10 * kUnit);
  auto waiting = std::async(std::launch::async, [&] { return budget_.await({"c"}, 10 * kUnit); });
  budget_.close();
  EXPECT_EQ(waiting.get(), nullptr);
  take("d", "d", 1);
  EXPECT_EQ(went(), (Names{"a", "not b", "not d"}));
}

TEST_F(ByteBudgetTest, ACallerIsHeldUntilThereIsRoom) {
  take("a", "a", 10 * kUnit);
  auto waiting = std::async(std::launch::async, [&] { return budget_.await({"b"}, kUnit); });
  give("a");
  EXPECT_NE(waiting.get(), nullptr);
}

}  // namespace
}  // namespace pombo
