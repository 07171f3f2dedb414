#include "http/connection_cap.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace pombo {
namespace {

using Place = ConnectionCap::Place;
using Verdict = ConnectionCap::Verdict;
using std::chrono::minutes;

Verdict enter(ConnectionCap& cap, const std::string& address, std::vector<Place>& places) {
  Place place;
  const auto verdict = cap.enter(address, place);
  if (verdict == Verdict::entered) places.push_back(std::move(place));
  return verdict;
}

TEST(ConnectionCapTest, AnAddressHasSoManyAndGetsThemBack) {
  ConnectionCap cap({.all = 100, .perAddress = 2});
  std::vector<Place> places;
  EXPECT_EQ(enter(cap, "10.0.0.1", places), Verdict::entered);
  EXPECT_EQ(enter(cap, "10.0.0.1", places), Verdict::entered);
  EXPECT_EQ(enter(cap, "10.0.0.1", places), Verdict::tooManyOfAddress);
  EXPECT_EQ(enter(cap, "10.0.0.2", places), Verdict::entered);
  EXPECT_EQ(cap.inside(), 3u);
  places.erase(places.begin());
  EXPECT_EQ(enter(cap, "10.0.0.1", places), Verdict::entered);
  EXPECT_EQ(enter(cap, "10.0.0.1", places), Verdict::tooManyOfAddress);
  places.clear();
  EXPECT_EQ(cap.inside(), 0u);
}

TEST(ConnectionCapTest, OfIPv6ANetworkIsOneAddress) {
  ConnectionCap cap({.all = 100, .perAddress = 1});
  std::vector<Place> places;
  EXPECT_EQ(enter(cap, "2001:db8:1:2::1", places), Verdict::entered);
  EXPECT_EQ(enter(cap, "2001:db8:1:2:ffff::2", places), Verdict::tooManyOfAddress);
  EXPECT_EQ(enter(cap, "2001:db8:1:3::1", places), Verdict::entered);
}

TEST(ConnectionCapTest, SharedAddressesAndNoLimitCountOnlyForAll) {
  ConnectionCap shared({.all = 2, .perAddress = 1, .isShared = [](const auto& address) {
                          return address == "::1";
                        }});
  ConnectionCap unlimited({.all = 2, .perAddress = 0});
  for (auto* cap : {&shared, &unlimited}) {
    std::vector<Place> places;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(enter(*cap, "::1", places), Verdict::entered);
    EXPECT_FALSE(cap->crowded());
    EXPECT_EQ(enter(*cap, "::1", places), Verdict::entered);
    EXPECT_TRUE(cap->crowded());
    places.pop_back();
    EXPECT_FALSE(cap->crowded());
  }
}

TEST(ConnectionCapTest, BeyondAllOnlyAFewAreOnTheirWay) {
  ConnectionCap cap({.all = 10, .perAddress = 0});
  std::vector<Place> places;
  for (int i = 0; i < 1000; ++i) enter(cap, "::1", places);
  EXPECT_EQ(enter(cap, "::1", places), Verdict::full);
  EXPECT_EQ(places.size(), 74u);
}

TEST(ConnectionCapTest, APlaceMovesAndOutlivesTheCap) {
  std::optional<ConnectionCap> cap(std::in_place, ConnectionLimits{.all = 9, .perAddress = 1});
  Place place, other;
  ASSERT_EQ(cap->enter("::1", place), Verdict::entered);
  other = std::move(place);
  place = Place();
  EXPECT_EQ(cap->inside(), 1u);
  cap.reset();
  other = Place();
}

TEST(ConnectionCapTest, ThreadsComeAndGo) {
  ConnectionCap cap({.all = 1000, .perAddress = 2});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&cap, t] {
        for (int i = 0; i < 500; ++i) {
          std::vector<Place> places;
          EXPECT_EQ(enter(cap, "10.0.0." + std::to_string(t % 2), places), Verdict::entered);
        }
      });
  }
  EXPECT_EQ(cap.inside(), 0u);
}

TEST(ConnectionCapTest, TellsOfAnAddressOnceInAWhileAndOfSoManyOnly) {
  ConnectionCap cap({});
  const ConnectionCap::Time start{};
  EXPECT_TRUE(cap.mayTell("10.0.0.1", start));
  EXPECT_FALSE(cap.mayTell("10.0.0.1", start + minutes(9)));
  EXPECT_TRUE(cap.mayTell("10.0.0.2", start + minutes(9)));
  EXPECT_TRUE(cap.mayTell("10.0.0.1", start + minutes(10)));
  int told = 0;
  for (int i = 0; i < 5000; ++i) told += cap.mayTell(std::to_string(i), start + minutes(11));
  EXPECT_EQ(told, 998);
  EXPECT_TRUE(cap.mayTell("10.0.0.3", start + minutes(30)));
}

}  // namespace
}  // namespace pombo
