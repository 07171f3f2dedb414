#include "webhook_fixture.hpp"

namespace {

using Webhook = WebhookOverHost;

// In a create request --------------------------------------------------------------------------

TEST_F(Webhook, EveryFieldAndOptionBearsTheWordOfTheBlockAndADoc) {
  for (const auto& field : block_->fields()) {
    EXPECT_TRUE(field.name.starts_with("webhook") && std::isupper(field.name[7])) << field.name;
    EXPECT_TRUE(field.doc.ends_with(".")) << field.name;
  }
  for (const auto& option : block_->options())
    EXPECT_TRUE(option.doc.ends_with(".")) << option.name;
}

TEST_F(Webhook, WhatIsSecretIsDeclaredSo) {
  for (const auto& field : block_->fields())
    EXPECT_EQ(field.secret, field.name == "webhookAuthorization") << field.name;
  for (const auto& field : route(Method::post, kSet).body)
    EXPECT_EQ(field.secret, field.name == "authorization") << field.name;
}

TEST_F(Webhook, ShowsItsKeysBeforeItIsEverConfigured) {
  EXPECT_EQ(block_->summary(kShop),
            (Json{{"enabled", false}, {"url", nullptr}, {"events", array()}}));
}

TEST_F(Webhook, KeepsWhatItIsToldAndShowsThreeKeysOfIt) {
  configure({{"webhookEnabled", true},
             {"webhookURL", kUrl},
             {"webhookByEvents", true},
             {"webhookEvents", {"message.exchange", "call.update"}},
             {"webhookMediaBase64", true}});
  EXPECT_EQ(
      block_->summary(kShop),
      (Json{{"enabled", true}, {"url", kUrl}, {"events", {"message.exchange", "call.update"}}}));
  EXPECT_EQ(row("default").at("byEvents"), true);
  EXPECT_EQ(row("default").at("mediaBase64"), true);
}

TEST_F(Webhook, AUrlThatIsMissingReadsAsOneThatIsNone) {
  for (const auto& table : {block_->fields(), route(Method::post, kSet).body}) {
    const auto url = std::find_if(table.begin(), table.end(),
                                  [](const Field& field) { return field.type == Type::url; });
    ASSERT_NE(url, table.end());
    EXPECT_EQ(url->fallback, Json("")) << "so that core refuses it as it does any other";
  }
}

TEST_F(Webhook, AUrlThatMayNotBeDialledIsRefusedBeforeAnythingIsKept) {
  host_.refused["http://10.0.0.1/"] = "private address (operators: egress.allow)";
  const std::string sentence = "URL is not allowed: private address (operators: egress.allow)";
  EXPECT_EQ(refusalOf({{"webhookEnabled", true}, {"webhookURL", "http://10.0.0.1/"}}), sentence);
  EXPECT_EQ(refusalOfSet({{"enabled", true}, {"url", "http://10.0.0.1/"}}), sentence);
  EXPECT_TRUE(host_.documents.empty());
  EXPECT_TRUE(host_.sealed.empty());
  EXPECT_EQ(refusalOfSet({{"enabled", false}, {"url", "http://10.0.0.1/"}}), "")
      << "it is not kept";
}

TEST_F(Webhook, DoesNotDialOut) {
  configure({{"webhookEnabled", true}, {"webhookURL", kUrl}});
  on("crm");
  EXPECT_TRUE(host_.requests.empty());
}

TEST_F(Webhook, SwitchedOffItForgetsAllButItsSigningKey) {
  configure({{"webhookEnabled", true}, {"webhookURL", kUrl}, {"webhookAuthorization", "Bearer x"}});
  const Json before = row("default");
  EXPECT_EQ(before.at("authorization"), "Bearer x");
  configure({{"webhookEnabled", false}});
  EXPECT_EQ(block_->summary(kShop),
            (Json{{"enabled", false}, {"url", nullptr}, {"events", array()}}));
  EXPECT_EQ(row("default").at("authorization"), nullptr);
  EXPECT_EQ(row("default").at("secret"), before.at("secret")) << "receivers need not learn another";
}

TEST_F(Webhook, SwitchedOffBeforeItEverWasOnLeavesNothing) {
  configure({{"webhookEnabled", false}});
  EXPECT_TRUE(host_.documents.empty());
  EXPECT_TRUE(host_.sealed.empty());
}

// By label -------------------------------------------------------------------------------------

TEST_F(Webhook, AnswersWithTheWholeRow) {
  const Json row = set({{"enabled", true},
                        {"url", kUrl},
                        {"authorization", "Bearer k-123"},
                        {"byEvents", true},
                        {"events", {"message.exchange"}},
                        {"mediaBase64", true}});
  const std::string secret(row.at("secret").as_string());
  EXPECT_TRUE(secret.starts_with("whsec_"));
  EXPECT_EQ(secret.size(), 6 + 44u);  // 32 bytes in base64
  EXPECT_EQ(row, (Json{{"label", "default"},
                       {"enabled", true},
                       {"url", kUrl},
                       {"authorization", "Bearer k-123"},
                       {"byEvents", true},
                       {"events", {"message.exchange"}},
                       {"mediaBase64", true},
                       {"secret", secret}}));
  EXPECT_EQ(this->row("default"), row);
}

TEST_F(Webhook, TheDefaultLabelIsTheOneOfACreateRequest) {
  configure({{"webhookEnabled", true}, {"webhookURL", "https://a.example/"}});
  const Json secret = row("default").at("secret");
  const Json changed = set({{"enabled", true}, {"url", "https://b.example/"}});
  EXPECT_EQ(changed.at("secret"), secret);
  EXPECT_EQ(block_->summary(kShop).at("url"), "https://b.example/");
  on("crm");
  EXPECT_EQ(block_->summary(kShop).at("url"), "https://b.example/") << "another label is not shown";
}

TEST_F(Webhook, EveryFieldIsReplacedAndTheSigningKeyStays) {
  const Json first = on("crm", {{"authorization", "Bearer x"},
                                {"byEvents", true},
                                {"events", {"call.update"}},
                                {"mediaBase64", true}});
  const Json second = on("crm");
  EXPECT_EQ(second, (Json{{"label", "crm"},
                          {"enabled", true},
                          {"url", kUrl},
                          {"authorization", nullptr},
                          {"byEvents", false},
                          {"events", array()},
                          {"mediaBase64", false},
                          {"secret", first.at("secret")}}));
  EXPECT_EQ(row("crm"), second);
}

TEST_F(Webhook, DisabledItKeepsItsRowAndItsSigningKeyAndNothingElse) {
  const Json before = on("crm", {{"authorization", "Bearer x"}, {"byEvents", true}});
  const Json after = set({{"label", "crm"},
                          {"enabled", false},
                          {"url", kUrl},
                          {"authorization", "Bearer y"},
                          {"byEvents", true},
                          {"events", {"call.update"}},
                          {"mediaBase64", true}});
  EXPECT_EQ(after, (Json{{"label", "crm"},
                         {"enabled", false},
                         {"url", nullptr},
                         {"authorization", nullptr},
                         {"byEvents", false},
                         {"events", array()},
                         {"mediaBase64", false},
                         {"secret", before.at("secret")}}));
  EXPECT_EQ(row("crm"), after);
  EXPECT_EQ(sealed().find("Bearer"), std::string::npos);
}

TEST_F(Webhook, ReadsAllSortedByLabelOrOne) {
  EXPECT_EQ(get().body, (Json{{"success", true},
                              {"message", "Webhooks retrieved successfully"},
                              {"webhooks", array()}}));
  const Json b = on("b"), a = on("a"), off = set({{"label", "c"}, {"enabled", false}});
  EXPECT_EQ(get().body.at("webhooks"), (Json{a, b, off}));
  EXPECT_EQ(
      get({{"label", "b"}}, {"label"}).body,
      (Json{{"success", true}, {"message", "Webhook retrieved successfully"}, {"webhook", b}}));
}

TEST_F(Webhook, AnEmptyLabelAsksForTheDefault) {
  on("b");
  const auto asked = [&] { return get({{"label", nullptr}}, {"label"}); };
  EXPECT_THROW(asked(), Error);
  const Json row = set({{"enabled", false}});
  EXPECT_EQ(asked().body.at("webhook"), row);
}

TEST_F(Webhook, AnUnknownLabelIsNotFound) {
  on("b");
  try {
    row("B");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::notFound);
    EXPECT_STREQ(error.what(), "Webhook not found");
  }
}

