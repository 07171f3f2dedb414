#include <gtest/gtest.h>

#include <pombo/testing/fake_host.hpp>

using namespace pombo;

namespace {

struct LoopbackTest : ::testing::Test {
  FakeHost host;
  std::unique_ptr<IBlockConfigurator> block{pombo_create()};
  const Instance shop{{"i-1"}, {"a-1"}, "shop", "loopback", "", "", {}};

  void SetUp() override { block->start(host); }
  IConnector& connector() { return *block->connector(); }
  Code refusalOf(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code;
    }
    throw std::logic_error("not refused");
  }
};

}  // namespace

TEST_F(LoopbackTest, LinkingSucceedsAtOnceAndIsTold) {
  EXPECT_EQ(connector().connect(shop, {}), (Link{Link::Kind::connected}));
  ASSERT_EQ(host.published.size(), 1u);
  EXPECT_EQ(host.published[0].type, "instance.state");
  EXPECT_EQ(host.published[0].data, (Json{{"state", "connected"}}));
  EXPECT_TRUE(connector().profile(shop).available);
}

TEST_F(LoopbackTest, WhatIsSentComesBack) {
  connector().connect(shop, {});
  connector().perform(shop, "message.text", {{"text", "Hi"}});
  EXPECT_EQ(host.published.back().type, "message.exchange");
  EXPECT_EQ(host.published.back().data, (Json{{"text", "Hi"}}));
}

TEST_F(LoopbackTest, WhatCannotBeDoneIsRefusedByItsCode) {
  const auto send = [&] { connector().perform(shop, "message.text", {}); };
  EXPECT_EQ(refusalOf(send), Code::unavailable);
  EXPECT_EQ(refusalOf([&] { connector().reconnect(shop, {}); }), Code::invalid);
  EXPECT_EQ(refusalOf([&] { connector().perform(shop, "group.create", {}); }), Code::unsupported);
  connector().connect(shop, {});
  host.accepting = false;
  EXPECT_EQ(refusalOf(send), Code::unavailable) << "events are not accepted";
}

TEST_F(LoopbackTest, ASessionEndsWithALogout) {
  connector().connect(shop, {});
  connector().disconnect(shop);
  connector().reconnect(shop, {});
  connector().logout(shop);
  EXPECT_EQ(block->summary(shop), (Json{{"linked", false}}));
  EXPECT_EQ(refusalOf([&] { connector().reconnect(shop, {}); }), Code::invalid);
}
