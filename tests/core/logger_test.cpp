#include "observe/logger.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace pombo {
namespace {

using namespace std::chrono_literals;

TEST(LineAllowance, LetsTenSecondsWorthThroughAtOnceAndCountsTheRest) {
  LineAllowance allowance(5);
  const LineAllowance::Time now(1h);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(allowance.take(now)) << i;
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(allowance.take(now)) << i;
  EXPECT_EQ(allowance.dropped(), 7u);
  EXPECT_EQ(allowance.dropped(), 0u) << "told once";
}

TEST(LineAllowance, FillsUpAtItsRateAndNoFurther) {
  LineAllowance allowance(5);
  const LineAllowance::Time now(1h);
  const auto taken = [&](LineAllowance::Time at) {
    int count = 0;
    while (allowance.take(at)) ++count;
    return count;
  };
  EXPECT_EQ(taken(now), 50);
  EXPECT_EQ(taken(now + 1s), 5);
  EXPECT_EQ(taken(now + 1s), 0) << "no time has passed";
  EXPECT_EQ(taken(now + 100s), 50);
}

std::vector<boost::json::object> linesOf(const std::function<void()>& write) {
  ::testing::internal::CaptureStderr();
  write();
  std::istringstream in(::testing::internal::GetCapturedStderr());
  std::vector<boost::json::object> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(boost::json::parse(line).as_object());
  return lines;
}

TEST(Log, ABlockThatFloodsLosesLinesAndNobodyElseDoes) {
  Log log("info", 1);
  const auto loud = log.limited("loud"), quiet = log.limited("quiet");
  std::map<std::string, std::uint64_t> dropped;
  const auto lines = linesOf([&] {
    for (int i = 0; i < 1000; ++i) loud->write(Level::error, "loud", {});
    quiet->write(Level::info, "quiet", {});
    log.of("loud")->write(Level::info, "of it", {});
    dropped = log.tellDropped();
  });
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_GE(dropped.at("loud"), 900u);
  // Ten at once, and one more for each second that this test has taken.
  const auto kept = std::count_if(lines.begin(), lines.end(),
                                  [](const auto& line) { return line.at("message") == "loud"; });
  EXPECT_EQ(static_cast<std::uint64_t>(kept) + dropped.at("loud"), 1000u);
  const auto& last = lines.back();
  EXPECT_EQ(lines[lines.size() - 2].at("message"), "of it");
  EXPECT_EQ(lines[lines.size() - 3].at("message"), "quiet");
  EXPECT_EQ(last.at("message"), "Log lines were dropped");
  EXPECT_EQ(last.at("level"), "warn");
  EXPECT_EQ(last.at("block"), "loud");
  EXPECT_EQ(last.at("lines").to_number<std::uint64_t>(), dropped.at("loud"));
  EXPECT_TRUE(linesOf([&] { EXPECT_TRUE(log.tellDropped().empty()); }).empty());
}

TEST(Log, TwoLoggersOfOneBlockShareItsAllowance) {
  Log log("info", 1);
  linesOf([&] {
    for (int i = 0; i < 10; ++i) log.limited("loud")->write(Level::info, "line", {});
    for (int i = 0; i < 100; ++i) log.limited("loud")->write(Level::info, "line", {});
    EXPECT_GE(log.tellDropped()["loud"], 90u);
  });
}

TEST(Log, WhatTheLevelLeavesOutCostsNothing) {
  Log log("warn", 1);
  const auto block = log.limited("block");
  const auto lines = linesOf([&] {
    for (int i = 0; i < 100; ++i) block->write(Level::info, "unseen", {});
    block->write(Level::warn, "seen", {});
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("message"), "seen");
  EXPECT_TRUE(log.tellDropped().empty());
}

TEST(Log, ALineOfGreatLengthIsCut) {
  Log log("info");
  std::string message = "x";
  while (message.size() < 1'000'000) message += "é";  // the cut falls inside of one
  const auto lines = linesOf([&] {
    log.limited("block")->write(Level::info, message, {});
    log.limited("block")->write(Level::info, "short", {{"long", message}});
    log.limited("block")->write(Level::info, "short", {{"long", "not so long"}});
  });
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(boost::json::value_to<std::string>(lines[0].at("message")), message.substr(0, 1023));
  EXPECT_GT(lines[0].at("cutFrom").to_number<std::size_t>(), message.size());
  EXPECT_EQ(lines[1].at("message"), "short");
  EXPECT_FALSE(lines[1].contains("long"));
  EXPECT_TRUE(lines[1].contains("cutFrom"));
  EXPECT_EQ(lines[2].at("long"), "not so long");
  EXPECT_FALSE(lines[2].contains("cutFrom"));
}

}  // namespace
}  // namespace pombo
