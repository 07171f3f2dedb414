#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>

#include "integration_handover.hpp"
#include "integration_identity.hpp"
#include "watched_host.hpp"

using namespace pombo;

namespace {

const Instance kShop{
    {"i-1"}, {"a-1"}, "shop", "whatsapp", "disconnected", "", TimePoint(std::chrono::seconds(1))};
const std::string kCallbacks = "http://pombo.test/api/chatwoot/callback/";
const boost::json::object kOn{{"chatwootEnabled", true},
                              {"chatwootBaseUrl", "https://cw.example/"},
                              {"chatwootAccountId", 5},
                              {"chatwootApiToken", "canary-token"}};

// Over a host in memory, with a slice as core hands it out: checked, fallbacks filled in.
class Chatwoot : public ::testing::Test {
 protected:
  Chatwoot() {
    host_.configNode = {{"timeoutSeconds", 6}};
    host_.time = TimePoint(std::chrono::seconds(1'795'257'060));
    block_->start(watched_);
  }

  // Chatwoot has these inboxes, and answers the next call with `then`.
  void chatwootHas(const boost::json::array& inboxes, const Json& then = nullptr) {
    host_.replies.push_back({200, {}, serialize(Json{{"payload", inboxes}})});
    if (!then.is_null()) host_.replies.push_back({200, {}, serialize(then)});
  }
  static Json inbox(int id, const std::string& name, const std::string& url = "") {
    return {{"id", id}, {"name", name}, {"channel_type", "Channel::Api"}, {"webhook_url", url}};
  }
  boost::json::object with(const boost::json::object& changes) {
    auto all = kOn;
    for (const auto& each : changes) all[each.key()] = each.value();
    return all;
  }
  void configure(const boost::json::object& given, const Instance& instance = kShop) {
    boost::json::object all;
    for (const auto& field : block_->fields()) {
      const auto* value = given.if_contains(field.name);
      all[field.name] = value ? *value : field.fallback;
    }
    const Json values(std::move(all));
    block_->configure(instance, Fields(values));
  }
  Error refusalOf(const boost::json::object& given) {
    try {
      configure(given);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "not refused";
    return {Code::internal, ""};
  }
  // A request as core hands it to the handler of `set`.
  HttpReply set(const boost::json::object& given) {
    auto request = requestFor(kShop);
    boost::json::object all;
    for (const auto& field : setRoute().body) {
      const auto* value = given.if_contains(field.name);
      all[field.name] = value ? *value : field.fallback;
    }
    request.fields = std::move(all);
    return host_.call(Method::post, setRoute().path, request);
  }
  const Route& setRoute() { return host_.declared.at(0); }
  HttpReply list() {
    return host_.call(Method::get, "/api/chatwoot/list/:instance", requestFor(kShop));
  }
  HttpReply remove() {
    return host_.call(Method::del, "/api/chatwoot/delete/:instance", requestFor(kShop));
  }
  std::string secret(const std::string& name, const Instance& instance = kShop) {
    const auto it = host_.sealed.find({instance.id, name});
    return it == host_.sealed.end() ? "" : it->second;
  }
  void assertNothingIsKept() {
    EXPECT_TRUE(host_.documents.empty());
    EXPECT_TRUE(host_.sealed.empty());
    EXPECT_TRUE(host_.statements.empty());
  }

  FakeHost host_;
  WatchedHost watched_{host_};
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
};

const Json kEmpty{{"enabled", false},   {"status", nullptr},    {"bridgeIntegrationId", nullptr},
                  {"baseUrl", nullptr}, {"accountId", nullptr}, {"inboxName", nullptr}};

TEST_F(Chatwoot, EveryFieldAndOptionBearsTheWordOfTheBlockAndADoc) {
  for (const auto& field : block_->fields()) {
    EXPECT_TRUE(field.name.starts_with("chatwoot") && std::isupper(field.name[8])) << field.name;
    EXPECT_TRUE(field.doc.ends_with(".")) << field.name;
    EXPECT_EQ(field.secret, field.name == "chatwootApiToken") << field.name;
  }
  for (const auto& option : block_->options())
    EXPECT_TRUE(option.doc.ends_with(".")) << option.name;
}

TEST_F(Chatwoot, ShowsItsKeysBeforeItIsEverConfigured) {
  EXPECT_EQ(block_->summary(kShop), kEmpty);
}

// A create request -------------------------------------------------------------------------------

TEST_F(Chatwoot, MakesAnInboxAndShowsSixKeysOfIt) {
  chatwootHas({}, inbox(42, "Shop"));
  configure(with({{"chatwootInboxName", "Shop"}}));
  auto shown = block_->summary(kShop).as_object();
  const std::string id(shown.at("bridgeIntegrationId").as_string());
  EXPECT_TRUE(id.starts_with("int_")) << id;
  shown.erase("bridgeIntegrationId");
  EXPECT_EQ(shown, (boost::json::object{{"enabled", true},
                                        {"status", "active"},
                                        {"baseUrl", "https://cw.example"},
                                        {"accountId", 5},
                                        {"inboxName", "Shop"}}));
  ASSERT_EQ(host_.requests.size(), 2u);
  const auto& made = host_.requests[1];
  EXPECT_EQ(made.method, Method::post);
  EXPECT_EQ(made.url, "https://cw.example/api/v1/accounts/5/inboxes/");
  EXPECT_EQ(boost::json::parse(made.body).at("channel").at("webhook_url"),
            Json(kCallbacks + secret("callback")));
}

TEST_F(Chatwoot, TheInboxIsNamedAfterTheInstance) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  EXPECT_EQ(boost::json::parse(host_.requests.at(1).body).at("name"), "shop");
}

TEST_F(Chatwoot, TheTokenIsSealedAndNowhereElse) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  EXPECT_EQ(secret("apiToken"), "canary-token");
  const auto said = serialize(host_.documents.at(kShop.id)) + serialize(block_->summary(kShop));
  EXPECT_EQ(said.find("canary-token"), said.npos);
  EXPECT_EQ(said.find(secret("callback")), said.npos);
  for (const auto& statement : host_.statements)
    for (const auto& value : statement.values)
      EXPECT_NE(value, SqlValue(secret("callback"))) << "only its digest is in a table";
}

TEST_F(Chatwoot, TheCallsOfOneActivationStayWithinItsBudgetTogether) {
  for (const auto& option : block_->options())
    if (option.name == "timeoutSeconds") {
      EXPECT_LT(2 * *option.max, 15);
    }
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  ASSERT_EQ(host_.requests.size(), 2u);
  for (const auto& request : host_.requests)
    EXPECT_EQ(request.timeout, std::chrono::seconds(6)) << request.url;
}

TEST_F(Chatwoot, AUrlThatMayNotBeDialledIsRefusedBeforeItIs) {
  host_.refused["https://cw.example"] = "private address (operators: egress.allow)";
  const auto error = refusalOf(kOn);
  EXPECT_EQ(error.code, Code::invalid);
  EXPECT_STREQ(error.what(), "URL is not allowed: private address (operators: egress.allow)");
  EXPECT_TRUE(host_.requests.empty());
  assertNothingIsKept();
}

TEST_F(Chatwoot, AUrlToWhichNoPathCanBeAppendedIsNone) {
  for (const auto* url : {"https://cw.example/?a=b", "https://cw.example#top"})
    EXPECT_STREQ(refusalOf(with({{"chatwootBaseUrl", url}})).what(),
                 "The 'chatwootBaseUrl' field must be a valid http or https URL");
}

TEST_F(Chatwoot, WhatChatwootRefusesIsToldAndNothingIsKept) {
  for (const auto& [status, sentence] : std::vector<std::pair<int, std::string>>{
           {401, "Chatwoot API returned 401 - verifique o chatwootApiToken"},
           {403, "Chatwoot API returned 403 - verify that the token has admin scope on account 5"},
           {404, "Chatwoot API returned 404 - verify chatwootBaseUrl and chatwootAccountId"},
           {500, "Chatwoot API returned 500 - no *** for you"}}) {
    host_.replies = {{status, {}, R"({"error":"no canary-token for you"})"}};
    EXPECT_EQ(refusalOf(kOn).what(), sentence);
    assertNothingIsKept();
  }
}

TEST_F(Chatwoot, ASilentChatwootIsUnreachable) {
  EXPECT_STREQ(refusalOf(kOn).what(),
               "Chatwoot is unreachable - verify chatwootBaseUrl. Detail: Nobody answered");
  assertNothingIsKept();
}

TEST_F(Chatwoot, ConfiguredAgainItKeepsInboxIdAndSecret) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  const auto before = block_->summary(kShop);
  const auto callback = secret("callback");
  host_.time += std::chrono::hours(1);
  host_.statements.clear();
  chatwootHas({inbox(42, "shop", kCallbacks + callback)});
  configure(with({{"chatwootApiToken", "another"}, {"chatwootSignMessages", true}}));
  EXPECT_EQ(block_->summary(kShop), before);
  EXPECT_EQ(secret("callback"), callback);
  EXPECT_EQ(secret("apiToken"), "another");
  EXPECT_EQ(host_.documents.at(kShop.id).at("signMessages"), true);
  ASSERT_EQ(host_.statements.size(), 2u);
  EXPECT_EQ(host_.statements[1].values, (std::vector<SqlValue>{digestOf(callback), "i-1"}));
  EXPECT_EQ(host_.requests.size(), 3u);
}

TEST_F(Chatwoot, SetAgainWhileItIsDeletedItsCallbackIsKnownAgain) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  const auto callback = secret("callback");
  chatwootHas({inbox(42, "shop", kCallbacks + callback)});
  watched_.onDial = [&] { configure({{"chatwootEnabled", false}}); };
  configure(kOn);
  EXPECT_EQ(block_->summary(kShop).at("status"), "active");
  EXPECT_EQ(secret("callback"), callback);
  ASSERT_GE(host_.statements.size(), 2u);
  EXPECT_TRUE(host_.statements.back().sql.starts_with("INSERT INTO chatwoot_callbacks"));
  EXPECT_EQ(host_.statements.back().values, (std::vector<SqlValue>{digestOf(callback), "i-1"}));
}

