// What settings make of what happens, over FakeHost.
#include "instance/settings_effects.hpp"

#include <gtest/gtest.h>

#include "instance/settings_block.hpp"
#include "pombo/testing/fake_host.hpp"

namespace pombo {
namespace {

const Instance kShop{{"i-1"}, {"a-1"}, "shop", "simulator", "connected", "5511@s.whatsapp.net", {}};
constexpr auto kAna = "5511988880000@s.whatsapp.net";

class SettingsEffectsTest : public ::testing::Test {
 protected:
  SettingsEffectsTest() {
    host.known = {kShop};
    block.start(host);
    host.performAnswers.emplace_back(Error(Code::unsupported, "no"));
    block.apply(kShop);
    host.performed.clear();
  }

  void set(Json settings) { host.documents[kShop.id] = std::move(settings); }
  static Event call(const char* type = "offer", const char* id = "A1") {
    return {.type = "call.update",
            .instance = kShop.id,
            .data = {{"type", type},
                     {"status", type},
                     {"callId", id},
                     {"timestamp", "2026-11-21T12:00:00Z"},
                     {"from", {{"jid", kAna}}},
                     {"autoRejected", false}}};
  }
  static Event message(const char* type, const char* chat, const char* direction = "incoming") {
    return {.type = "message.exchange",
            .instance = kShop.id,
            .data = {{"id", "3EB0"},
                     {"direction", direction},
                     {"chat", {{"jid", chat}}},
                     {"sender", {{"jid", kAna}}},
                     {"message", {{"type", type}}}}};
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    for (const auto& each : host.performed) all.push_back(each.operation);
    return all;
  }

