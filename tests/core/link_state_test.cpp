#include "instance/link_state.hpp"

#include <gtest/gtest.h>

#include "instance/qr_code.hpp"
#include "temp_gateway.hpp"

namespace pombo {
namespace {

constexpr auto kUnchanged = "banned";  // what it is before each row of the table
constexpr auto kJid = "5511999990000@s.whatsapp.net";

struct Case {
  Json data;
  std::string status;
  std::string number = "";
};

const std::vector<Case>& table() {
  static const std::vector<Case> cases{
      {{{"state", "qr_ready"}, {"codes", {"2@a", "2@b"}}}, "connecting"},
      {{{"state", "qr_ready"}, {"codes", boost::json::array()}, {"pairingCode", "ABCD1234"}},
       "connecting"},
      {{{"state", "qr_scanned_no_multidevice"}}, "connecting"},
      {{{"state", "pair_success"}, {"jid", kJid}, {"lid", "1@lid"}}, "connecting", kJid},
      {{{"state", "pair_error"}, {"jid", kJid}, {"reason", "no"}}, "disconnected"},
      {{{"state", "pair_error"}, {"reason", "passkey_required"}}, "disconnected"},
      {{{"state", "connected"}, {"jid", kJid}, {"lid", nullptr}}, "connected", kJid},
      {{{"state", "connected"}}, "connected"},
      {{{"state", "disconnected"}, {"reason", "closed"}}, "disconnected"},
      {{{"state", "disconnected"}, {"reason", "closed"}, {"reconnecting", true}}, "connecting"},
      {{{"state", "disconnected"}, {"reason", "closed"}, {"reconnecting", false}}, "disconnected"},
      {{{"state", "disconnected"}, {"reason", "shutdown"}}, "disconnected"},
      {{{"state", "logged_out"}, {"reason", "401: logged out"}, {"onConnect", true}}, "loggedout"},
      {{{"state", "logged_out"}, {"reason", "403: locked"}}, "loggedout"},
      {{{"state", "logged_out"}, {"reason", "406: banned"}, {"onConnect", true}}, "banned"},
      {{{"state", "logged_out"}, {"reason", "406"}}, "banned"},
      {{{"state", "logged_out"}, {"reason", "4060: no such code"}}, "loggedout"},
      {{{"state", "logged_out"}, {"reason", "requested"}}, "loggedout"},
      {{{"state", "temp_banned"}, {"code", 101}, {"reason", "x"}, {"expiresAt", nullptr}},
       "banned"},
      {{{"state", "client_outdated"}}, "disconnected"},
      {{{"state", "connect_failure"}, {"code", 503}, {"reason", "x"}}, "disconnected"},
      {{{"state", "stream_error"}, {"code", "515"}}, "connecting"},
      {{{"state", "stream_replaced"}}, "disconnected"},
      {{{"state", "cat_refresh_error"}, {"reason", "x"}}, "disconnected"},
      {{{"state", "keepalive_timeout"}, {"errorCount", 1}, {"jid", kJid}}, kUnchanged},
      {{{"state", "keepalive_restored"}}, kUnchanged},
      {{{"state", "manual_reconnect"}}, "connecting"},
      {{{"state", "of_a_later_release"}, {"jid", kJid}}, kUnchanged}};
  return cases;
}

class LinkStateTest : public ::testing::Test {
 protected:
  LinkStateTest() { gateway_.start(); }

  Instance made(const std::string& name, const std::string& status) {
    Instance instance = gateway_.create({{"name", name}}).instance;
    gateway_.store.database().commit([&](Session& session) {
      InstanceStore::move(session, instance.id, status, gateway_.clock.now());
    });
    return instance;
  }
  std::vector<Event> accept(std::vector<Event> events) {
    states_.complete(events);
    gateway_.store.database().commit([&](Session& session) { states_.apply(session, events); });
    return events;
  }
  static Event eventOf(const Instance& instance, const Json& data) {
    return {.type = "instance.state", .instance = instance.id, .data = data};
  }
  StoredInstance stored(const Instance& instance) { return *gateway_.instances.find(instance.id); }