TEST_F(Chatwoot, WithoutItsSecretTheOldInboxIsNotItsOwnAnyMore) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  host_.sealed.clear();
  chatwootHas({inbox(42, "shop", "https://elsewhere.example/")}, inbox(43, "shop"));
  configure(kOn);
  EXPECT_EQ(host_.documents.at(kShop.id).at("inboxId"), 43);
  EXPECT_EQ(secret("callback").size(), 43u);
}

TEST_F(Chatwoot, AnotherAccountUrlOrInboxIsAnotherIntegration) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  for (const auto& change : {boost::json::object{{"chatwootAccountId", 6}},
                             boost::json::object{{"chatwootBaseUrl", "https://other.example"}},
                             boost::json::object{{"chatwootInboxName", "Other"}}}) {
    const auto before = block_->summary(kShop);
    const auto callback = secret("callback");
    host_.rows = {{{{"instance_id", kShop.id.value}}}};
    chatwootHas({}, inbox(43, "x"));
    configure(with(change));
    EXPECT_NE(block_->summary(kShop).at("bridgeIntegrationId"), before.at("bridgeIntegrationId"));
    EXPECT_NE(secret("callback"), callback);
  }
}

TEST_F(Chatwoot, AnInboxOfAnotherInstanceIsNotAdopted) {
  host_.rows = {{{{"instance_id", "i-2"}}}};
  chatwootHas({inbox(41, "shop", kCallbacks + "theirs")}, inbox(42, "shop"));
  configure(kOn);
  EXPECT_EQ(host_.requests.at(1).method, Method::post);
  EXPECT_EQ(host_.documents.at(kShop.id).at("inboxId"), 42);
}