  FakeHost host;
  SettingsBlock block;
};

using Operations = std::vector<std::string>;

TEST_F(SettingsEffectsTest, NothingIsKeptOfWhatTheyDo) {
  ASSERT_TRUE(host.eventDelivery);
  EXPECT_EQ(host.eventDelivery->keep, Keep::memory);
}

TEST_F(SettingsEffectsTest, ACallIsRejectedOnceAndItsCallerToldOnce) {
  set({{"autoRejectCalls", true}, {"callRejectMessage", "No calls"}});
  for (int i = 0; i < 3; ++i) host.performAnswers.emplace_back(Json());
  host.deliver(call());
  host.deliver(call());
  EXPECT_EQ(asked(), (Operations{"call.reject", "message.text"}));
  EXPECT_EQ(host.performed[0].arguments, (Json{{"callId", "A1"}, {"chat", kAna}}));
  EXPECT_EQ(
      host.performed[1].arguments,
      (Json{{"chat", kAna}, {"message", "No calls"}, {"linkPreview", false}, {"source", "api"}}));
  ASSERT_EQ(host.published.size(), 1u);
  EXPECT_EQ(host.published[0].data.at("type"), "rejected");
  EXPECT_EQ(host.published[0].data.at("status"), "rejected");
  EXPECT_EQ(host.published[0].data.at("autoRejected"), true);
  EXPECT_EQ(host.published[0].data.at("callId"), "A1");
}

TEST_F(SettingsEffectsTest, OfACallThatCouldNotBeRejectedNothingIsSaid) {
  set({{"autoRejectCalls", true}, {"callRejectMessage", "No calls"}});
  host.performAnswers.emplace_back(Error(Code::unsupported, "no"));
  EXPECT_EQ(host.deliver(call()).at("reject").outcome, Outcome::done);
  EXPECT_EQ(asked(), Operations{"call.reject"});
  EXPECT_TRUE(host.published.empty());
}

TEST_F(SettingsEffectsTest, ACallThatCouldNotBeRejectedIsWhenItIsToldOfAgain) {
  set({{"autoRejectCalls", true}});
  host.performAnswers.emplace_back(Error(Code::timedOut, "no"));
  host.deliver(call());
  EXPECT_TRUE(host.published.empty());
  host.performAnswers.emplace_back(Json());
  host.deliver(call("notification"));
  EXPECT_EQ(asked(), (Operations{"call.reject", "call.reject"}));
  EXPECT_EQ(host.published.size(), 1u);
}

TEST_F(SettingsEffectsTest, CallsOfOneDoNotHideThoseOfAnother) {
  Instance other = kShop;
  other.id = {"i-2"};
  host.known.push_back(other);
  set({{"autoRejectCalls", true}});
  host.documents[other.id] = {{"autoRejectCalls", true}};
  const auto reject = [&](const InstanceId& id, const std::string& name) {
    Event event = call("offer", name.c_str());
    event.instance = id;
    host.performAnswers.clear();
    host.performAnswers.emplace_back(Json());
    host.deliver(event);
  };
  reject(kShop.id, "A1");
  for (int i = 0; i < 2'000; ++i) reject(other.id, std::to_string(i));
  EXPECT_EQ(asked().size(), 2'001u);
  reject(kShop.id, "A1");
  EXPECT_EQ(asked().size(), 2'001u);
  block.forget(kShop);
  reject(kShop.id, "A1");
  EXPECT_EQ(asked().size(), 2'002u);
}

TEST_F(SettingsEffectsTest, OfACallWithoutACallerNobodyIsAsked) {
  set({{"autoRejectCalls", true}});
  for (const char* key : {"from", "callId"}) {
    Event event = call();
    event.data.as_object().erase(key);
    EXPECT_EQ(host.deliver(event).at("reject").outcome, Outcome::done) << key;
  }
  EXPECT_TRUE(host.performed.empty());
}

TEST_F(SettingsEffectsTest, OnlyWhatRingsIsRejected) {
  set({{"autoRejectCalls", true}});
  for (const char* type : {"accepted", "rejected", "terminated", "latency"})
    EXPECT_TRUE(host.deliver(call(type)).empty()) << type;
  EXPECT_EQ(host.deliver(call("notification")).count("reject"), 1u);
  set({{"autoRejectCalls", false}, {"callRejectMessage", "No calls"}});
  EXPECT_TRUE(host.deliver(call("offer", "A2")).empty());
  host.documents.clear();
  EXPECT_TRUE(host.deliver(call("offer", "A2")).empty());
}

TEST_F(SettingsEffectsTest, MessagesOfOthersAreRead) {
  set({{"autoReadMessages", true}});
  for (const auto& event : {message("text", kAna, "outgoing"), message("message_edit", kAna),
                            message("message_revoke", kAna), message("text", "status@broadcast"),
                            message("text", "1@newsletter")})
    EXPECT_TRUE(host.deliver(event).empty());
  Event old = message("text", kAna);
  old.data.as_object()["isHistory"] = true;
  EXPECT_TRUE(host.deliver(old).empty());
  host.performAnswers.emplace_back(Json());
  host.deliver(message("text", "1@g.us"));
  ASSERT_EQ(host.performed.size(), 1u);
  EXPECT_EQ(host.performed[0].operation, "chat.markRead");
  EXPECT_EQ(host.performed[0].arguments,
            (Json{{"chat", "1@g.us"}, {"messageId", "3EB0"}, {"sender", kAna}}));
}

TEST_F(SettingsEffectsTest, WhoIsLinkedIsShownOnline) {
  const Event linked{
      .type = "instance.state", .instance = kShop.id, .data = {{"state", "connected"}}};
  EXPECT_TRUE(host.deliver(linked).empty());
  set({{"keepOnlineStatus", true}});
  host.performAnswers.emplace_back(Json());
  host.deliver(linked);
  ASSERT_EQ(host.performed.size(), 1u);
  EXPECT_EQ(host.performed[0].operation, "profile.presence");
  EXPECT_EQ(host.performed[0].arguments, (Json{{"available", true}}));
  EXPECT_TRUE(
      host.deliver(
              {.type = "instance.state", .instance = kShop.id, .data = {{"state", "disconnected"}}})
          .empty());
}

TEST_F(SettingsEffectsTest, AChangeOfTheSettingIsShownAtOnceByWhoIsLinked) {
  const auto update = [&](const Instance& instance, bool online) {
    HttpRequest request = requestFor(instance);
    request.given = {"keepOnlineStatus"};
    request.fields = {{"keepOnlineStatus", online}};
    return host.call(Method::post, "/api/instance/settings/:instance", request).status;
  };
  Instance unlinked = kShop;
  unlinked.status = "disconnected";
  EXPECT_EQ(update(unlinked, true), 200);
  EXPECT_TRUE(host.performed.empty());
  host.performAnswers.emplace_back(Json());
  EXPECT_EQ(update(kShop, false), 200);
  ASSERT_EQ(host.performed.size(), 1u);
  EXPECT_EQ(host.performed[0].arguments, (Json{{"available", false}}));
  EXPECT_EQ(update(kShop, true), 200) << "whether or not the connector can";
}

// A connector that takes settings, or does not say.
class SettingsTakenTest : public ::testing::Test {
 protected:
  SettingsTakenTest() {
    host.known = {kShop};
    block.start(host);
    host.documents[kShop.id] = {{"autoRejectCalls", true}, {"callRejectMessage", "No calls"}};
  }
  void call() {
    host.deliver({.type = "call.update",
                  .instance = kShop.id,
                  .data = {{"type", "offer"}, {"callId", "A1"}, {"from", {{"jid", kAna}}}}});
  }

  FakeHost host;
  SettingsBlock block;
};

TEST_F(SettingsTakenTest, ByWhoeverTakesThemNothingElseIsAsked) {
  for (int i = 0; i < 2; ++i) host.performAnswers.emplace_back(Json(boost::json::object()));
  block.apply(kShop);
  ASSERT_EQ(host.performed.size(), 1u);
  EXPECT_EQ(host.performed[0].operation, "settings.apply");
  EXPECT_EQ(host.performed[0].arguments, host.documents[kShop.id]);
  call();
  EXPECT_EQ(host.performed.size(), 1u);
  HttpRequest request = requestFor(kShop);
  request.given = {"keepOnlineStatus"};
  request.fields = {{"keepOnlineStatus", true}};
  EXPECT_EQ(host.call(Method::post, "/api/instance/settings/:instance", request).status, 200);
  ASSERT_EQ(host.performed.size(), 2u) << "all of them once more, and no presence";
  EXPECT_EQ(host.performed[1].arguments, host.documents[kShop.id]);
}

TEST_F(SettingsTakenTest, WhoeverDoesNotSayIsAskedAgainAndDoesNothingTwice) {
  for (const Code code : {Code::unavailable, Code::timedOut}) {
    host.performAnswers.emplace_back(Error(code, "no"));
    call();
    EXPECT_EQ(host.performed.back().operation, "settings.apply");
  }
  EXPECT_EQ(host.performed.size(), 2u);
  EXPECT_EQ(host.counters["not_applied"], 1) << "what is not there yet is told before it links";
  host.performAnswers.emplace_back(Error(Code::unsupported, "no"));
  host.performAnswers.emplace_back(Error(Code::unsupported, "no"));
  call();
  EXPECT_EQ(host.performed.back().operation, "call.reject");
}

}  // namespace
}  // namespace pombo