TEST_F(Webhook, TheSecondSpellingOfReadingIsTheSame) {
  on("b");
  EXPECT_EQ(host_.call(Method::get, kSet, requestFor(kShop)).body, get().body);
}

TEST_F(Webhook, WithoutANameTheInstancesOwnTokenSaysWhich) {
  const Json row = set({{"enabled", true}, {"url", kUrl}}, "/api/events/webhook");
  EXPECT_EQ(this->row("default"), row);
  HttpRequest nobodys;
  nobodys.account = kShop.account;
  EXPECT_EQ(refusal([&] { host_.call(Method::post, "/api/events/webhook", nobodys); }),
            "Instance name is required");
}

TEST_F(Webhook, TheFourthThatIsEnabledIsRefused) {
  configure({{"webhookEnabled", true}, {"webhookURL", kUrl}});
  on("b");
  on("c");
  const std::string sentence = "Maximum of 3 enabled webhooks per instance";
  const auto documents = host_.documents;
  const auto secrets = host_.sealed;
  EXPECT_EQ(refusalOfSet({{"label", "d"}, {"enabled", true}, {"url", kUrl}}), sentence);
  EXPECT_EQ(host_.documents, documents);
  EXPECT_EQ(host_.sealed, secrets);

  set({{"label", "d"}, {"enabled", false}});
  EXPECT_EQ(refusalOfSet({{"label", "d"}, {"enabled", true}, {"url", kUrl}}), sentence);
  on("c", {{"byEvents", true}});  // one of the three may change
  set({{"label", "b"}, {"enabled", false}});
  on("d");
  // The inline block is counted like any other.
  set({{"enabled", false}});
  on("b");
  EXPECT_EQ(refusalOf({{"webhookEnabled", true}, {"webhookURL", kUrl}}), sentence);
}