TEST_F(Chatwoot, SwitchedOffItKeepsNothing) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  host_.statements.clear();
  configure({{"chatwootEnabled", false}});
  EXPECT_EQ(block_->summary(kShop), kEmpty);
  EXPECT_TRUE(host_.sealed.empty());
  ASSERT_EQ(host_.statements.size(), 1u);
  EXPECT_TRUE(host_.statements[0].sql.starts_with("DELETE FROM chatwoot_callbacks"));
  EXPECT_EQ(host_.requests.size(), 2u) << "the inbox stays, and nobody asks for it";
}

TEST_F(Chatwoot, ForgetsTheDigestOfItsCallback) {
  block_->forget(kShop);
  ASSERT_EQ(host_.statements.size(), 1u);
  EXPECT_EQ(host_.statements[0].values, (std::vector<SqlValue>{"i-1"}));
  EXPECT_TRUE(host_.requests.empty());
}

// The routes -------------------------------------------------------------------------------------

TEST_F(Chatwoot, TheRouteTakesTheFieldsOfACreationUnderTheirNamesOrShorterOnes) {
  std::map<std::string, std::string> names;
  for (const auto& field : setRoute().body) names[field.name] = field.alias;
  EXPECT_EQ(names,
            (std::map<std::string, std::string>{{"chatwootBaseUrl", ""},
                                                {"chatwootAccountId", ""},
                                                {"chatwootApiToken", ""},
                                                {"inboxName", "chatwootInboxName"},
                                                {"signMessages", "chatwootSignMessages"},
                                                {"ignoreGroups", "chatwootIgnoreGroups"},
                                                {"startAsPending", "chatwootStartAsPending"},
                                                {"reopenResolved", "chatwootReopenResolved"}}));
  for (const auto& field : setRoute().body)
    EXPECT_EQ(field.need == Need::always, field.alias.empty()) << field.name;
  for (const auto& route : host_.declared) {
    EXPECT_EQ(route.access, Access::instance);
    EXPECT_EQ(route.bucket, Bucket::general);
    EXPECT_EQ(route.dialect, "chatwoot");
  }
}

