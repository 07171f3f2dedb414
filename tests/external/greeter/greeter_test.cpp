#include <gtest/gtest.h>

#include <pombo/testing/fake_host.hpp>

using namespace pombo;

namespace {

struct GreeterTest : ::testing::Test {
  FakeHost host;
  std::unique_ptr<IBlockConfigurator> block{pombo_create()};
  const Instance shop{{"i-1"}, {"a-1"}, "shop", "", "", "", {}};

  void SetUp() override { block->start(host); }
  void configure(const Json& slice) { block->configure(shop, Fields(slice)); }
  HttpReply greet() { return host.call(Method::get, "/api/greeter/:instance", requestFor(shop)); }
};

}  // namespace

TEST_F(GreeterTest, SummaryHasTheSameKeysBeforeAndAfter) {
  EXPECT_EQ(block->summary(shop), (Json{{"enabled", false}, {"name", nullptr}, {"tone", nullptr}}));
  configure({{"greeterEnabled", true}, {"greeterName", "Ana"}, {"greeterTone", "warm"}});
  EXPECT_EQ(block->summary(shop), (Json{{"enabled", true}, {"name", "Ana"}, {"tone", "warm"}}));
}

TEST_F(GreeterTest, GreetsInTheToneThatWasChosen) {
  configure({{"greeterEnabled", true}, {"greeterName", "Ana"}, {"greeterTone", "formal"}});
  EXPECT_EQ(greet().body, (Json{{"success", true}, {"greeting", "Good day, Ana"}}));
}

TEST_F(GreeterTest, AnInstanceWithoutItIsNotGreeted) {
  try {
    greet();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::notFound);
    EXPECT_STREQ(error.what(), "Greeter is not enabled");
  }
}