  TempGateway gateway_;
  LinkStates states_{gateway_.instances, gateway_.clock};
};

TEST_F(LinkStateTest, EveryStateHasTheStatusOfTheTable) {
  int number = 0;
  for (const auto& each : table()) {
    const Instance instance = made("shop " + std::to_string(++number), kUnchanged);
    const Json told = accept({eventOf(instance, each.data)}).front().data;
    EXPECT_EQ(told.at("status"), Json(each.status)) << each.data;
    EXPECT_EQ(told.at("instance"), Json(instance.name));
    EXPECT_EQ(told.at("timestamp"), Json(rfc3339(gateway_.clock.now())));
    for (const auto& [key, value] : each.data.as_object()) EXPECT_EQ(told.at(key), value) << key;
    EXPECT_EQ(stored(instance).instance.status, each.status) << each.data;
    EXPECT_EQ(stored(instance).instance.numberJid, each.number) << each.data;
  }
}

TEST_F(LinkStateTest, TheKeysStandInTheOrderOfTheDocument) {
  const Instance instance = made("shop", "connecting");
  const Json told =
      accept({eventOf(instance, {{"jid", kJid}, {"state", "connected"}})}).front().data;
  std::vector<std::string> keys;
  for (const auto& member : told.as_object()) keys.emplace_back(member.key());
  EXPECT_EQ(keys, (std::vector<std::string>{"state", "timestamp", "instance", "status", "jid"}));
}

TEST_F(LinkStateTest, TheConnectorSaysWhenButNotOfWhomOrWhatItMeans) {
  const Instance instance = made("shop", "connecting");
  const Json told = accept({eventOf(instance, {{"state", "connected"},
                                               {"timestamp", "2026-11-21T12:15:00Z"},
                                               {"instance", "other"},
                                               {"status", "banned"}})})
                        .front()
                        .data;
  EXPECT_EQ(told.at("timestamp"), "2026-11-21T12:15:00Z");
  EXPECT_EQ(told.at("instance"), "shop");
  EXPECT_EQ(told.at("status"), "connected");
}

TEST_F(LinkStateTest, TheFirstOfTheCodesHasItsPicture) {
  const Instance instance = made("shop", "connecting");
  const auto told = accept({eventOf(instance, {{"state", "qr_ready"}, {"codes", {"2@a", "2@b"}}}),
                            eventOf(instance, {{"state", "qr_ready"},
                                               {"codes", boost::json::array()},
                                               {"pairingCode", "ABCD1234"}})});
  EXPECT_EQ(told[0].data.at("qrCodeBase64"), Json(*qrDataUrl("2@a")));
  EXPECT_FALSE(told[1].data.as_object().contains("qrCodeBase64"));
}

TEST_F(LinkStateTest, EventsOfABatchBuildOnOneAnother) {
  const Instance shop = made("shop", "disconnected"), other = made("other", "disconnected");
  const auto told = accept({eventOf(shop, {{"state", "connected"}, {"jid", kJid}}),
                            eventOf(other, {{"state", "keepalive_restored"}}),
                            eventOf(shop, {{"state", "keepalive_timeout"}})});
  EXPECT_EQ(told[1].data.at("status"), "disconnected");
  EXPECT_EQ(told[2].data.at("status"), "connected");
  EXPECT_EQ(stored(shop).instance.status, "connected");
  accept({eventOf(shop, {{"state", "logged_out"}, {"reason", "401: gone"}})});
  EXPECT_EQ(stored(shop).instance.numberJid, kJid) << "it is still known which number it was";
}

TEST_F(LinkStateTest, OtherEventsAndStrangersStayAsTheyAre) {
  const Instance shop = made("shop", "connected");
  const Event message{
      .type = "message.exchange", .instance = shop.id, .data = {{"state", "disconnected"}}};
  const Event gone{
      .type = "instance.state", .instance = {"gone"}, .data = {{"state", "connected"}}};
  EXPECT_EQ(accept({message, gone}), (std::vector<Event>{message, gone}));
  EXPECT_EQ(stored(shop).instance.status, "connected");
}

TEST_F(LinkStateTest, OddDataMeansNothing) {
  const Instance shop = made("shop", "connected");
  for (const Json& odd : {Json(), Json("connected"), Json{{"state", 7}},
                          Json{{"state", "no"}, {"codes", {1}}, {"jid", 5}},
                          Json{{"state", "keepalive_restored"}, {"codes", "x"}}}) {
    const Json told = accept({eventOf(shop, odd)}).front().data;
    EXPECT_EQ(told.at("status"), "connected") << odd;
    EXPECT_FALSE(told.as_object().contains("qrCodeBase64"));
  }
  EXPECT_EQ(stored(shop).instance.status, "connected");
}

TEST_F(LinkStateTest, ATimeOutIsOnlyOfOneThatIsConnecting) {
  const Json timeOut{{"state", "disconnected"}, {"reason", "pairing_timeout"}};
  const Instance waiting = made("waiting", "connecting");
  accept({eventOf(waiting, timeOut)});
  EXPECT_EQ(stored(waiting).instance.status, "disconnected");
  for (const auto* status : {"connected", "disconnected", "loggedout", "banned"}) {
    const Instance other = made(std::string("a ") + status, status);
    try {
      accept({eventOf(other, timeOut)});
      ADD_FAILURE() << status;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::conflict);
    }
    EXPECT_EQ(stored(other).instance.status, status);
  }
}

TEST_F(LinkStateTest, OnceClosedOnlyTheStopOfTheServerIsAccepted) {
  const Instance shop = made("shop", "connected");
  states_.close(gateway_.store.database());
  try {
    accept({eventOf(shop, {{"state", "stream_replaced"}})});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::unavailable);
    EXPECT_STREQ(error.what(), "Server is shutting down");
  }
  EXPECT_EQ(stored(shop).instance.status, "connected");
  accept({eventOf(shop, {{"state", "disconnected"}, {"reason", "shutdown"}})});
  EXPECT_EQ(stored(shop).instance.status, "disconnected");
}