const boost::json::object kSet{{"chatwootBaseUrl", "https://cw.example/"},
                               {"chatwootAccountId", 5},
                               {"chatwootApiToken", "canary-token"},
                               {"inboxName", "Shop"},
                               {"signMessages", true}};

TEST_F(Chatwoot, SetAsksChatwootAndThenHandsTheGatewayTheFieldsOfACreation) {
  chatwootHas({}, inbox(42, "Shop"));
  host_.provisionAnswers.push_back(Provisioned{
      kShop, {{"chatwoot", {{"status", "active"}, {"bridgeIntegrationId", "int_1"}}}}, {}});
  const auto reply = set(kSet);
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, (Json{{"instance", "shop"},
                              {"status", "active"},
                              {"bridge_integration_id", "int_1"},
                              {"message", "chatwoot integration activated"}}));
  ASSERT_EQ(host_.configured.size(), 1u);
  EXPECT_EQ(host_.configured[0].second, (Json{{"chatwootEnabled", true},
                                              {"chatwootBaseUrl", "https://cw.example/"},
                                              {"chatwootAccountId", 5},
                                              {"chatwootApiToken", "canary-token"},
                                              {"chatwootInboxName", "Shop"},
                                              {"chatwootSignMessages", true},
                                              {"chatwootIgnoreGroups", false},
                                              {"chatwootStartAsPending", false},
                                              {"chatwootReopenResolved", false}}));
}

