#include "block/registry.hpp"

#include <gtest/gtest.h>

#include "instance/settings_block.hpp"
#include "observe/request_scope.hpp"
#include "temp_gateway.hpp"

namespace pombo {
namespace {

std::vector<std::string> keysOf(const Json& shown) {
  std::vector<std::string> keys;
  for (const auto& member : shown.as_object()) keys.emplace_back(member.key());
  return keys;
}

TEST(Registry, StartsInOrderAndStopsTheFailedOnesFromRunning) {
  TempGateway gateway;
  std::vector<std::string> order;
  for (const auto* name : {"first", "second", "third"})
    gateway.add(name).onStart = [&order, name = std::string(name)](IHost&) {
      order.push_back(name);
      if (name == "second") throw Error(Code::unavailable, "no disk");
    };
  gateway.start();
  EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "third"}));
  EXPECT_TRUE(gateway.registry.find("first")->running());
  EXPECT_EQ(gateway.registry.find("second")->problem, "no disk");
  EXPECT_EQ(gateway.registry.find("nobody"), nullptr);
}

TEST(Registry, ABlockThatDoesNotRunIsNotAskedAndItsFieldsFail) {
  TempGateway gateway;
  auto& block = gateway.add("alpha");
  block.onStart = [](IHost&) { throw std::runtime_error("bug"); };
  block.onForget = [](IHost&, const Instance&) { ADD_FAILURE(); };
  block.onSummary = [](IHost&, const Instance&) -> Json {
    ADD_FAILURE();
    return nullptr;
  };
  gateway.start();
  const auto made = gateway.create({{"name", "a"}, {"alphaEnabled", true}, {"alphaWhat", 1}});
  EXPECT_EQ(made.shown.at("alpha"),
            (Json{{"enabled", false},
                  {"status", "error"},
                  {"error", "plugin 'alpha' is not loaded on this server"}}));
  EXPECT_TRUE(made.warnings.empty()) << "nobody knows which fields it has";
  gateway.provisioner.remove(made.instance);
}

TEST(Registry, OfTheUsualConnectorAnInstanceShowsNothing) {
  TempGateway gateway;
  gateway.registry.add({.name = gateway.registry.promises().defaultConnector, .problem = "no"});
  gateway.start();
  const auto made = gateway.create({{"name", "a"}});
  EXPECT_FALSE(made.shown.as_object().contains(gateway.registry.promises().defaultConnector));
}

TEST(Registry, ABlockThatIsSwitchedOffByTheOperatorKeepsItsData) {
  TempGateway gateway;
  gateway.registry.add({.name = "alpha", .problem = "disabled"});
  gateway.start();
  const auto made = gateway.create({{"name", "a"}});
  EXPECT_EQ(made.shown.at("alpha"), (Json{{"enabled", false}}));
  const auto off = gateway.create({{"name", "b"}, {"alphaWord", "x"}});
  EXPECT_EQ(off.warnings, std::vector<std::string>{"Fields of block 'alpha' were ignored because "
                                                   "'alphaEnabled' is not true"});
}

TEST(Registry, TheWiresKeysAreAllThereWhoeverIsLoaded) {
  TempGateway gateway(readPromises());
  gateway.add("extra");
  gateway.add(SettingsBlock::kName, std::make_unique<SettingsBlock>(), true);
  gateway.start();
  const auto made = gateway.create({{"name", "shop"}});
  EXPECT_EQ(keysOf(made.shown),
            (std::vector<std::string>{"id", "name", "token", "status", "numberJid", "proxy",
                                      "webhook", "websocket", "chatwoot", "settings", "s3", "extra",
                                      "createdAt", "updatedAt"}));
}

TEST(Registry, ABlockThatSaysNothingOfAnInstanceIsNotShown) {
  TempGateway gateway(readPromises());
  gateway.add("quiet").onSummary = [](IHost&, const Instance&) -> Json { return nullptr; };
  gateway.add("extra");
  gateway.add("webhook").onSummary = [](IHost&, const Instance&) -> Json { return nullptr; };
  gateway.start();
  const auto made = gateway.create({{"name", "shop"}});
  EXPECT_EQ(keysOf(made.shown),
            (std::vector<std::string>{"id", "name", "token", "status", "numberJid", "proxy",
                                      "webhook", "websocket", "chatwoot", "settings", "s3", "extra",
                                      "createdAt", "updatedAt"}));
}