TEST_F(Webhook, TheOperatorSaysHowManyMayBeEnabled) {
  FakeHost host;
  host.configNode = {{"maxEnabled", 1}};
  const std::unique_ptr<IBlockConfigurator> block(pombo_create());
  block->start(host);
  HttpRequest request = requestFor(kShop);
  const object first{{"label", "a"}, {"enabled", true}, {"url", kUrl}};
  const auto& body = route(Method::post, kSet).body;
  request.fields = filled(body, first);
  host.call(Method::post, kSet, request);
  request.fields = filled(body, with(first, {{"label", "b"}}));
  EXPECT_EQ(refusal([&] { host.call(Method::post, kSet, request); }),
            "Maximum of 1 enabled webhooks per instance");
}

TEST_F(Webhook, TwentyLabelsAreEnough) {
  for (int i = 0; i < 20; ++i) set({{"label", std::to_string(i)}, {"enabled", false}});
  EXPECT_EQ(refusalOfSet({{"label", "20"}, {"enabled", false}}),
            "Maximum of 20 webhooks per instance");
  set({{"label", "7"}, {"enabled", true}, {"url", kUrl}});
  EXPECT_EQ(get().body.at("webhooks").as_array().size(), 20u);
}

// Secrets --------------------------------------------------------------------------------------

TEST_F(Webhook, WhatIsSecretIsSealedAndNowhereElse) {
  configure({{"webhookEnabled", true}, {"webhookURL", kUrl}, {"webhookAuthorization", "canary-1"}});
  const Json row = on("crm", {{"authorization", "canary-2"}});
  const std::string key(row.at("secret").as_string());
  EXPECT_NE(sealed().find("canary-1"), std::string::npos);
  EXPECT_NE(sealed().find("canary-2"), std::string::npos);
  std::string open = serialize(host_.documents.at(kShop.id)) + serialize(block_->summary(kShop));
  for (const auto& line : host_.logLines) open += line.message + serialize(line.fields);
  for (const auto& secret : {std::string("canary"), key})
    EXPECT_EQ(open.find(secret), std::string::npos) << secret;
}

