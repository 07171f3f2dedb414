// Events that leave through the webhook block, over a host in memory.
#include <set>

#include "watched_host.hpp"
#include "webhook_fixture.hpp"

namespace {

using namespace std::chrono_literals;

Event eventOf(const std::string& type) {
  return {.id = "e-1", .type = type, .instance = kShop.id, .data = {{"n", 1}}};
}

class WebhookDelivery : public WebhookOverHost {
 protected:
  WebhookDelivery() {
    host_.known = {kShop};
    host_.time = TimePoint(1'795'255'200s);
  }

  std::set<std::string> labelsFor(const std::string& type) {
    std::set<std::string> labels;
    for (const auto& [label, verdict] : host_.deliver(eventOf(type))) labels.insert(label);
    return labels;
  }
  // What the only webhook makes of an answer.
  Verdict judged(const IncomingReply& reply) {
    host_.replies = {reply};
    return host_.deliver(eventOf("call.update")).at("crm");
  }
  Json off(const std::string& label) { return set({{"label", label}, {"enabled", false}}); }

  HttpReply list(const object& query) {
    HttpRequest request = requestFor(kShop);
    request.query = filled(route(Method::get, kDeliveries).query, query);
    return host_.call(Method::get, kDeliveries, request);
  }
  HttpReply redeliver(const object& body) {
    HttpRequest request = requestFor(kShop);
    request.fields = filled(route(Method::post, kRedeliver).body, body);
    for (const auto& member : body) request.given.emplace_back(member.key());
    return host_.call(Method::post, kRedeliver, request);
  }
  Json test(const object& body = {}) {
    HttpRequest request = requestFor(kShop);
    request.fields = filled(route(Method::post, kTest).body, body);
    const auto reply = host_.call(Method::post, kTest, request);
    EXPECT_EQ(reply.status, 200);
    return reply.body;
  }
  void recorded(const std::string& id, const std::string& label,
                DeliveryStatus status = DeliveryStatus::dead, TimePoint at = {}) {
    host_.records.insert(host_.records.begin(),
                         {.id = id, .destination = label, .status = status, .createdAt = at});
  }

  static constexpr auto kDeliveries = "/api/events/deliveries/:instance";
  static constexpr auto kRedeliver = "/api/events/redeliver/:instance";
  static constexpr auto kTest = "/api/events/test/:instance";
};

std::vector<std::string> texts(const Json& list) {
  return boost::json::value_to<std::vector<std::string>>(list);
}

// The sink -------------------------------------------------------------------------------------

TEST_F(WebhookDelivery, SubscribesWithTheScheduleOfTheSpecification) {
  const Delivery expected{.keep = Keep::disk,
                          .retries = {5s, 30s, 2min, 10min, 30min, 2h, 6h, 12h, 24h},
                          .inFlight = 8,
                          .timeout = 15s};
  EXPECT_EQ(host_.httpDelivery, expected);
}

TEST_F(WebhookDelivery, TheOperatorSaysHowManyAtOnceAndForHowLong) {
  FakeHost host;
  host.configNode = {{"maxInFlight", 1}, {"timeoutSeconds", 2}};
  const std::unique_ptr<IBlockConfigurator> block(pombo_create());
  block->start(host);
  EXPECT_EQ(host.httpDelivery->inFlight, 1);
  EXPECT_EQ(host.httpDelivery->timeout, 2s);
}

TEST_F(WebhookDelivery, GoesToLabelsThatAreEnabledAndWantTheEvent) {
  EXPECT_EQ(labelsFor("call.update"), std::set<std::string>());
  on("all");
  on("calls", {{"events", {"call.update"}}});
  on("off", {{"events", {"call.update"}}});
  off("off");
  EXPECT_EQ(labelsFor("call.update"), (std::set<std::string>{"all", "calls"}));
  EXPECT_EQ(labelsFor("group.flow"), std::set<std::string>{"all"});
}

TEST_F(WebhookDelivery, AChangeCountsForTheNextAttempt) {
  on("crm", {{"authorization", "Bearer a"}});
  judged({.status = 500});
  on("crm", {{"url", "https://b.example/x?y"}, {"authorization", "Bearer b"}, {"byEvents", true}});
  judged({.status = 200});
  EXPECT_EQ(host_.requests[0].url, kUrl);
  EXPECT_EQ(host_.requests[0].headers.at("authorization"), "Bearer a");
  EXPECT_EQ(host_.requests[1].url, "https://b.example/x/call.update?y");
  EXPECT_EQ(host_.requests[1].headers.at("authorization"), "Bearer b");
}

TEST_F(WebhookDelivery, PostsTheEnvelopeWithinItsLimits) {
  on("crm");
  host_.replies = {{.status = 200}};
  host_.deliver(eventOf("call.update"), 7);
  const auto& request = host_.requests.at(0);
  EXPECT_EQ(request.method, Method::post);
  EXPECT_EQ(request.timeout, 15s);
  EXPECT_EQ(request.replyLimit, 4096u);
  EXPECT_EQ(request.through, std::nullopt) << "an instance's proxy is for its link";
  EXPECT_EQ(request.headers.at("x-pombo-attempt"), "7");
  EXPECT_EQ(request.headers.at("webhook-id"), "e-1");
  EXPECT_EQ(request.headers.at("x-pombo-instance"), "shop");
  EXPECT_EQ(request.headers.count("user-agent"), 0u) << "is the gateway's";
  const auto body = boost::json::parse(request.body);
  EXPECT_EQ(body.at("event"), "call.update");
  EXPECT_EQ(body.at("data"), (Json{{"n", 1}}));
}

TEST_F(WebhookDelivery, MediaGoAlongWhereTheyAreWanted) {
  Event event = eventOf("message.exchange");
  event.mediaKey = "m";
  on("a");
  on("b", {{"mediaBase64", true}});
  host_.deliver(event);
  EXPECT_EQ(host_.requests.at(0).body.find("base64"), std::string::npos);
  EXPECT_NE(host_.requests.at(1).body.find("base64 of m"), std::string::npos);
}

TEST_F(WebhookDelivery, AnAnswerIsReadAsTheSpecificationSays) {
  on("crm");
  for (const int status : {200, 201, 204, 299}) EXPECT_EQ(judged({.status = status}), Verdict());
  EXPECT_EQ(judged({.status = 410}), (Verdict{Outcome::drop, "gone", {}}));
  for (const int status : {100, 199, 300, 301, 307, 400, 401, 404, 411, 500, 503, 999})
    EXPECT_EQ(judged({.status = status}),
              (Verdict{Outcome::retry, "HTTP " + std::to_string(status), {}}));
  EXPECT_TRUE(row("crm").at("enabled").as_bool()) << "410 does not disable it";
}

TEST_F(WebhookDelivery, WhoeverAsksForPatienceGetsIt) {
  on("crm");
  const auto until = [&](int status, const std::string& value) {
    return judged({.status = status, .headers = {{"retry-after", value}}}).notBefore;
  };
  EXPECT_EQ(until(503, "60"), host_.time + 60s);
  EXPECT_EQ(until(302, "60"), host_.time + 60s);
  EXPECT_EQ(until(429, "999999999"), host_.time + 24h);
  EXPECT_EQ(until(503, "Sat, 21 Nov 2026 10:10:00 GMT"), host_.time + 10min);
  for (const auto* value : {"-1", "soon", "Sat, 21 Nov 2026 09:10:00 GMT"})
    EXPECT_EQ(until(503, value), std::nullopt);
}

TEST_F(WebhookDelivery, ARotationSignsWithBothKeys) {
  on("crm");
  const auto marks = [&] {
    judged({.status = 200});
    const auto& all = host_.requests.back().headers.at("webhook-signature");
    return std::count(all.begin(), all.end(), ',');
  };
  EXPECT_EQ(marks(), 1);
  on("crm", {{"rotateSecret", true}});
  EXPECT_EQ(marks(), 2);
  host_.time += 24h;
  EXPECT_EQ(marks(), 1);
}

// Disabled -------------------------------------------------------------------------------------

using Letters = std::vector<std::pair<std::string, std::string>>;

TEST_F(WebhookDelivery, WhatIsPendingIsGivenUpWithTheLabel) {
  on("crm");
  EXPECT_EQ(host_.givenUp, Letters());
  off("crm");
  EXPECT_EQ(host_.givenUp, (Letters{{"crm", "webhook disabled"}}));
}

TEST_F(WebhookDelivery, TheInlineSwitchGivesUpAsWell) {
  configure({{"webhookEnabled", true}, {"webhookURL", kUrl}});
  configure({{"webhookEnabled", false}});
  EXPECT_EQ(host_.givenUp, (Letters{{"default", "webhook disabled"}}));
}

TEST_F(WebhookDelivery, NothingIsGivenUpThatNeverWas) {
  off("crm");
  EXPECT_EQ(host_.givenUp, Letters());
}

TEST_F(WebhookDelivery, WithoutItsSecretsNothingIsSent) {
  on("crm");
  host_.sealed.clear();
  EXPECT_EQ(host_.deliver(eventOf("call.update")).at("crm"),
            (Verdict{Outcome::retry, "The secrets of the webhook are missing", {}}));
  EXPECT_TRUE(host_.requests.empty());
}

// With something happening after the document was loaded for the first, the second, ... time.
class WebhookMeanwhile : public ::testing::Test {
 protected:
  WebhookMeanwhile() {
    block_->start(host_);
    set({{"enabled", true}, {"url", kUrl}, {"authorization", "Bearer a"}});
  }
  void set(const object& given) {
    HttpRequest request = requestFor(kShop);
    for (const auto& each : fake_.declared)
      if (each.path == kSet && each.method == Method::post)
        request.fields = filled(each.body, given);
    fake_.call(Method::post, kSet, request);
  }
  Verdict deliver(int load, const object& meanwhile) {
    host_.afterLoading = [this, load, meanwhile] {
      if (++loads_ == load) set(meanwhile);
    };
    return fake_.deliver(eventOf("call.update")).at("default");
  }