TEST(Registry, AbsentBlocksFailWithThePromisedShapes) {
  TempGateway gateway(readPromises());
  gateway.add(SettingsBlock::kName, std::make_unique<SettingsBlock>(), true);
  gateway.start();
  const auto made = gateway.create({{"name", "shop"},
                                    {"s3Enabled", true},
                                    {"s3Bucket", "b"},
                                    {"chatwootEnabled", true},
                                    {"webhookEnabled", true}});
  EXPECT_EQ(
      made.shown.at("chatwoot"),
      (Json{{"enabled", false},
            {"status", "error"},
            {"error",
             "integration gateway not configured - load the chatwoot plugin on this server"}}));
  EXPECT_EQ(made.shown.at("webhook"),
            (Json{{"enabled", false},
                  {"url", nullptr},
                  {"events", boost::json::array()},
                  {"status", "error"},
                  {"error", "plugin 'webhook' is not loaded on this server"}}));
  EXPECT_EQ(made.shown.at("s3").at("secretKey"), nullptr);
  EXPECT_EQ(made.shown.at("s3").at("error"), "plugin 's3' is not loaded on this server");
  EXPECT_EQ(made.shown.at("proxy").at("enabled"), false);
  EXPECT_TRUE(gateway.counted("pombo_s3_configure_failed_total 1"));
}

TEST(Registry, SettingsAreFieldsWithoutAPrefix) {
  TempGateway gateway(readPromises());
  gateway.add(SettingsBlock::kName, std::make_unique<SettingsBlock>(), true);
  gateway.start();
  const Json defaults{{"autoRejectCalls", false},     {"callRejectMessage", ""},
                      {"ignoreGroupMessages", false}, {"keepOnlineStatus", false},
                      {"autoReadMessages", false},    {"disableHistorySync", true},
                      {"ignoreStatus", false}};
  const auto plain = gateway.create({{"name", "a"}});
  EXPECT_EQ(plain.shown.at("settings"), defaults);
  const auto set = gateway.create({{"name", "b"},
                                   {"ignoreStatus", true},
                                   {"callRejectMessage", "{{7*7}} %n%s ${HOME}"},
                                   {"settingsFoo", 1}});
  EXPECT_EQ(set.shown.at("settings").at("ignoreStatus"), true);
  EXPECT_EQ(set.shown.at("settings").at("callRejectMessage"), "{{7*7}} %n%s ${HOME}");
  EXPECT_EQ(set.shown.at("settings").at("disableHistorySync"), true);
  EXPECT_EQ(set.warnings, std::vector<std::string>{"Unknown field 'settingsFoo' was ignored"});
}

TEST(Registry, WhatABlockKeepsOutsideACreationPutsItsFailureRight) {
  TempGateway gateway;
  IHost* host = nullptr;
  auto& block = gateway.add("alpha");
  block.onStart = [&](IHost& given) { host = &given; };
  block.onConfigure = [](IHost&, const Instance&, const Fields&) {
    throw Error(Code::invalid, "no good");
  };
  gateway.start();
  const auto shown = [&](const Instance& instance) {
    boost::json::object all;
    gateway.registry.show(instance, gateway.blocks, all);
    return all.at("alpha");
  };
  const Json failed{{"enabled", false}, {"status", "error"}, {"error", "no good"}};
  const auto created = [&](const std::string& name) {
    const Instance made = gateway.create({{"name", name}, {"alphaEnabled", true}}).instance;
    EXPECT_EQ(shown(made), failed);
    return made;
  };
  const Instance saved = created("a"), erased = created("b");
  host->settings().save(saved.id, {{"enabled", true}});
  EXPECT_EQ(shown(saved), (Json{{"enabled", true}}));
  host->settings().erase(erased.id);
  EXPECT_EQ(shown(erased), (Json{{"enabled", false}}));
  // A block may seal all that it keeps.
  const Instance sealed = created("c"), unsealed = created("d");
  host->secrets().seal(sealed.id, "k", "s");
  EXPECT_EQ(shown(sealed), (Json{{"enabled", false}}));
  host->secrets().erase(unsealed.id, "k");
  EXPECT_EQ(shown(unsealed), (Json{{"enabled", false}}));
}

