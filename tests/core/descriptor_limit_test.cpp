#include "http/descriptor_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <climits>

namespace pombo {
namespace {

TEST(DescriptorLimitTest, TheSoftLimitBecomesTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{before.rlim_max / 2, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raiseDescriptorLimit(), std::min<rlim_t>(before.rlim_max, INT_MAX));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(DescriptorLimitTest, ConnectionsLeaveTheServerItsOwn) {
  EXPECT_EQ(connectionsWithin(20'000, 900, 16'384), 16'384u);
  EXPECT_EQ(connectionsWithin(10'000, 900, 16'384), 9'100u);
  EXPECT_EQ(connectionsWithin(1'024, 900, 16'384), 512u);
}

}  // namespace
}  // namespace pombo
