#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "event_examples.hpp"
#include "instance_locks.hpp"
#include "pombo/testing/fake_host.hpp"
#include "waiting_codes.hpp"

using namespace pombo;

namespace {

const Instance kShop{{"i-1"}, {"a-1"}, "shop", "simulator", "disconnected", "", {}};

class Simulator : public ::testing::Test {
 protected:
  Simulator() {
    host_.time = TimePoint(std::chrono::seconds(1'795'262'400));  // 2026-11-21T12:00:00Z
    block_->start(host_);
  }

  IConnector& connector() { return *block_->connector(); }
  HttpReply post(const std::string& what, const Json& fields, const Instance& to = kShop) {
    HttpRequest request = requestFor(to);
    request.fields = fields;
    return host_.call(Method::post, "/api/simulator/" + what + "/:instance", request);
  }
  HttpReply inject(const std::string& event, const Json& data) {
    return post("event", {{"event", event}, {"data", data}});
  }
  template <class Call>
  std::string refusalOf(Code code, Call call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.code, code);
      return error.what();
    }
    return "not refused";
  }
  // The states that were told, in order.
  std::vector<std::string> states() const {
    std::vector<std::string> all;
    for (const auto& event : host_.published)
      if (event.type == "instance.state") all.emplace_back(event.data.at("state").as_string());
    return all;
  }
  void link() {
    connector().connect(kShop, {});
    post("scan", Json(boost::json::object()));
    host_.published.clear();
  }
  Json image(const Json& media) {
    Json data = eventExamples().front().data;
    data.at("message") = {{"type", "image"}, {"content", ""}, {"media", media}};
    return data;
  }