TEST_F(Webhook, ASealedValueGoesWithTheRowItWasFor) {
  on("crm", {{"authorization", "Bearer x"}});
  const auto before = host_.documents.at(kShop.id);
  const auto sealedBefore = host_.sealed;
  on("crm", {{"url", "https://other.example/"}, {"authorization", "Bearer y"}});
  EXPECT_EQ(host_.sealed.size(), 1u);

  // As a crash between the first two of its writes would leave it: the row as it was.
  host_.documents[kShop.id] = before;
  host_.sealed.insert(sealedBefore.begin(), sealedBefore.end());
  EXPECT_EQ(row("crm").at("authorization"), "Bearer x");
  EXPECT_EQ(row("crm").at("url"), kUrl);
  on("crm");
  EXPECT_EQ(host_.sealed.size(), 1u);
}

TEST_F(Webhook, WhatACrashLeftBehindGoesWithTheNextChange) {
  on("crm", {{"authorization", "Bearer x"}});
  const auto first = host_.sealed;
  on("crm");
  host_.sealed.insert(first.begin(), first.end());  // it was to be erased, and was not
  EXPECT_EQ(row("crm").at("authorization"), nullptr);
  on("crm");
  EXPECT_EQ(sealed().find("Bearer x"), std::string::npos);
}

TEST_F(Webhook, EveryLabelAndEveryInstanceHasASigningKeyOfItsOwn) {
  const Json a = on("a"), b = on("b");
  EXPECT_NE(a.at("secret"), b.at("secret"));
  Instance other = kShop;
  other.id = {"i-2"};
  HttpRequest request = requestFor(other);
  request.fields =
      filled(route(Method::post, kSet).body, {{"label", "a"}, {"enabled", true}, {"url", kUrl}});
  const auto reply = host_.call(Method::post, kSet, request);
  EXPECT_NE(reply.body.at("webhook").at("secret"), a.at("secret"));
  EXPECT_EQ(row("a"), a);
}

TEST_F(Webhook, ARotatedKeyStaysBesideTheNewOneForADay) {
  host_.time = TimePoint(std::chrono::hours(1000));
  const std::string first(on("crm").at("secret").as_string());
  const std::string second(on("crm", {{"rotateSecret", true}}).at("secret").as_string());
  EXPECT_NE(first, second);
  EXPECT_EQ(row("crm").at("secret"), Json(second));
  const auto former = [&] { return sealed().find(first) != std::string::npos; };
  EXPECT_TRUE(former());
  const auto until = std::chrono::milliseconds(std::chrono::hours(1024)).count();
  EXPECT_NE(sealed().find("\"formerKeyUntil\":" + std::to_string(until)), std::string::npos);

  host_.time += std::chrono::hours(24) - std::chrono::milliseconds(1);
  EXPECT_EQ(on("crm").at("secret"), Json(second));
  EXPECT_TRUE(former()) << "a change in between is no reason to drop it";
  host_.time += std::chrono::milliseconds(1);
  on("crm");
  EXPECT_FALSE(former());
}

TEST_F(Webhook, ARotationBesideARotationKeepsTheLastTwoKeys) {
  const auto rotated = [&] {
    return std::string(on("crm", {{"rotateSecret", true}}).at("secret").as_string());
  };
  const auto first = rotated(), second = rotated(), third = rotated();
  EXPECT_EQ(sealed().find(first), std::string::npos);
  EXPECT_NE(sealed().find(second), std::string::npos);
  EXPECT_EQ(row("crm").at("secret"), Json(third));
}

TEST_F(Webhook, ANewLabelHasNothingToRotate) {
  on("crm", {{"rotateSecret", true}});
  EXPECT_EQ(sealed().find("formerKey"), std::string::npos);
}

}  // namespace
