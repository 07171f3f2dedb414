#include "http/listen_address.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace pombo {
namespace {

TEST(ListenAddress, isHostAndPort) {
  EXPECT_EQ(parseListenAddress("[::]:8080"), (ListenAddress{"::", 8080}));
  EXPECT_EQ(parseListenAddress("127.0.0.1:0"), (ListenAddress{"127.0.0.1", 0}));
  EXPECT_EQ(parseListenAddress("localhost:65535"), (ListenAddress{"localhost", 65535}));
  for (const auto* wrong : {"", "8080", ":8080", "a:", "a:65536", "a:+1", "a:1x", "::1:80", "[::1]",
                            "[::1:80", "[a]:80", "[]:80"}) {
    EXPECT_THROW(parseListenAddress(wrong), std::runtime_error) << wrong;
  }
}

}  // namespace
}  // namespace pombo
