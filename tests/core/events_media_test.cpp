// What an event gets on its way (enrichers, media), and the envelope that it is sent in.
#include "events_fixture.hpp"
#include "tiny_server.hpp"

namespace pombo {
namespace {

class Enricher final : public IEnricher {
 public:
  std::function<Json(const Event&)> onEnrich;
  Json enrich(const Event& event) override { return onEnrich(event); }
};

TEST_F(EventsTest, WhatABlockAddsIsThereForEveryone) {
  Enricher enricher;
  enricher.onEnrich = [](const Event&) { return Json{{"extra", 1}, {"gone", nullptr}}; };
  around_.asked = {{"adds", &enricher}};
  ScriptedSink sink;
  keep("own", sink);
  const Running running(*this);
  Event event = eventOf("a");
  event.data.as_object()["gone"] = true;
  events_->publish({event});
  EXPECT_EQ(sink.handed.first(1)[0].event.data, (Json{{"name", "a"}, {"extra", 1}}));
}

TEST_F(EventsTest, AnEnricherThatIsLateOrFailsIsDoneWithout) {
  options_.enrichTime = 10ms;
  open();
  std::atomic<int> asked{0};
  Enricher enricher;
  around_.asked = {{"adds", &enricher}};
  ScriptedSink sink;
  keep("own", sink);
  const Running running(*this);
  Gate gate;
  enricher.onEnrich = [&asked, hold = gate.wait()](const Event&) -> Json {
    ++asked;
    hold();
    return nullptr;
  };
  publish(numbered(6));
  EXPECT_EQ(namesOf(sink.handed.first(6)), numbered(6));
  EXPECT_EQ(asked, 3) << "after three it is not asked for a while";
}

TEST_F(EventsTest, AnEnvelopeCarriesMediaAsFarAsTheyFit) {
  around_.media = {{"small", "abc"}, {"large", std::string((16 << 20) + 1, 'x')}};
  Event event = eventOf("a");
  event.data = {{"message", {{"media", {{"base64", nullptr}}}}}};
  event.mediaKey = "small";
  const auto mediaIn = [&](bool wanted) {
    return events_->envelope(event, wanted).at("data").at("message").at("media");
  };
  around_.link = "/media/1?exp=2&sig=3";
  const Json url = "https://wa.example/media/1?exp=2&sig=3";
  EXPECT_EQ(mediaIn(true), (Json{{"base64", "YWJj"}, {"url", url}}));
  EXPECT_EQ(mediaIn(false), (Json{{"base64", nullptr}, {"url", url}}));
  event.mediaKey = "large";
  EXPECT_EQ(mediaIn(true), (Json{{"base64", nullptr}, {"base64Omitted", true}, {"url", url}}));
}

TEST_F(EventsTest, AnEnvelopeSaysWhatHasBecomeOfItsMedia) {
  around_.media = {{"key", "abc"}};
  Event event = eventOf("a");
  event.data = {{"message", {{"media", {{"base64", nullptr}, {"url", "https://elsewhere/"}}}}}};
  event.mediaKey = "key";
  const auto mediaOf = [&](bool wanted) {
    return events_->envelope(event, wanted).at("data").at("message").at("media");
  };
  EXPECT_EQ(mediaOf(false),
            (Json{{"base64", nullptr}, {"url", nullptr}, {"error", "Media are no longer stored"}}));
  EXPECT_EQ(mediaOf(true), (Json{{"base64", "YWJj"}, {"url", nullptr}}));
  event.data.at("message").at("media").as_object()["error"] = "it was gone";
  EXPECT_EQ(mediaOf(false).at("error"), "it was gone");
  event.mediaKey = "";
  EXPECT_EQ(mediaOf(false).at("url"), "https://elsewhere/") << "it is nobody's to change";
}

class EventsWithMedia : public EventsTest {
 protected:
  void tell(const std::string& name, const std::string& chat, const std::string& mediaKey = "",
            const std::string& instance = "i-1") {
    Event event = eventOf(name, chat, instance);
    if (!mediaKey.empty()) event.data.as_object()["message"] = {{"media", {{"url", nullptr}}}};
    event.mediaKey = mediaKey;
    events_->publish({event});
  }
};

TEST_F(EventsWithMedia, OnlyTheSameChatWaitsForThem) {
  ScriptedSink sink;
  keep("own", sink);
  Gate gate;
  around_.onKeep = [hold = gate.wait()](const Event&) { hold(); };
  const Running running(*this);
  tell("picture", "a", "key");
  tell("after it", "a");
  tell("elsewhere", "b");
  EXPECT_EQ(namesOf(sink.handed.first(1)), Names{"elsewhere"});
  gate.open();
  EXPECT_EQ(namesOf(sink.handed.first(3)), (Names{"elsewhere", "picture", "after it"}));
}

TEST_F(EventsWithMedia, FourOfAnInstanceAreFetchedAtOnceAndItsOtherChatsGoOn) {
  options_.limits.preparing = 16;
  open();
  ScriptedSink sink;
  keep("own", sink);
  Gate gate;
  std::atomic<int> now{0}, beyond{0};
  around_.onKeep = [&, hold = gate.wait()](const Event& event) {
    if (event.instance.value != "i-1") return;
    if (++now > 4) ++beyond;
    hold();
    --now;
  };
  const Running running(*this);
  for (const auto& name : numbered(12)) tell(name, name, "key");
  tell("text", "other");
  tell("picture", "chat", "key", "i-2");
  auto first = namesOf(sink.handed.first(2));
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (Names{"picture", "text"}));
  while (now < 4) std::this_thread::yield();
  gate.open();
  sink.handed.first(14);
  EXPECT_EQ(beyond, 0);
}

TEST_F(EventsWithMedia, WhatCannotBeFetchedIsSaidInTheEvent) {
  ScriptedSink sink;
  keep("own", sink);
  around_.onKeep = [](const Event& event) {
    if (event.mediaKey == "full") throw Error(Code::unavailable, "Media storage is full");
    if (event.mediaKey == "bug") throw std::runtime_error("secret");
  };
  const Running running(*this);
  tell("a", "chat", "full");
  tell("b", "chat", "bug");
  tell("c", "chat", "good");
  const auto handed = sink.handed.first(3);
  const auto media = [&](int i) { return handed[i].event.data.at("message").at("media"); };
  EXPECT_EQ(media(0), (Json{{"url", nullptr}, {"error", "Media storage is full"}}));
  EXPECT_EQ(media(1), (Json{{"url", nullptr}, {"error", "Media could not be stored"}}));
  EXPECT_EQ(media(2), (Json{{"url", nullptr}}));
}

TEST_F(EventsWithMedia, NobodyIsAskedForThoseOfAnEventWithoutAny) {
  ScriptedSink sink;
  keep("own", sink);
  std::atomic<int> asked{0};
  around_.onKeep = [&](const Event&) { ++asked; };
  const Running running(*this);
  tell("text", "chat");
  Event odd = eventOf("key alone");
  odd.mediaKey = "key";
  events_->publish({odd});
  sink.handed.first(2);
  EXPECT_EQ(asked, 0);
}

TEST_F(EventsTest, MediaThatAreSlowHoldUpNobodyElsesNorWhatCarriesNone) {
  TinyServer server([](const std::string&) { return TinyServer::reply(200, "ok"); });
  PostingSink sink;
  sink.url = server.url("/hook");
  sink.body = [this](const Event& event) {
    return events_->envelope(event, !nameOf(event).starts_with("plain"));
  };
  events_->subscribe("hook", sink, {.inFlight = 64});
  around_.media = {{"slow", "abc"}, {"quick", "abc"}};
  Gate gate;
  around_.onMedia = [hold = gate.wait()](const std::string& key) {
    if (key == "slow") hold();
  };
  const Running running(*this);
  const auto tell = [&](const std::string& name, const std::string& key,
                        const std::string& instance) {
    Event event = eventOf(name, name, instance);
    event.data.as_object()["message"] = {{"media", {{"size", 3}}}};
    event.mediaKey = key;
    events_->publish({event});
  };
  for (int i = 0; i < 32; ++i) tell("slow " + std::to_string(i), "slow", "i-2");
  tell("plain", "slow", "i-1");
  records("hook", DeliveryStatus::delivered, 1);
  tell("inlined", "quick", "i-1");
  records("hook", DeliveryStatus::delivered, 2);
  const auto request = server.requests().at(1);
  EXPECT_NE(request.find(R"("base64":"YWJj")"), request.npos) << request;
  EXPECT_EQ(server.requests().size(), 2u);
  gate.open();
}

TEST_F(EventsTest, BodiesThatAreLargeTogetherWaitForOneAnother) {
  options_.bodyBytes = 1 << 20;
  open();
  Gate gate;
  TinyServer server([hold = gate.wait()](const std::string&) {
    hold();
    return TinyServer::reply(200, "ok");
  });
  Told<std::string> made;
  PostingSink sink;
  sink.url = server.url("/hook");
  sink.body = [&](const Event& event) {
    made.add(nameOf(event));
    return event.data;
  };
  events_->subscribe("hook", sink, {});
  const Running running(*this);
  for (const auto* name : {"large", "larger", "largest"}) {
    Event event = eventOf(name);
    event.data.as_object()["more"] = std::string(900 << 10, 'x');
    events_->publish({event});
  }
  publish({"small"});
  Names first = made.first(2);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (Names{"large", "small"}));
  gate.open();
  const Names all = made.first(4);
  EXPECT_EQ(Names(all.begin() + 2, all.end()), (Names{"larger", "largest"}));
  records("hook", DeliveryStatus::delivered, 4);
}

