#include <gtest/gtest.h>

#include <pombo/testing/fake_host.hpp>

using namespace pombo;

namespace {

const std::string kUrl = "https://shop.test/messages";

struct EchoTest : ::testing::Test {
  FakeHost host;
  std::unique_ptr<IBlockConfigurator> block{pombo_create()};
  const Instance shop{{"i-1"}, {"a-1"}, "shop", "", "", "", {}};
  const Event message{
      .id = "event-1", .type = "message.exchange", .instance = {"i-1"}, .data = {{"text", "Hi"}}};

  void SetUp() override { block->start(host); }
  void configure(const Json& slice) { block->configure(shop, Fields(slice)); }
  Verdict verdictOn(int status) {
    host.replies.push_back(IncomingReply{.status = status});
    return host.deliver(message, 2).at(kUrl);
  }
};

}  // namespace

TEST_F(EchoTest, AMessageIsPostedAsTheGatewayWritesIt) {
  configure({{"echoEnabled", true}, {"echoURL", kUrl}});
  EXPECT_EQ(verdictOn(200), Verdict());
  ASSERT_EQ(host.requests.size(), 1u);
  EXPECT_EQ(host.requests[0].url, kUrl);
  EXPECT_EQ(host.requests[0].headers.at("x-event-id"), "event-1");
  EXPECT_EQ(host.requests[0].headers.at("x-attempt"), "2");
  EXPECT_EQ(host.requests[0].through, shop.id);
  EXPECT_EQ(boost::json::parse(host.requests[0].body).at("data"), message.data);
}

TEST_F(EchoTest, OnlyMessagesOfInstancesThatWantThem) {
  EXPECT_TRUE(host.deliver(message).empty());
  configure({{"echoEnabled", true}, {"echoURL", kUrl}});
  Event other = message;
  other.type = "call.update";
  EXPECT_TRUE(host.deliver(other).empty());
  configure({{"echoEnabled", false}});
  EXPECT_TRUE(host.deliver(message).empty());
}

TEST_F(EchoTest, WhatTheAnswerMeans) {
  configure({{"echoEnabled", true}, {"echoURL", kUrl}});
  EXPECT_EQ(verdictOn(204).outcome, Outcome::done);
  EXPECT_EQ(verdictOn(503), (Verdict{Outcome::retry, "status 503"}));
  EXPECT_EQ(verdictOn(410), (Verdict{Outcome::drop, "status 410"}));
}