TEST(Registry, SettingsThatAreWrongShowTheDefaultsAndTheReason) {
  TempGateway gateway(readPromises());
  gateway.add(SettingsBlock::kName, std::make_unique<SettingsBlock>(), true);
  gateway.start();
  const auto yes =
      gateway.create({{"name", "a"}, {"ignoreStatus", "yes"}, {"keepOnlineStatus", true}});
  EXPECT_EQ(yes.shown.at("settings").at("error"), "The 'ignoreStatus' field must be a boolean");
  EXPECT_EQ(yes.shown.at("settings").at("keepOnlineStatus"), false);
  EXPECT_EQ(yes.shown.at("settings").at("disableHistorySync"), true);
  EXPECT_EQ(yes.shown.at("settings").as_object().size(), 9u);
  const auto longer =
      gateway.create({{"name", "b"}, {"callRejectMessage", std::string(1025, 'x')}});
  EXPECT_EQ(longer.shown.at("settings").at("error"),
            "The 'callRejectMessage' field must be at most 1024 characters");
}

TEST(Registry, AFieldIsABlocksIfAnUpperCaseLetterFollowsItsName) {
  TempGateway gateway;
  gateway.add("web");
  gateway.add("webhook");
  gateway.add("s3");
  const auto slices = gateway.registry.list().slice({{"webEnabled", true},
                                                     {"webhookEnabled", true},
                                                     {"s3Word", "x"},
                                                     {"s3word", "x"},
                                                     {"webhookenabled", true},
                                                     {"web", 1},
                                                     {"Web", 1},
                                                     {"name", "own"}},
                                                    {"name"});
  EXPECT_EQ(slices.fields.at("web"), (boost::json::object{{"webEnabled", true}}));
  EXPECT_EQ(slices.fields.at("webhook"), (boost::json::object{{"webhookEnabled", true}}));
  EXPECT_EQ(slices.fields.at("s3"), (boost::json::object{{"s3Word", "x"}}));
  EXPECT_EQ(slices.warnings.size(), 4u);
}

TEST(Registry, BlocksAreConfiguredInTheOrderOfTheFile) {
  TempGateway gateway(readPromises());
  std::vector<std::string> order;
  for (const auto* name : {"webhook", "proxy", "zeta", "chatwoot"})
    gateway.add(name).onConfigure = [&order, name](IHost&, const Instance&, const Fields&) {
      order.push_back(name);
    };
  gateway.start();
  gateway.create({{"name", "a"},
                  {"zetaEnabled", true},
                  {"chatwootEnabled", true},
                  {"proxyEnabled", true},
                  {"webhookEnabled", true}});
  EXPECT_EQ(order, (std::vector<std::string>{"webhook", "proxy", "zeta", "chatwoot"}));
}

TEST(Registry, ASummaryThatThrowsIsThatBlocksErrorObject) {
  TempGateway gateway;
  gateway.add("alpha").onSummary = [](IHost&, const Instance&) -> Json {
    throw Error(Code::internal, "A stored secret cannot be opened");
  };
  gateway.add("beta").onSummary = [](IHost&, const Instance&) -> Json { throw 42; };
  gateway.start();
  const auto made = gateway.create({{"name", "a"}});
  EXPECT_EQ(made.shown.at("alpha").at("error"), "A stored secret cannot be opened");
  EXPECT_EQ(made.shown.at("beta").at("error"), "internal error");
}

TEST(Registry, HealthIsOfThoseThatReport) {
  TempGateway gateway;
  gateway.add("silent");
  gateway.add("well").onHealth = [] { return "ok"; };
  gateway.add("ill").onHealth = [] { return "fail: no peer"; };
  gateway.add("broken").onHealth = []() -> std::optional<std::string> {
    throw Error(Code::unavailable, "gone");
  };
  gateway.start();
  EXPECT_EQ(gateway.registry.health(),
            (std::map<std::string, std::string>{
                {"well", "ok"}, {"ill", "fail: no peer"}, {"broken", "fail: gone"}}));
}

TEST(Registry, OneWarningNamesInstanceBlockReasonAndRequest) {
  TempGateway gateway({}, "warn");
  gateway.add("alpha").onConfigure = [](IHost&, const Instance&, const Fields&) {
    throw Error(Code::invalid, "broken");
  };
  gateway.start();
  const std::string request = "r-1";
  const RequestScope scope(request, std::chrono::steady_clock::time_point::max());
  ::testing::internal::CaptureStderr();
  const auto made = gateway.create({{"name", "shop"},
                                    {"token", "canary-token"},
                                    {"alphaEnabled", true},
                                    {"alphaWord", "canary"}});
  const std::string line = ::testing::internal::GetCapturedStderr();
  const Json logged = boost::json::parse(line);
  EXPECT_EQ(logged.at("level"), "warn");
  EXPECT_EQ(logged.at("block"), "alpha");
  EXPECT_EQ(logged.at("instance"), Json(made.instance.id.value));
  EXPECT_EQ(logged.at("reason"), "broken");
  EXPECT_EQ(logged.at("request"), "r-1");
  EXPECT_EQ(line.find("canary"), std::string::npos);
}