TEST_F(EventsTest, AnEnvelopeHasNoTokenWhereTheOperatorDoesNotWantIt) {
  options_.includeToken = false;
  open();
  EXPECT_TRUE(events_->envelope(eventOf("a"), false).at("instanceData").at("token").is_null());
}

TEST_F(EventsTest, AnEnvelopeShowsMessagesAsTheOperatorWantsThem) {
  options_.messageShape = MessageShape::catalogue;
  open();
  around_.media = {{"small", "abc"}, {"large", std::string((16 << 20) + 1, 'x')}};
  around_.link = "/media/1?exp=2&sig=3";
  Event event = eventOf("a");
  event.type = "message.exchange";
  event.data = {{"id", "3EB0"},
                {"direction", "incoming"},
                {"message", {{"type", "image"}, {"media", {{"base64", nullptr}}}}}};
  event.mediaKey = "small";
  const auto shown = [&](Json media) {
    return Json{{"id", "3EB0"},
                {"message",
                 {{"id", "3EB0"},
                  {"type", "image"},
                  {"direction", "incoming"},
                  {"media", std::move(media)}}}};
  };
  const Json url = "https://wa.example/media/1?exp=2&sig=3";
  EXPECT_EQ(events_->envelope(event, true).at("data"), shown({{"base64", "YWJj"}, {"url", url}}));
  EXPECT_EQ(events_->envelope(event, false).at("data"), shown({{"url", url}}));
  event.mediaKey = "large";
  EXPECT_EQ(events_->envelope(event, true).at("data"),
            shown({{"base64Omitted", true}, {"url", url}}));
  event.type = "message.status";
  event.mediaKey = "";
  EXPECT_EQ(events_->envelope(event, true).at("data"), event.data) << "others are as they were";
}

}  // namespace
}  // namespace pombo