  FakeHost host_;
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
};

WaitingCodes::Shown lasting(std::chrono::milliseconds time, const std::string& number = "") {
  return {.number = number, .codes = {"1"}, .first = time};
}

TEST(WaitingCodes, TellsWhoseTimeIsUpAndOnlyOfTheNewest) {
  std::promise<void> done;
  std::vector<std::string> told;
  WaitingCodes codes([&](const std::string& id) {
    told.push_back(id);
    if (id == "last") done.set_value();
  });
  codes.show("never", lasting(std::chrono::hours(1)));
  codes.show("put off", lasting(std::chrono::milliseconds(0)));
  codes.show("put off", lasting(std::chrono::hours(1)));
  codes.show("first", lasting(std::chrono::milliseconds(1)));
  codes.show("dropped", lasting(std::chrono::milliseconds(20)));
  codes.drop("dropped");
  codes.show("last", lasting(std::chrono::milliseconds(50)));
  done.get_future().wait();
  codes.stop();
  std::erase(told, "put off");  // it may have been up at once
  EXPECT_EQ(told, (std::vector<std::string>{"first", "last"}));
}

TEST(WaitingCodes, OneCanBeScannedUntilItsTimeIsUp) {
  WaitingCodes codes([](const std::string&) {});
  EXPECT_EQ(codes.numberOf("a"), std::nullopt);
  codes.show("a", lasting(std::chrono::hours(1), "5511"));
  EXPECT_EQ(codes.numberOf("a"), "5511");
  EXPECT_EQ(codes.next("a"), std::nullopt) << "another has come meanwhile";
  EXPECT_EQ(codes.numberOf("a"), "5511");
  codes.show("a", lasting(std::chrono::milliseconds(0)));
  EXPECT_EQ(codes.numberOf("a"), std::nullopt);
  EXPECT_EQ(codes.next("a"), std::vector<std::string>());
  EXPECT_EQ(codes.next("a"), std::nullopt);
}

TEST(WaitingCodes, OneComesAfterTheOther) {
  std::promise<void> done;
  std::vector<std::size_t> left;
  WaitingCodes* all = nullptr;
  WaitingCodes codes([&](const std::string& id) {
    left.push_back(all->next(id)->size());
    if (left.back() == 0) done.set_value();
  });
  all = &codes;
  const std::chrono::milliseconds quick(1);
  codes.show("a", {.codes = {"1", "2", "3"}, .first = 3 * quick, .other = quick});
  done.get_future().wait();
  EXPECT_EQ(left, (std::vector<std::size_t>{2, 1, 0}));
  EXPECT_EQ(codes.numberOf("a"), std::nullopt);
}

TEST(WaitingCodes, AfterTheEndNobodyIsTold) {
  int told = 0;
  WaitingCodes codes([&](const std::string&) { ++told; });
  codes.stop();
  codes.show("a", lasting(std::chrono::milliseconds(0)));
  codes.stop();
  EXPECT_EQ(told, 0);
}

TEST(InstanceLocks, OneHoldsUpItsOwnInstanceAlone) {
  InstanceLocks locks;
  std::vector<std::string> order;
  std::thread other;
  {
    const auto held = locks.hold("0");
    for (int i = 1; i < 1000; ++i) locks.hold(std::to_string(i));
    std::promise<void> begun;
    other = std::thread([&] {
      begun.set_value();
      const auto again = locks.hold("0");
      order.emplace_back("other");
    });
    begun.get_future().wait();
    locks.hold("1");
    order.emplace_back("first");
  }
  other.join();
  EXPECT_EQ(order, (std::vector<std::string>{"first", "other"}));
}

TEST_F(Simulator, HasNoFieldsAndShowsNothing) {
  EXPECT_TRUE(block_->fields().empty());
  EXPECT_TRUE(block_->summary(kShop).is_null());
}

TEST_F(Simulator, ShowsACodeAndTellsOfIt) {
  const Link link = connector().connect(kShop, {});
  EXPECT_EQ(link.kind, Link::Kind::qr);
  EXPECT_TRUE(link.code.starts_with("2@")) << link.code;
  EXPECT_EQ(std::count(link.code.begin(), link.code.end(), ','), 3);
  ASSERT_EQ(host_.published.size(), 1u);
  EXPECT_EQ(host_.published[0].type, "instance.state");
  EXPECT_EQ(host_.published[0].instance, kShop.id);
  const Json& data = host_.published[0].data;
  EXPECT_EQ(data.at("state"), "qr_ready");
  const auto& codes = data.at("codes").as_array();
  EXPECT_EQ(codes.size(), 7u);
  EXPECT_EQ(codes.front(), Json(link.code));
  EXPECT_NE(connector().connect(kShop, {}).code, link.code);
}

TEST_F(Simulator, ShowsAPairingCodeToANumber) {
  const Link link = connector().connect(kShop, {.number = "5511999990000"});
  EXPECT_EQ(link.kind, Link::Kind::pairing);
  EXPECT_EQ(link.code.size(), 8u);
  EXPECT_EQ(
      host_.published[0].data,
      (Json{{"state", "qr_ready"}, {"codes", boost::json::array()}, {"pairingCode", link.code}}));
  EXPECT_EQ(post("scan", Json(boost::json::object())).body.at("jid"),
            "5511999990000@s.whatsapp.net");
}

TEST_F(Simulator, IsLinkedByAScan) {
  connector().connect(kShop, {});
  const HttpReply reply = post("scan", {{"number", "+55 (11) 99999-0000"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, (Json{{"success", true},
                              {"message", "Instance linked"},
                              {"jid", "5511999990000@s.whatsapp.net"}}));
  EXPECT_EQ(states(), (std::vector<std::string>{"qr_ready", "pair_success", "connected"}));
  const Json& paired = host_.published[1].data;
  EXPECT_EQ(paired.at("jid"), reply.body.at("jid"));
  EXPECT_TRUE(paired.at("lid").as_string().ends_with("@lid"));
  EXPECT_EQ(host_.published[2].data,
            (Json{{"state", "connected"}, {"jid", paired.at("jid")}, {"lid", paired.at("lid")}}));
  EXPECT_EQ(connector().profile(kShop), (Profile{.name = "shop", .available = true}));
}

TEST_F(Simulator, MakesANumberUpWhenNoneIsGiven) {
  connector().connect(kShop, {});
  const auto reply = post("scan", Json(boost::json::object())).body;
  const std::string jid(reply.at("jid").as_string());
  EXPECT_TRUE(jid.starts_with("55119") && jid.ends_with("@s.whatsapp.net")) << jid;
  EXPECT_EQ(jid.size(), std::string("5511999990000@s.whatsapp.net").size());
}

TEST_F(Simulator, ACodeIsScannedOnce) {
  const auto scan = [this] { post("scan", Json(boost::json::object())); };
  const char* none = "No code is waiting to be scanned";
  EXPECT_EQ(refusalOf(Code::conflict, scan), none);
  connector().connect(kShop, {});
  scan();
  EXPECT_EQ(refusalOf(Code::conflict, scan), none);
}

TEST_F(Simulator, AClockThatIsSetMakesNoCodeOlderOrYounger) {
  for (const auto by : {std::chrono::hours(-24), std::chrono::hours(24)}) {
    connector().connect(kShop, {});
    host_.time += by;
    EXPECT_EQ(post("scan", Json(boost::json::object())).status, 200);
    connector().logout(kShop);
  }
}

TEST_F(Simulator, ACodeGoesWithItsInstanceOrItsPhone) {
  const auto scan = [this] { post("scan", Json(boost::json::object())); };
  connector().connect(kShop, {});
  block_->forget(kShop);
  EXPECT_EQ(refusalOf(Code::conflict, scan), "No code is waiting to be scanned");
  connector().connect(kShop, {});
  inject("instance.state", {{"state", "logged_out"}, {"reason", "401: logged out"}});
  EXPECT_EQ(refusalOf(Code::conflict, scan), "No code is waiting to be scanned");
}

TEST_F(Simulator, ACallThatIsLateFindsItStopped) {
  block_->stop();
  EXPECT_EQ(connector().connect(kShop, {}).kind, Link::Kind::qr);
}

TEST_F(Simulator, ACodeIsGoneAfterARestart) {
  connector().connect(kShop, {});
  const std::unique_ptr<IBlockConfigurator> another(pombo_create());
  FakeHost host;
  host.documents = host_.documents;
  another->start(host);
  HttpRequest request = requestFor(kShop);
  request.fields = boost::json::object();
  EXPECT_EQ(refusalOf(Code::conflict,
                      [&] { host.call(Method::post, "/api/simulator/scan/:instance", request); }),
            "No code is waiting to be scanned");
}

TEST_F(Simulator, RefusesWhatIsNoNumber) {
  connector().connect(kShop, {});
  for (const char* bad : {"1234567", "1234567890123456", "55119999x0000", "-"})
    EXPECT_EQ(refusalOf(Code::invalid,
                        [&] {
                          post("scan", {{"number", bad}});
                        }),
              std::string("Invalid number: ") + bad);
  EXPECT_EQ(states(), std::vector<std::string>{"qr_ready"});
}

TEST_F(Simulator, LeavesInstancesOfOthersAlone) {
  Instance other = kShop;
  other.connector = "whatsapp";
  const Json event{{"event", "message.exchange"}, {"data", eventExamples().front().data}};
  for (const auto& [what, fields] :
       {std::pair("scan", Json(boost::json::object())), std::pair("event", event)})
    EXPECT_EQ(refusalOf(Code::invalid, [&] { post(what, fields, other); }),
              "Instance does not use the simulator connector");
  EXPECT_TRUE(host_.published.empty());
}

TEST_F(Simulator, OpensItsSessionAgainAfterARestart) {
  link();
  const std::unique_ptr<IBlockConfigurator> another(pombo_create());
  FakeHost host;
  host.documents = host_.documents;
  another->start(host);
  EXPECT_EQ(another->connector()->connect(kShop, {}), Link{.kind = Link::Kind::connected});
  another->connector()->reconnect(kShop, {});
  ASSERT_EQ(host.published.size(), 2u);
  for (const auto& event : host.published) EXPECT_EQ(event.data.at("state"), "connected");
}

TEST_F(Simulator, KeepsItsSessionWhenTheLinkIsClosed) {
  link();
  connector().disconnect(kShop);
  EXPECT_EQ(host_.published[0].data, (Json{{"state", "disconnected"}, {"reason", "closed"}}));
  connector().reconnect(kShop, {});
  EXPECT_EQ(states(), (std::vector<std::string>{"disconnected", "connected"}));
}

TEST_F(Simulator, ClosingTheLinkTakesTheCodeAway) {
  connector().connect(kShop, {});
  connector().disconnect(kShop);
  EXPECT_EQ(refusalOf(Code::conflict, [&] { post("scan", Json(boost::json::object())); }),
            "No code is waiting to be scanned");
}

TEST_F(Simulator, HasNoSessionAfterALogout) {
  const auto reconnect = [this] { connector().reconnect(kShop, {}); };
  EXPECT_EQ(refusalOf(Code::invalid, reconnect), "Instance has no saved session");
  link();
  connector().logout(kShop);
  EXPECT_EQ(refusalOf(Code::invalid, reconnect), "Instance has no saved session");
  EXPECT_EQ(connector().profile(kShop), Profile());
  EXPECT_EQ(connector().connect(kShop, {}).kind, Link::Kind::qr);
}

TEST_F(Simulator, HasNoSessionAfterThePhoneHasLoggedOut) {
  link();
  inject("instance.state", {{"state", "logged_out"}, {"reason", "401: logged out"}});
  EXPECT_EQ(connector().connect(kShop, {}).kind, Link::Kind::qr);
}

TEST_F(Simulator, ClosesALinkOnlyWhereThereIsOne) {
  connector().disconnect(kShop);
  EXPECT_TRUE(host_.published.empty());
}

TEST_F(Simulator, WhatIsAskedOfASilentWhatsAppGoesOnWaiting) {
  post("network", {{"answers", false}});
  EXPECT_EQ(connector().connect(kShop, {}), Link{.kind = Link::Kind::later});
  EXPECT_EQ(connector().connect(kShop, {.number = "5511999990000"}).kind, Link::Kind::later);
  EXPECT_TRUE(host_.published.empty());
  EXPECT_EQ(post("network", {{"answers", true}}).body.at("message"), "Network changed");
  ASSERT_EQ(states(), std::vector<std::string>{"qr_ready"}) << "of the newest alone";
  EXPECT_EQ(host_.published[0].data.at("pairingCode").as_string().size(), 8u);
  link();
  post("network", {{"answers", false}});
  connector().reconnect(kShop, {});
  EXPECT_EQ(connector().connect(kShop, {}).kind, Link::Kind::later);
  EXPECT_TRUE(host_.published.empty());
  post("network", {{"answers", true}});
  post("network", {{"answers", true}});
  EXPECT_EQ(states(), std::vector<std::string>{"connected"});
  post("network", {{"answers", false}});
  connector().reconnect(kShop, {});
  connector().disconnect(kShop);
  post("network", {{"answers", true}});
  EXPECT_EQ(states(), (std::vector<std::string>{"connected", "disconnected"}));
}

TEST_F(Simulator, LosesItsLink) {
  link();
  EXPECT_EQ(post("disconnect", {{"reconnects", false}}).body,
            (Json{{"success", true}, {"message", "Link closed"}}));
  EXPECT_EQ(states(), std::vector<std::string>{"disconnected"});
  post("disconnect", {{"reconnects", true}});
  EXPECT_EQ(host_.published[1].data,
            (Json{{"state", "disconnected"}, {"reason", "closed"}, {"reconnecting", true}}));
  EXPECT_EQ(states(), (std::vector<std::string>{"disconnected", "disconnected", "connected"}));
}

TEST_F(Simulator, WhatWasAskedOfItIsForgottenWithTheLink) {
  for (const auto& [what, fields] :
       std::vector<std::pair<std::string, Json>>{{"disconnect", {{"reconnects", false}}},
                                                 {"ban", {{"seconds", 60}, {"reason", "x"}}},
                                                 {"ban", {{"reason", "x"}}},
                                                 {"logout", Json(boost::json::object())}}) {
    connector().logout(kShop);
    link();
    post("network", {{"answers", false}});
    connector().reconnect(kShop, {});
    post(what, fields);
    const auto told = host_.published.size();
    post("network", {{"answers", true}});
    EXPECT_EQ(host_.published.size(), told) << what;
  }
}

TEST_F(Simulator, ABanIsNoShorterThanWasSaid) {
  link();
  host_.time += std::chrono::milliseconds(1);
  post("ban", {{"seconds", 1}, {"reason", "x"}});
  EXPECT_EQ(host_.published[0].data.at("expiresAt"), "2026-11-21T12:00:02Z");
}

TEST_F(Simulator, IsBannedForATime) {
  link();
  EXPECT_EQ(post("ban", {{"seconds", 60}, {"reason", "too fast"}}).body,
            (Json{{"success", true}, {"message", "Number banned"}}));
  EXPECT_EQ(host_.published[0].data, (Json{{"state", "temp_banned"},
                                           {"code", 101},
                                           {"reason", "too fast"},
                                           {"expiresAt", "2026-11-21T12:01:00Z"}}));
  EXPECT_EQ(refusalOf(Code::refused, [&] { connector().connect(kShop, {}); }),
            "the number is banned");
  connector().reconnect(kShop, {});
  EXPECT_EQ(states(), (std::vector<std::string>(3, "temp_banned")));
  host_.time += std::chrono::minutes(1);
  connector().reconnect(kShop, {});
  EXPECT_EQ(states().back(), "connected");
}

TEST_F(Simulator, IsBannedForGood) {
  link();
  post("ban", {{"reason", "spam"}});
  EXPECT_EQ(host_.published[0].data,
            (Json{{"state", "logged_out"}, {"reason", "406: spam"}, {"onConnect", true}}));
  EXPECT_EQ(connector().connect(kShop, {}).kind, Link::Kind::qr);
}

TEST_F(Simulator, IsUnlinkedOnItsPhone) {
  link();
  EXPECT_EQ(post("logout", Json(boost::json::object())).body,
            (Json{{"success", true}, {"message", "Instance unlinked"}}));
  EXPECT_EQ(host_.published[0].data, (Json{{"state", "logged_out"},
                                           {"reason", "401: logged out from another device"},
                                           {"onConnect", false}}));
  EXPECT_EQ(connector().connect(kShop, {}).kind, Link::Kind::qr);
}

TEST_F(Simulator, ChangesWhatIsKnownOfItsNumber) {
  link();
  const Json changed = post("profile", {{"name", "Shop"},
                                        {"isBusiness", true},
                                        {"businessName", "Shop Ltd"},
                                        {"available", false}})
                           .body.at("profile");
  EXPECT_EQ(changed, (Json{{"name", "Shop"},
                           {"pictureUrl", nullptr},
                           {"isBusiness", true},
                           {"businessName", "Shop Ltd"},
                           {"available", false}}));
  post("profile", {{"pictureUrl", "https://pps.whatsapp.net/a.jpg"}});
  EXPECT_EQ(connector().profile(kShop), (Profile{.name = "Shop",
                                                 .pictureUrl = "https://pps.whatsapp.net/a.jpg",
                                                 .isBusiness = true,
                                                 .businessName = "Shop Ltd",
                                                 .available = false}));
}

TEST_F(Simulator, IsCalled) {
  link();
  const Json call{{"type", "offer"}, {"from", "5511988880000"}, {"name", "Ana"}, {"isVideo", true}};
  const std::string id(post("call", call).body.at("callId").as_string());
  EXPECT_EQ(id.size(), 8u);
  EXPECT_EQ(host_.published[0].type, "call.update");
  EXPECT_EQ(
      host_.published[0].data,
      (Json{{"type", "offer"},
            {"status", "offer"},
            {"callId", id},
            {"timestamp", "2026-11-21T12:00:00Z"},
            {"from", {{"jid", "5511988880000@s.whatsapp.net"}, {"lid", nullptr}, {"name", "Ana"}}},
            {"creator", {{"jid", "5511988880000@s.whatsapp.net"}, {"lid", nullptr}}},
            {"isGroup", false},
            {"groupJid", nullptr},
            {"isVideo", true},
            {"media", "video"},
            {"platform", "simulator"},
            {"version", nullptr},
            {"reason", nullptr},
            {"autoRejected", false}}));
  post("call", {{"type", "terminated"}, {"callId", "A1"}, {"name", ""}, {"isVideo", false}});
  EXPECT_EQ(host_.published[1].data.at("reason"), "hangup");
  EXPECT_EQ(host_.published[1].data.at("callId"), "A1");
}

TEST_F(Simulator, WithoutALinkNothingHappensToIt) {
  for (const auto& [what, fields] : std::vector<std::pair<std::string, Json>>{
           {"disconnect", {{"reconnects", false}}},
           {"ban", {{"seconds", 1}, {"reason", "x"}}},
           {"ban", {{"reason", "x"}}},
           {"logout", Json(boost::json::object())},
           {"profile", {{"name", "x"}}},
           {"call", {{"type", "offer"}, {"name", ""}, {"isVideo", false}}}})
    EXPECT_EQ(refusalOf(Code::conflict, [&, &path = what, &body = fields] { post(path, body); }),
              "Instance is not linked")
        << what;
  EXPECT_TRUE(host_.published.empty());
}

TEST_F(Simulator, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refusalOf(Code::unsupported,
                      [&] {
                        connector().perform(kShop, "message.telegram", {{"text", "x"}});
                      }),
            "Not supported by the simulator connector");
}

TEST_F(Simulator, EveryExampleTravelsKeyByKey) {
  for (const auto& example : eventExamples()) {
    Json expected = example.data;
    if (example.event == "message.exchange") {
      expected.at("message") = completedMessage(example.data.at("message"));
      auto* media = expected.at("message").at("media").if_object();
      if (media) (*media)["base64"] = nullptr;  // the bytes travel behind the media key
    }
    const HttpReply reply = inject(example.event, example.data);
    EXPECT_EQ(reply.status, 202);
    const Event& event = host_.published.back();
    EXPECT_EQ(reply.body,
              (Json{{"success", true}, {"message", "Event injected"}, {"id", event.id}}));
    EXPECT_EQ(event.type, example.event);
    EXPECT_EQ(event.instance, kShop.id);
    EXPECT_EQ(event.data, expected) << example.name;
  }
}

TEST_F(Simulator, TellsTheChatThatEventsAreOrderedBy) {
  for (const auto& example : eventExamples()) {
    inject(example.event, example.data);
    const auto* chat = example.data.as_object().if_contains("chat");
    EXPECT_EQ(host_.published.back().chat, chat ? chat->at("jid").as_string() : "");
  }
}

TEST_F(Simulator, KeysOfOtherEventsAreTheirsWhateverTheyAreCalled) {
  for (const auto& example : eventExamples()) {
    if (example.event.starts_with("message.")) continue;
    Json data = example.data;
    data.as_object()["chat"] = {{"jid", 5}};
    data.as_object()["message"] = "hi";
    inject(example.event, data);
    EXPECT_EQ(host_.published.back().data, data);
    EXPECT_EQ(host_.published.back().chat + host_.published.back().mediaKey, "");
  }
}

TEST_F(Simulator, TheLeastThatMakesAMessage) {
  inject("message.exchange",
         {{"id", "3EB0"},
          {"direction", "incoming"},
          {"chat", {{"jid", "5511988880000@s.whatsapp.net"}, {"type", "private"}}},
          {"sender", {{"jid", "5511988880000@s.whatsapp.net"}}},
          {"message", {{"type", "text"}, {"content", "Good morning"}}}});
  const Json& data = host_.published.back().data;
  EXPECT_EQ(data.at("timestamp"), "2026-11-21T12:00:00Z");
  EXPECT_EQ(data.at("sender"),
            (Json{{"jid", "5511988880000@s.whatsapp.net"}, {"lid", nullptr}, {"name", ""}}));
  EXPECT_EQ(data.at("recipient"), Json(boost::json::object()));
  EXPECT_EQ(data.at("message"), completedMessage({{"type", "text"}, {"content", "Good morning"}}));
}

TEST_F(Simulator, SaysWhatIsWrong) {
  Json data = eventExamples().front().data;
  data.at("message").at("type") = "telegram";
  EXPECT_TRUE(refusalOf(Code::invalid, [&] {
                inject("message.exchange", data);
              }).starts_with("Invalid data: message.type must be one of: text, image, "));
  EXPECT_EQ(refusalOf(Code::invalid, [&] { inject("label.update", Json(boost::json::object())); }),
            "Invalid data: type is required");
  EXPECT_TRUE(host_.published.empty());
}

TEST_F(Simulator, AnEventThatWasNotAcceptedIsNotInjected) {
  host_.accepting = false;
  refusalOf(Code::unavailable, [&] { inject("message.exchange", eventExamples().front().data); });
  EXPECT_TRUE(host_.published.empty());
}

TEST_F(Simulator, MediaAreTheBytesThatWereInjected) {
  inject("message.exchange", image({{"type", "image"},
                                    {"mimetype", "image/png"},
                                    {"mimeType", "image/png"},
                                    {"fileName", "a.png"},
                                    {"base64", "AAEC/w=="}}));
  const Event& event = host_.published.back();
  EXPECT_EQ(event.data.at("message").at("media").at("size"), 4);
  const Media media = connector().media(kShop, event.mediaKey);
  EXPECT_EQ(media.mimeType, "image/png");
  EXPECT_EQ(media.fileName, "a.png");
  EXPECT_EQ(bytesOf(media, 100), std::string("\0\1\2\xff", 4));
}

TEST_F(Simulator, MediaWithoutBytesAreMadeAndAlwaysTheSame) {
  const auto keyOf = [&](const Json& size) {
    inject("message.exchange", image({{"type", "image"},
                                      {"mimetype", "image/png"},
                                      {"mimeType", "image/png"},
                                      {"size", size}}));
    return host_.published.back().mediaKey;
  };
  const auto bytes = bytesOf(connector().media(kShop, keyOf(100'000)), 1 << 20);
  EXPECT_EQ(bytes.size(), 100'000u);
  EXPECT_EQ(bytesOf(connector().media(kShop, keyOf(100'000)), 1 << 20), bytes);
  EXPECT_EQ(connector().media(kShop, keyOf(0)).size, 0u);
  EXPECT_EQ(connector().media(kShop, keyOf(nullptr)).size, 1024u);
  EXPECT_EQ(connector().media(kShop, keyOf(64 << 20)).size, 64u << 20);
  EXPECT_EQ(refusalOf(Code::tooLarge, [&] { connector().media(kShop, keyOf((64 << 20) + 1)); }),
            "Media is too large");
}

TEST_F(Simulator, WithoutMediaThereIsNoKey) {
  inject("message.exchange", eventExamples().front().data);
  EXPECT_EQ(host_.published.back().mediaKey, "");
}

}  // namespace
