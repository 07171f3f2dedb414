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

  Json set(const Json& fields) {
    HttpRequest request = requestFor(kShop);
    request.fields = fields;
    return host_.call(Method::post, "/api/events/websocket/:instance", request).body;
  }
  Json get() {
    return host_.call(Method::get, "/api/events/getWebsocket/:instance", requestFor(kShop)).body;
  }
  std::string refusalOfGet() {
    try {
      return serialize(get());
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::notFound);
      return error.what();
    }
  }

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

TEST_F(Websocket, SwitchedOffBeforeItEverWasOnItCountsAsNeverConfigured) {
  const Json off{{"websocketEnabled", false},
                 {"websocketEvents", boost::json::array()},
                 {"websocketMediaBase64", false}};
  block_->configure(kShop, Fields(off));
  EXPECT_EQ(refusalOfGet(), "WebSocket not configured for this instance");
}

TEST_F(Websocket, ItsOwnRouteSetsItAndReadsIt) {
  EXPECT_EQ(refusalOfGet(), "WebSocket not configured for this instance");
  const Json on{{"enabled", true}, {"events", {"message.exchange"}}, {"mediaBase64", true}};
  EXPECT_EQ(set(on), (Json{{"success", true},
                           {"message", "WebSocket configured successfully"},
                           {"websocket", on}}));
  EXPECT_EQ(get(), (Json{{"success", true},
                         {"message", "WebSocket configuration retrieved"},
                         {"websocket", on}}));
  EXPECT_EQ(block_->summary(kShop), on);
}

TEST_F(Websocket, DisabledItKeepsItsRowAndClearsTheRest) {
  const Json off{{"enabled", false}, {"events", boost::json::array()}, {"mediaBase64", false}};
  EXPECT_EQ(
      set({{"enabled", false}, {"events", {"call.update"}}, {"mediaBase64", true}}).at("websocket"),
      off);
  EXPECT_EQ(get().at("websocket"), off);
}

TEST_F(Websocket, WhatACreateRequestSaidIsReadByTheRoute) {
  const Json slice{{"websocketEnabled", true},
                   {"websocketEvents", {"call.update"}},
                   {"websocketMediaBase64", false}};
  block_->configure(kShop, Fields(slice));
  EXPECT_EQ(get().at("websocket"),
            (Json{{"enabled", true}, {"events", {"call.update"}}, {"mediaBase64", false}}));
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