TEST_F(Chatwoot, SetThatChatwootRefusesChangesNothing) {
  for (const auto& [status, code, sentence] : std::vector<std::tuple<int, Code, std::string>>{
           {401, Code::unauthorized,
            "Chatwoot rejected the API token - verify chatwootApiToken. Detail: no ***"},
           {403, Code::forbidden,
            "Chatwoot denied the request - verify the API token has admin scope on account 5. "
            "Detail: no ***"},
           {404, Code::invalid,
            "Chatwoot account or endpoint not found - verify chatwootBaseUrl (https://cw.example) "
            "and chatwootAccountId (5). Detail: no ***"},
           {503, Code::refused,
            "Chatwoot is unreachable - verify chatwootBaseUrl. Detail: no ***"}}) {
    host_.replies = {{status, {}, R"({"error":"no canary-token"})"}};
    try {
      set(kSet);
      ADD_FAILURE() << status;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, code);
      EXPECT_EQ(error.what(), sentence);
    }
  }
  EXPECT_TRUE(host_.configured.empty());
  EXPECT_EQ(host_.counters["set_refused"], 4);
  assertNothingIsKept();
}

TEST_F(Chatwoot, SetThatTheGatewayCouldNotKeepIsNoSuccess) {
  chatwootHas({}, inbox(42, "Shop"));
  host_.provisionAnswers.push_back(
      Provisioned{kShop, {{"chatwoot", {{"status", "error"}, {"error", "internal error"}}}}, {}});
  EXPECT_THROW(set(kSet), Error);
}

TEST(IntegrationHandover, WhatIsMadeIsTakenOnceByWhoWantsItWhileItIsOffered) {
  IntegrationHandover handover;
  const IntegrationWish wish{{"https://cw.example", 5, "token"}, "Shop", {}};
  auto other = wish;
  other.account.token = "another";
  {
    const IntegrationHandover::Offer offer(handover, "i-1", wish, {nullptr, "secret"});
    EXPECT_FALSE(handover.take("i-2", wish));
    EXPECT_FALSE(handover.take("i-1", other));
    EXPECT_EQ(handover.take("i-1", wish)->secret, "secret");
    EXPECT_FALSE(handover.take("i-1", wish));
  }
  { const IntegrationHandover::Offer offer(handover, "i-1", wish, {nullptr, "secret"}); }
  EXPECT_FALSE(handover.take("i-1", wish));
}

TEST_F(Chatwoot, ListShowsTheIntegrationAsChatwootHasItNow) {
  EXPECT_THROW(list(), Error);
  EXPECT_TRUE(host_.requests.empty());
  chatwootHas({}, inbox(42, "shop"));
  configure(with({{"chatwootSignMessages", true}}));
  host_.replies = {{200, {}, serialize(inbox(42, "Renamed"))}};
  auto shown = list().body.as_object();
  EXPECT_EQ(host_.requests.back().url, "https://cw.example/api/v1/accounts/5/inboxes/42/");
  EXPECT_EQ(shown.at("bridge_integration_id"), block_->summary(kShop).at("bridgeIntegrationId"));
  shown.erase("bridge_integration_id");
  EXPECT_EQ(shown, (boost::json::object{{"instance_name", "shop"},
                                        {"status", "active"},
                                        {"chatwoot_base_url", "https://cw.example"},
                                        {"chatwoot_account_id", 5},
                                        {"chatwoot_api_token", "canary-token"},
                                        {"chatwoot_inbox_id", 42},
                                        {"chatwoot_inbox_name", "Renamed"},
                                        {"last_error", ""},
                                        {"created_at", "2026-11-21T10:31:00Z"},
                                        {"sign_messages", true},
                                        {"ignore_groups", false},
                                        {"start_as_pending", false},
                                        {"reopen_resolved", false}}));
  EXPECT_EQ(block_->summary(kShop).at("inboxName"), "Renamed");
  const auto& described = host_.declared.at(1).reply.at("properties").as_object();
  for (const auto& each : shown) EXPECT_TRUE(described.contains(each.key())) << each.key();
}

TEST_F(Chatwoot, ListOfAChatwootThatDoesNotAnswerShowsWhatIsStored) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  const auto before = host_.documents;
  for (const int status : {0, 500, 200}) {
    if (status) host_.replies = {{status, {}, "<html>"}};
    const auto shown = list().body;
    EXPECT_EQ(shown.at("status"), "active");
    EXPECT_EQ(shown.at("last_error"), "");
    EXPECT_EQ(shown.at("chatwoot_inbox_name"), "shop");
  }
  EXPECT_EQ(host_.documents, before);
  EXPECT_EQ(host_.logLines.size(), 3u);
  EXPECT_EQ(host_.counters["refresh_failed"], 3);
}

