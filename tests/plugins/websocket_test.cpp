#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "hub.hpp"
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

  void enable(const Json& more = boost::json::object()) {
    boost::json::object fields{
        {"enabled", true}, {"events", boost::json::array()}, {"mediaBase64", false}};
    for (const auto& member : more.as_object()) fields[member.key()] = member.value();
    set(fields);
  }
  std::shared_ptr<FakeSocket> listen(const std::string& events = "", const Instance& to = kShop) {
    HttpRequest request = requestFor(to);
    request.query = boost::json::object();
    if (!events.empty()) request.query.as_object()["events"] = events;
    return host_.connect("/ws/:instance", request);
  }
  std::string refusalOfListening(Code code, const std::string& events = "") {
    try {
      listen(events);
      return "none";
    } catch (const Error& error) {
      EXPECT_EQ(error.code, code);
      return error.what();
    }
  }
  void publish(const std::string& type, Json data = {{"x", 1}}, const std::string& mediaKey = "") {
    host_.deliver({.id = "e-" + type,
                   .type = type,
                   .instance = kShop.id,
                   .data = std::move(data),
                   .mediaKey = mediaKey});
  }
  static std::vector<std::string> heardBy(const FakeSocket& socket) {
    std::vector<std::string> events;
    for (const auto& text : socket.received)
      events.emplace_back(boost::json::parse(text).at("event").as_string());
    return events;
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

TEST_F(Websocket, NobodyListensWhereItIsNotEnabled) {
  const std::string sentence =
      "WebSocket is not enabled for this instance. Configure it first using POST "
      "/api/events/websocket/shop";
  EXPECT_EQ(refusalOfListening(Code::invalid), sentence);
  set({{"enabled", false}, {"events", boost::json::array()}, {"mediaBase64", false}});
  EXPECT_EQ(refusalOfListening(Code::invalid), sentence);
  enable();
  EXPECT_EQ(refusalOfListening(Code::invalid, "call.update,foo"), "Unknown event: foo");
  EXPECT_EQ(refusalOfListening(Code::invalid, "presence.update"), "Unknown event: presence.update");
  EXPECT_EQ(refusalOfListening(Code::invalid, " call.update"), "Unknown event:  call.update");
}

TEST_F(Websocket, TellsTheEnvelopeToEveryoneWhoWantsIt) {
  enable({{"events", {"call.update", "group.flow"}}});
  const auto all = listen(), calls = listen("call.update,message.exchange"),
             none = listen("group.flow");
  for (const char* event : {"message.exchange", "call.update"}) publish(event);
  EXPECT_EQ(heardBy(*all), std::vector<std::string>{"call.update"});
  EXPECT_EQ(heardBy(*calls), std::vector<std::string>{"call.update"});
  EXPECT_TRUE(heardBy(*none).empty());
  const Json said = boost::json::parse(all->received.front());
  EXPECT_EQ(said.at("data"), (Json{{"x", 1}}));
  EXPECT_EQ(said.at("id"), "e-call.update");
}

TEST_F(Websocket, WithoutListenersNothingIsDelivered) {
  enable();
  EXPECT_EQ(host_.eventDelivery->keep, Keep::memory);
  EXPECT_TRUE(host_.deliver({.type = "call.update", .instance = kShop.id}).empty());
  const auto socket = listen();
  EXPECT_EQ(host_.deliver({.type = "call.update", .instance = kShop.id}).size(), 1u);
  EXPECT_TRUE(host_.deliver({.type = "call.update", .instance = {"i-2"}}).empty());
  socket->close(1001, "");
  EXPECT_TRUE(host_.deliver({.type = "call.update", .instance = kShop.id}).empty());
}

TEST_F(Websocket, WhatIsConfiguredMeanwhileCountsAtOnce) {
  enable();
  const auto socket = listen();
  set({{"enabled", false}, {"events", boost::json::array()}, {"mediaBase64", false}});
  publish("call.update");
  EXPECT_TRUE(socket->received.empty());
  EXPECT_EQ(socket->closedWith, 0);
  enable({{"events", {"group.flow"}}});
  for (const char* event : {"call.update", "group.flow"}) publish(event);
  EXPECT_EQ(heardBy(*socket), std::vector<std::string>{"group.flow"});
}

TEST_F(Websocket, AnInstanceHasItsNumberOfListeners) {
  FakeHost host;
  host.configNode = {{"maxClients", 2}};
  const std::unique_ptr<IBlockConfigurator> block{pombo_create()};
  block->start(host);
  host.settings().save(
      kShop.id, {{"enabled", true}, {"events", boost::json::array()}, {"mediaBase64", false}});
  HttpRequest request = requestFor(kShop);
  request.query = boost::json::object();
  const auto one = host.connect("/ws/:instance", request);
  const auto two = host.connect("/ws/:instance", request);
  try {
    host.connect("/ws/:instance", request);
    FAIL() << "a third was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::unavailable);
    EXPECT_STREQ(error.what(), "Too many WebSocket clients");
  }
  one->close(1000, "");
  EXPECT_NO_THROW(host.connect("/ws/:instance", request));
}

Json withMedia(std::int64_t size) {
  return {{"message", {{"media", {{"size", size}, {"base64", nullptr}}}}}};
}

TEST_F(Websocket, BytesAreInlinedUpToAFramesLimit) {
  const auto media = [](const FakeSocket& socket) {
    return boost::json::parse(socket.received.back()).at("data");
  };
  enable({{"mediaBase64", true}});
  const auto socket = listen();
  publish("message.exchange", withMedia(4 << 20), "key");
  EXPECT_EQ(media(*socket).at("media").at("base64"), "base64 of key");  // as FakeHost inlines
  publish("message.exchange", withMedia((4 << 20) + 1), "key");
  EXPECT_EQ(media(*socket).at("message").at("media"),
            (Json{{"size", (4 << 20) + 1}, {"base64", nullptr}, {"base64Omitted", true}}));
  enable();
  publish("message.exchange", withMedia(1), "key");
  EXPECT_EQ(media(*socket).at("message").at("media"), (Json{{"size", 1}, {"base64", nullptr}}));
}

TEST_F(Websocket, ThePageKnowsWhereTheServerIs) {
  const auto page = [this](const std::string& url) {
    host_.serverInfo.baseUrl = url;
    return host_.call(Method::get, "/watch").bytes.value();
  };
  EXPECT_NE(page("http://a:8080").find("<base href=\"/\">"), std::string::npos);
  const auto hostile = page("https://a.example/b\"<&");
  EXPECT_NE(hostile.find("<base href=\"/b&quot;&lt;&amp;/\">"), std::string::npos);
  EXPECT_NE(hostile.find("data-server=\"https://a.example/b&quot;&lt;&amp;\""), std::string::npos);
}

TEST(WebsocketHub, WritesATextOnceAndOnlyForSomebody) {
  Hub hub;
  Hub::Key key = 0;
  std::vector<Hub::Text> heard;
  int written = 0;
  const auto write = [&] { return ++written, std::make_shared<const std::string>("text"); };
  const auto say = [&](const char* event) { hub.send("i", event, write); };
  say("a");
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(
        hub.add("i", 3, {{"a"}, [&](const Hub::Text& text) { heard.push_back(text); }}, key));
  EXPECT_FALSE(hub.add("i", 3, {}, key));
  say("b");
  EXPECT_EQ(written, 0);
  say("a");
  EXPECT_EQ(written, 1);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(heard[0], heard[1]);
  EXPECT_EQ(heard[0], heard[2]);
  hub.remove("i", key);
  say("a");
  EXPECT_EQ(heard.size(), 5u);
}

TEST(WebsocketHub, MayBeUsedByManyAtOnce) {
  Hub hub;
  std::atomic<int> heard = 0;
  const auto write = [] { return std::make_shared<const std::string>("text"); };
  const auto listenAndLeave = [&] {
    for (int i = 0; i < 200; ++i) {
      Hub::Key key = 0;
      EXPECT_TRUE(hub.add("i", 4, {{}, [&](const Hub::Text&) { ++heard; }}, key));
      hub.send("i", "a", write);
      EXPECT_TRUE(hub.has("i"));
      hub.remove("i", key);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(listenAndLeave);
  for (auto& each : threads) each.join();
  EXPECT_GE(heard, 4 * 200) << "each has heard at least itself";
  EXPECT_FALSE(hub.has("i"));
}

}  // namespace
