#include <gtest/gtest.h>

#include <memory>

#include "pombo/testing/fake_host.hpp"

using namespace pombo;

namespace {

const Instance kShop{
    {"i-1"}, {"a-1"}, "shop", "whatsapp", "disconnected", "", TimePoint(std::chrono::seconds(1))};

class Websocket : public ::testing::Test {
 protected:
  Websocket() { block_->start(host_); }

  FakeHost host_;
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
};

TEST_F(Websocket, EveryFieldBearsTheWordOfTheBlockAndADoc) {
  for (const auto& field : block_->fields()) {
    EXPECT_TRUE(field.name.starts_with("websocket") && std::isupper(field.name[9])) << field.name;
    EXPECT_TRUE(field.doc.ends_with(".")) << field.name;
    EXPECT_FALSE(field.secret) << field.name;
  }
}

TEST_F(Websocket, ShowsItsKeysBeforeItIsEverConfigured) {
  EXPECT_EQ(block_->summary(kShop),
            (Json{{"enabled", false}, {"events", boost::json::array()}, {"mediaBase64", false}}));
}

TEST_F(Websocket, KeepsWhatItIsToldAndShowsIt) {
  const Json slice{{"websocketEnabled", true},
                   {"websocketEvents", {"message.exchange"}},
                   {"websocketMediaBase64", true}};
  block_->configure(kShop, Fields(slice));
  EXPECT_EQ(block_->summary(kShop),
            (Json{{"enabled", true}, {"events", {"message.exchange"}}, {"mediaBase64", true}}));
  EXPECT_TRUE(host_.requests.empty());
}

TEST_F(Websocket, SwitchedOffItShowsItsKeysAsBefore) {
  const Json before = block_->summary(kShop);
  const Json on{{"websocketEnabled", true},
                {"websocketEvents", {"message.exchange"}},
                {"websocketMediaBase64", true}};
  const Json off{{"websocketEnabled", false},
                 {"websocketEvents", boost::json::array()},
                 {"websocketMediaBase64", false}};
  block_->configure(kShop, Fields(on));
  block_->configure(kShop, Fields(off));
  EXPECT_EQ(block_->summary(kShop), before);
}

TEST_F(Websocket, OneInstanceDoesNotShowAnothers) {
  Instance other = kShop;
  other.id = {"i-2"};
  const Json slice{{"websocketEnabled", true},
                   {"websocketEvents", boost::json::array()},
                   {"websocketMediaBase64", false}};
  block_->configure(kShop, Fields(slice));
  EXPECT_EQ(block_->summary(other).at("enabled"), false);
}

}  // namespace