TEST(Registry, NobodyIsDialledForAroundAProxyWhoseBlockDoesNotRun) {
  TempGateway gateway(readPromises());
  gateway.add("proxy").onStart = [](IHost&) { throw Error(Code::unavailable, "no disk"); };
  gateway.start();
  const auto with = gateway.create({{"name", "a"}}), without = gateway.create({{"name", "b"}});
  const auto keep = [&](const std::string& secret) {
    gateway.blocks.update(with.instance.id, "proxy", [&](BlockRow& row) {
      row.secrets.clear();
      if (!secret.empty()) row.secrets["proxy"] = secret;
    });
  };
  const auto dialled = [&](const Instance& instance) {
    try {
      return gateway.registry.proxyFor(instance.id) ? "by a proxy" : "at once";
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::refused);
      EXPECT_STREQ(error.what(), "plugin 'proxy' is not loaded on this server");
      return "not";
    }
  };
  EXPECT_STREQ(dialled(with.instance), "at once");
  keep("{}");
  EXPECT_STREQ(dialled(with.instance), "not");
  EXPECT_STREQ(dialled(without.instance), "at once");
  keep("");
  EXPECT_STREQ(dialled(with.instance), "at once") << "it was removed";
}

TEST(BlockHost, SqlIsKeptToTheBlocksOwnTables) {
  TempGateway gateway;
  std::vector<SqlRow> found;
  gateway.add("alpha").onStart = [&](IHost& host) {
    auto& sql = host.sql();
    const Migration first{1, "CREATE TABLE alpha_a (id BIGINT PRIMARY KEY, name TEXT); -- why"};
    sql.migrate({first});
    sql.migrate({first, {2, "ALTER TABLE alpha_a ADD COLUMN more TEXT"}});
    sql.apply({{"INSERT INTO alpha_a (id, name) VALUES (:id, :name)", {std::int64_t{7}, "x"}}});
    found = sql.query({"SELECT id, name, more FROM alpha_a WHERE id = :id", {std::int64_t{7}}});
    EXPECT_THROW(sql.migrate({{3, "CREATE TABLE account2 (id BIGINT)"}}), Error);
    EXPECT_THROW(sql.query({"SELECT * FROM account", {}}), Error);
    EXPECT_THROW(sql.apply({{"DELETE FROM alpha_a", {}}, {"DELETE FROM account", {}}}), Error);
    EXPECT_EQ(gateway.count("alpha_a"), 1) << "all or none";
  };
  gateway.start();
  EXPECT_EQ(gateway.registry.find("alpha")->problem, "");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], (SqlRow{{"id", std::int64_t{7}}, {"name", "x"}, {"more", SqlValue()}}));
}

TEST(BlockHost, SettingsAndSecretsAreTheBlocksOwn) {
  TempGateway gateway;
  gateway.add("alpha").onConfigure = [](IHost& host, const Instance& instance, const Fields&) {
    host.settings().save(instance.id, {{"a", 1}});
    host.secrets().seal(instance.id, "k", "alpha's");
    EXPECT_EQ(host.secrets().open(instance.id, "k"), "alpha's");
    EXPECT_EQ(host.secrets().open(instance.id, "other"), std::nullopt);
  };
  gateway.add("beta").onConfigure = [](IHost& host, const Instance& instance, const Fields&) {
    EXPECT_EQ(host.settings().load(instance.id), std::nullopt);
    EXPECT_EQ(host.secrets().open(instance.id, "k"), std::nullopt);
    host.settings().save(instance.id, {{"b", 2}});
  };
  gateway.start();
  const auto made = gateway.create({{"name", "a"}, {"alphaEnabled", true}, {"betaEnabled", true}});
  EXPECT_EQ(made.shown.at("alpha"), (Json{{"a", 1}}));
  EXPECT_EQ(made.shown.at("beta"), (Json{{"b", 2}}));
  auto& host = *gateway.registry.find("alpha")->host;
  EXPECT_EQ(host.secrets().open(made.instance.id, "k"), "alpha's");
  host.secrets().erase(made.instance.id, "k");
  host.settings().erase(made.instance.id);
  EXPECT_EQ(host.secrets().open(made.instance.id, "k"), std::nullopt);
  EXPECT_EQ(host.settings().load(made.instance.id), std::nullopt);
}

}  // namespace
}  // namespace pombo