TEST_F(LinkStateTest, ABanEndsByItselfWhenItSaysSo) {
  const auto end = [&](const Json& expires) {
    return Json{{"state", "temp_banned"}, {"code", 101}, {"expiresAt", expires}};
  };
  const TimePoint now = gateway_.clock.now();
  const Instance soon = made("soon", "connected"), later = made("later", "connected"),
                 never = made("never", "connected"), odd = made("odd", "connected"),
                 far = made("far", "connected"), good = made("good", "connected"),
                 out = made("out", "connected");
  accept({eventOf(soon, end(Json(rfc3339(now + std::chrono::seconds(10))))),
          eventOf(later, end(Json(rfc3339(now + std::chrono::seconds(20))))),
          eventOf(never, end(nullptr)), eventOf(odd, end(Json("2026-02-31T00:00:00Z"))),
          eventOf(far, end(Json("9999-12-31T23:59:59Z"))),
          eventOf(good, {{"state", "logged_out"}, {"reason", "406: banned"}}),
          eventOf(out, end(Json(rfc3339(now + std::chrono::seconds(10))))),
          eventOf(out, {{"state", "logged_out"}, {"reason", "requested"}})});
  EXPECT_FALSE(gateway_.instances.hasBansToEnd(now + std::chrono::seconds(9)));
  EXPECT_TRUE(gateway_.instances.hasBansToEnd(now + std::chrono::seconds(10)));
  gateway_.store.database().commit(
      [&](Session& session) { InstanceStore::endBans(session, now + std::chrono::seconds(10)); });
  EXPECT_EQ(stored(soon).instance.status, "disconnected");
  for (const auto& each : {later, never, odd, far, good})
    EXPECT_EQ(stored(each).instance.status, "banned") << each.name;
  EXPECT_EQ(stored(out).instance.status, "loggedout");
  EXPECT_FALSE(gateway_.instances.hasBansToEnd(now + std::chrono::seconds(10)));
}

TEST_F(LinkStateTest, ManyAreCompletedAtOnce) {
  std::vector<Event> events;
  for (int i = 0; i < 120; ++i)
    events.push_back(eventOf(made("shop " + std::to_string(i), "connected"),
                             {{"state", "disconnected"}, {"reason", "shutdown"}}));
  events.push_back({.type = "instance.state", .instance = {"gone"}, .data = {{"state", "x"}}});
  const auto told = accept(events);
  for (int i = 0; i < 120; ++i)
    EXPECT_EQ(told[std::size_t(i)].data.at("instance"), Json("shop " + std::to_string(i)));
  EXPECT_EQ(told.back().data, events.back().data);
}

TEST_F(LinkStateTest, WhatACallThatWaitsForACodeLearns) {
  const auto kindOf = [](const Json& data) {
    const auto outcome = outcomeOf(data);
    if (!outcome) return std::string("nothing");
    if (!outcome->link) return "no: " + outcome->reason;
    return std::to_string(static_cast<int>(outcome->link->kind)) + " " + outcome->link->code;
  };
  const auto kind = [](Link::Kind each) { return std::to_string(static_cast<int>(each)) + " "; };
  EXPECT_EQ(kindOf({{"state", "qr_ready"}, {"codes", {"2@a", "2@b"}}}),
            kind(Link::Kind::qr) + "2@a");
  EXPECT_EQ(kindOf({{"state", "qr_ready"}, {"pairingCode", "ABCD1234"}}),
            kind(Link::Kind::pairing) + "ABCD1234");
  EXPECT_EQ(kindOf({{"state", "connected"}, {"jid", kJid}}), kind(Link::Kind::connected));
  EXPECT_EQ(kindOf({{"state", "pair_error"}, {"reason", "no"}}), "no: no");
  EXPECT_EQ(kindOf({{"state", "client_outdated"}}), "no: client_outdated");
  for (const auto* state : {"pair_success", "stream_error", "keepalive_timeout", "unheard of"})
    EXPECT_EQ(kindOf({{"state", state}}), "nothing") << state;
}

TEST_F(LinkStateTest, TheRowSaysWhenItChanged) {
  const Instance shop = made("shop", "connected");
  gateway_.clock.time += std::chrono::hours(1);
  accept({eventOf(shop, {{"state", "keepalive_timeout"}})});
  EXPECT_LT(stored(shop).updatedAt, gateway_.clock.now());
  accept({eventOf(shop, {{"state", "stream_replaced"}})});
  EXPECT_EQ(rfc3339(stored(shop).updatedAt), rfc3339(gateway_.clock.now()));
}

}  // namespace
}  // namespace pombo