  FakeHost fake_;
  WatchedHost host_{fake_};
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
  int loads_ = 0;
};

TEST_F(WebhookMeanwhile, WhatIsOnItsWayToADisabledLabelIsNotSent) {
  const Verdict verdict = deliver(1, {{"enabled", false}});
  EXPECT_NE(verdict.outcome, Outcome::done);
  EXPECT_EQ(verdict.reason, "webhook disabled");
  EXPECT_TRUE(fake_.requests.empty());
}

TEST_F(WebhookMeanwhile, AnAddressAndItsCredentialChangeTogether) {
  fake_.replies = {{.status = 200}};
  const object changed{
      {"enabled", true}, {"url", "https://b.example/"}, {"authorization", "Bearer b"}};
  EXPECT_EQ(deliver(2, changed), Verdict());
  EXPECT_EQ(fake_.requests.at(0).url, "https://b.example/");
  EXPECT_EQ(fake_.requests.at(0).headers.at("authorization"), "Bearer b");
}

// What became of them --------------------------------------------------------------------------

TEST_F(WebhookDelivery, TellsAllOfADelivery) {
  on("crm");
  host_.records = {{.id = "d-2",
                    .event = "e-2",
                    .type = "call.update",
                    .destination = "gone",
                    .createdAt = TimePoint(1'795'255'200s + 999ms)},
                   {.id = "d-1",
                    .event = "e-1",
                    .type = "message.exchange",
                    .destination = "crm",
                    .status = DeliveryStatus::dead,
                    .attempts = 10,
                    .httpStatus = 500,
                    .error = "HTTP 500",
                    .reason = "attempts exhausted",
                    .createdAt = TimePoint(1'795'000'000s),
                    .attemptedAt = TimePoint(1'795'255'200s),
                    .nextAt = TimePoint(1'795'255'300s)}};
  const auto body = list({}).body;
  EXPECT_EQ(body.at("success"), true);
  EXPECT_EQ(body.at("message"), "2 Deliveries found");
  EXPECT_EQ(body.at("nextCursor"), nullptr);
  EXPECT_EQ(serialize(body.at("deliveries").at(0)),
            R"({"id":"d-2","eventId":"e-2","event":"call.update","label":"gone","url":null,)"
            R"("status":"pending","attempts":0,"lastStatusCode":null,"lastError":null,)"
            R"("reason":null,"createdAt":"2026-11-21T10:00:00Z","lastAttemptAt":null,)"
            R"("nextAttemptAt":null})");
  EXPECT_EQ(serialize(body.at("deliveries").at(1)),
            R"({"id":"d-1","eventId":"e-1","event":"message.exchange","label":"crm",)"
            R"("url":"https://crm.example/wa","status":"dead","attempts":10,)"
            R"("lastStatusCode":500,"lastError":"HTTP 500","reason":"attempts exhausted",)"
            R"("createdAt":"2026-11-18T11:06:40Z","lastAttemptAt":"2026-11-21T10:00:00Z",)"
            R"("nextAttemptAt":"2026-11-21T10:01:40Z"})");
}

TEST_F(WebhookDelivery, ShowsTheAddressOfNowAndNoneOfADisabledLabel) {
  on("crm");
  recorded("d-1", "crm");
  on("crm", {{"url", "https://b.example/"}});
  EXPECT_EQ(list({}).body.at("deliveries").at(0).at("url"), "https://b.example/");
  off("crm");
  EXPECT_EQ(list({}).body.at("deliveries").at(0).at("url"), nullptr);
}

TEST_F(WebhookDelivery, PagesFollowOneAnother) {
  for (const auto* id : {"1", "2", "3", "4", "5"}) recorded(id, "crm");
  std::vector<std::string> pages;
  Json cursor;
  do {
    const auto body = list({{"limit", 2}, {"cursor", cursor}}).body;
    std::string ids(body.at("message").as_string());
    for (const auto& each : body.at("deliveries").as_array())
      ids += " " + std::string(each.at("id").as_string());
    pages.push_back(ids);
    cursor = body.at("nextCursor");
  } while (!cursor.is_null());
  EXPECT_EQ(pages, (std::vector<std::string>{"2 Deliveries found 5 4", "2 Deliveries found 3 2",
                                             "1 Delivery found 1"}));
  EXPECT_EQ(list({{"limit", 5}}).body.at("nextCursor"), nullptr) << "no page is empty";
  EXPECT_EQ(refusal([&] { list({{"cursor", "forged"}}); }), "Invalid cursor");
}

TEST_F(WebhookDelivery, ListsOnlyWhatIsAskedFor) {
  recorded("1", "a", DeliveryStatus::pending);
  recorded("2", "b", DeliveryStatus::dead);
  recorded("3", "a", DeliveryStatus::delivered);
  const auto ids = [&](const object& query) {
    std::string all;
    const auto body = list(query).body;
    for (const auto& each : body.at("deliveries").as_array()) all += each.at("id").as_string();
    return all;
  };
  EXPECT_EQ(ids({}), "321");
  EXPECT_EQ(ids({{"status", "pending"}}), "1");
  EXPECT_EQ(ids({{"status", "dead"}}), "2");
  EXPECT_EQ(ids({{"status", "delivered"}}), "3");
  EXPECT_EQ(ids({{"label", "a"}}), "31");
  EXPECT_EQ(ids({{"label", "a"}, {"status", "dead"}}), "");
}

// Once more ------------------------------------------------------------------------------------

TEST_F(WebhookDelivery, RedeliversWhatIsNamedAndTellsWhatItSkipped) {
  on("crm");
  on("off");
  off("off");
  recorded("1", "crm", DeliveryStatus::delivered);
  recorded("2", "off");
  recorded("3", "crm", DeliveryStatus::pending);
  recorded("4", "never was");
  const auto reply = redeliver({{"ids", {"x", "4", "3", "2", "1"}}});
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body.at("message"), "2 deliveries queued");
  EXPECT_EQ(reply.body.at("queued"), 2);
  EXPECT_EQ(texts(reply.body.at("skipped")), (std::vector<std::string>{"2", "4", "x"}));
  EXPECT_EQ(host_.redelivered, (std::vector<std::string>{"1", "3"})) << "the oldest first";
}

TEST_F(WebhookDelivery, WhatHasNoLabelYetMayBeAskedForAgain) {
  recorded("1", "");
  EXPECT_EQ(redeliver({{"ids", {"1"}}}).body.at("queued"), 1);
  EXPECT_EQ(host_.redelivered, std::vector<std::string>{"1"});
}

TEST_F(WebhookDelivery, OneIsOneAndNoneIsNone) {
  on("crm");
  recorded("1", "crm");
  EXPECT_EQ(redeliver({{"ids", {"1"}}}).body.at("message"), "1 delivery queued");
  EXPECT_EQ(redeliver({{"ids", {"2"}}}).body.at("message"), "0 deliveries queued");
}

TEST_F(WebhookDelivery, RedeliversTheDeadOnesOfALabelSinceThen) {
  on("crm");
  on("b");
  recorded("1", "crm", DeliveryStatus::dead, TimePoint(99s));
  recorded("2", "crm", DeliveryStatus::dead, TimePoint(100s));
  recorded("3", "crm", DeliveryStatus::pending, TimePoint(101s));
  recorded("4", "b", DeliveryStatus::dead, TimePoint(101s));
  recorded("5", "crm", DeliveryStatus::dead, TimePoint(101s));
  const auto reply = redeliver({{"label", "crm"}, {"since", "1970-01-01T00:01:40Z"}});
  EXPECT_EQ(reply.body, (Json{{"success", true},
                              {"message", "2 deliveries queued"},
                              {"queued", 2},
                              {"skipped", array()}}));
  EXPECT_EQ(host_.redelivered, (std::vector<std::string>{"2", "5"}));
}

TEST_F(WebhookDelivery, RedeliveryNeedsIdsOrALabelAndATime) {
  const std::string sentence = "Either ids or label and since are required";
  const auto said = [&](const object& body) { return refusal([&] { redeliver(body); }); };
  EXPECT_EQ(said({}), sentence);
  EXPECT_EQ(said({{"ids", array()}}), sentence);
  EXPECT_EQ(said({{"label", "crm"}}), sentence);
  EXPECT_EQ(said({{"since", "1970-01-01T00:01:40Z"}}), sentence);
  EXPECT_EQ(said({{"ids", {"1"}}, {"label", "crm"}, {"since", "1970-01-01T00:01:40Z"}}), sentence);
  EXPECT_EQ(said({{"label", "crm"}, {"since", "yesterday"}}),
            "The 'since' field must be an RFC 3339 timestamp");
  // As an empty text is read: it was there, and holds nothing.
  for (const auto& body : {object{{"label", nullptr}, {"since", "1970-01-01T00:01:40Z"}},
                           object{{"label", nullptr}}, object{{"ids", {"1"}}, {"label", nullptr}}})
    EXPECT_EQ(said(body), "The 'label' field must not be empty") << body;
  array many;
  for (int i = 0; i <= 1000; ++i) many.emplace_back(std::to_string(i));
  EXPECT_EQ(said({{"ids", many}}), "The 'ids' field must be between 1 and 1000");
  many.pop_back();
  EXPECT_EQ(said({{"ids", many}}), "");
}

// A test event ---------------------------------------------------------------------------------

TEST_F(WebhookDelivery, ATestEventIsPostedAtOnce) {
  on("default", {{"authorization", "Bearer k"}, {"events", {"call.update"}}, {"byEvents", true}});
  host_.replies = {{.status = 204, .body = "a\xff"}};
  EXPECT_EQ(serialize(test()),
            R"({"success":true,"message":"Test event delivered","delivery":{"accepted":true,)"
            R"("url":"https://crm.example/wa/instance.state","statusCode":204,"durationMs":0,)"
            "\"body\":\"a\xef\xbf\xbd\",\"error\":null}}");
  const auto& request = host_.requests.at(0);
  EXPECT_EQ(request.url, "https://crm.example/wa/instance.state");
  EXPECT_EQ(request.replyLimit, 4096u);
  EXPECT_EQ(request.timeout, 15s);
  EXPECT_EQ(request.headers.at("authorization"), "Bearer k");
  EXPECT_EQ(request.headers.at("x-pombo-event"), "instance.state");
  EXPECT_EQ(request.headers.at("x-pombo-attempt"), "1");
  EXPECT_TRUE(request.headers.at("webhook-signature").starts_with("v1,"));
  EXPECT_EQ(boost::json::parse(request.body).at("data"),
            (Json{{"state", "disconnected"},
                  {"timestamp", "2026-11-21T10:00:00Z"},
                  {"instance", "shop"},
                  {"status", "disconnected"},
                  {"test", true}}));
}

TEST_F(WebhookDelivery, ATestEventThatIsNotAcceptedIsNoError) {
  on("crm");
  host_.replies = {{.status = 302, .body = "elsewhere"}};
  const auto said = test({{"label", "crm"}});
  EXPECT_EQ(said.at("success"), true);
  EXPECT_EQ(said.at("message"), "Test event was not accepted");
  EXPECT_EQ(said.at("delivery"), (Json{{"accepted", false},
                                       {"url", kUrl},
                                       {"statusCode", 302},
                                       {"durationMs", 0},
                                       {"body", "elsewhere"},
                                       {"error", nullptr}}));
  const auto silent = test({{"label", "crm"}});
  EXPECT_EQ(silent.at("message"), "Test event was not accepted");
  EXPECT_EQ(silent.at("delivery"), (Json{{"accepted", false},
                                         {"url", kUrl},
                                         {"statusCode", nullptr},
                                         {"durationMs", 0},
                                         {"body", ""},
                                         {"error", "Nobody answered"}}));
}

TEST_F(WebhookDelivery, ATestEventNeedsAWebhookThatIsEnabled) {
  const auto said = [&](const object& body) -> std::pair<Code, std::string> {
    try {
      test(body);
      return {};
    } catch (const Error& error) {
      return {error.code, error.what()};
    }
  };
  EXPECT_EQ(said({}), (std::pair<Code, std::string>{Code::notFound, "Webhook not found"}));
  off("default");
  EXPECT_EQ(said({}), (std::pair<Code, std::string>{Code::invalid, "Webhook is disabled"}));
  EXPECT_TRUE(host_.requests.empty());
}

TEST_F(WebhookDelivery, OnlyTheTestAsksSomeoneElse) {
  for (const auto& each : host_.declared) EXPECT_EQ(each.slow, each.path == kTest) << each.path;
  EXPECT_EQ(route(Method::post, kRedeliver).status, 202);
}

}  // namespace
