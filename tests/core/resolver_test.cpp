#include "net/resolver.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace pombo {
namespace {

bool hasLoopback(const std::vector<Address>& found) {
  const auto loopback = cidrOf("127.0.0.0/8").value();
  return std::any_of(found.begin(), found.end(),
                     [&](const Address& each) { return loopback.contains(each); });
}

// A name of the hosts file: nobody is asked.
TEST(Resolver, KnowsWhatTheSystemKnows) {
  EXPECT_TRUE(hasLoopback(Resolver(std::chrono::minutes(1))("localhost")));
}

TEST(Resolver, GivesAPlaceBackBeforeItAnswers) {
  const Resolver one(std::chrono::minutes(1), 1);
  const Resolver same = one;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(hasLoopback((i % 2 ? one : same)("localhost"))) << i;
}

TEST(Resolver, WithoutAPlaceNothingResolves) {
  EXPECT_TRUE(Resolver(std::chrono::minutes(1), 0)("localhost").empty());
}

}  // namespace
}  // namespace pombo