TEST_F(Chatwoot, ListSaysWhatChatwootHasAgainstItUntilThatIsOver) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  host_.replies = {{404, {}, ""}};
  auto shown = list().body;
  EXPECT_EQ(shown.at("status"), "error");
  EXPECT_EQ(shown.at("last_error"),
            "Chatwoot API returned 404 - verify chatwootBaseUrl and chatwootAccountId");
  EXPECT_EQ(block_->summary(kShop).at("status"), "error");
  host_.replies = {{200, {}, serialize(inbox(42, "shop"))}};
  shown = list().body;
  EXPECT_EQ(shown.at("status"), "active");
  EXPECT_EQ(shown.at("last_error"), "");
}

TEST_F(Chatwoot, ListBringsNothingBackThatIsDeletedWhileChatwootThinks) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  host_.replies = {{200, {}, serialize(inbox(42, "Renamed"))}};
  watched_.onDial = [&] { configure({{"chatwootEnabled", false}}); };
  EXPECT_THROW(list(), Error);
  EXPECT_TRUE(host_.documents.empty());
}

// The gateway writes after configure() has returned, so a delete is done when it answers.
TEST_F(Chatwoot, ListBringsNothingBackThatIsDeletedAfterItsLastLook) {
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  host_.replies = {{200, {}, serialize(inbox(42, "Renamed"))}};
  host_.provisionAnswers.push_back(Provisioned{});
  std::thread deleting;
  std::promise<void> looked;
  int looks = 0;
  watched_.afterLoading = [&] {
    if (++looks != 2) return;  // list() has seen that nothing has changed, and is about to save
    deleting = std::thread([&] {
      looked.set_value();
      remove();
    });
    looked.get_future().wait();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  };
  watched_.onConfigure = [&] { configure({{"chatwootEnabled", false}}); };
  watched_.afterOpening = [&] {  // the token, which is shown when all is written
    if (deleting.joinable()) deleting.join();
  };
  list();
  EXPECT_FALSE(deleting.joinable());
  EXPECT_TRUE(host_.documents.empty());
}

TEST_F(Chatwoot, DeleteSwitchesOffWhatIsThere) {
  try {
    remove();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::notFound);
    EXPECT_STREQ(error.what(), "no chatwoot integration to delete");
  }
  chatwootHas({}, inbox(42, "shop"));
  configure(kOn);
  host_.provisionAnswers.push_back(Provisioned{});
  EXPECT_EQ(remove().body, (Json{{"message", "chatwoot integration deactivated"}}));
  ASSERT_EQ(host_.configured.size(), 1u);
  EXPECT_EQ(host_.configured[0].second, (Json{{"chatwootEnabled", false}}));
}

TEST_F(Chatwoot, ErrorsAreInLowerCaseWhereTheyAreItsOwn) {
  const auto& written = host_.dialects.at("chatwoot");
  const auto said = [&](const Refusal& refusal) {
    const Json body = written(refusal);
    EXPECT_EQ(body.as_object().size(), 2u);
    EXPECT_EQ(body.at("success"), false);
    return std::string(body.at("error").at("message").as_string());
  };
  EXPECT_EQ(said({.sentence = "Instance not found"}), "instance not found");
  EXPECT_EQ(said({.sentence = "Invalid request body", .detail = "not an object"}),
            "invalid body: not an object");
  EXPECT_EQ(said({.sentence = "The 'chatwootBaseUrl' field is required"}),
            "invalid body: The 'chatwootBaseUrl' field is required");
  for (const auto* same : {"Invalid token", "URL is not allowed: loopback address",
                           "Rate limit exceeded. Try again later."})
    EXPECT_EQ(said({.sentence = same}), same);
}

}  // namespace
