#include "instance/provisioner.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "observe/request_scope.hpp"
#include "temp_gateway.hpp"

namespace pombo {
namespace {

const std::string kTaken = TempGateway::refusal(Code::conflict, "Instance or token already exists");
const std::string kQuota = TempGateway::refusal(Code::forbidden, "Account instance quota exceeded");

Json errorShape(const std::string& reason) {
  return {{"enabled", false}, {"status", "error"}, {"error", reason}};
}

// Two blocks: "alpha" keeps its slice, "beta" does what the test says.
class ProvisionerTest : public ::testing::Test {
 protected:
  void dialOut() {
    beta_.onConfigure = [](IHost& host, const Instance& instance, const Fields& slice) {
      host.settings().save(instance.id, slice.document());
      host.http().send({.url = "https://b.example/"});
    };
  }
  static Json body(const std::string& name) {
    return {{"name", name},
            {"alphaEnabled", true},
            {"alphaWord", "x"},
            {"betaEnabled", true},
            {"betaWord", "y"}};
  }

  TempGateway gateway_;
  ScriptedBlock& alpha_ = gateway_.add("alpha");
  ScriptedBlock& beta_ = gateway_.add("beta");
};

TEST_F(ProvisionerTest, AnInstanceComesWithItsBlocksInOneTransaction) {
  gateway_.start();
  const auto before = gateway_.commits();
  const auto made = gateway_.create(body("shop"));
  EXPECT_EQ(gateway_.commits(), before + 1);
  EXPECT_EQ(made.shown.at("name"), "shop");
  EXPECT_EQ(made.shown.at("status"), "disconnected");
  EXPECT_EQ(made.shown.at("numberJid"), nullptr);
  EXPECT_EQ(made.shown.at("createdAt"), "2026-11-21T10:30:00Z");
  EXPECT_EQ(made.shown.at("updatedAt"), "2026-11-21T10:30:00Z");
  EXPECT_EQ(made.shown.at("alpha"), (Json{{"alphaEnabled", true}, {"alphaWord", "x"}}));
  EXPECT_EQ(made.shown.at("beta"), (Json{{"betaEnabled", true}, {"betaWord", "y"}}));
  EXPECT_TRUE(made.warnings.empty());
  const auto stored = gateway_.instances.find(made.instance.id);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->instance.status, "disconnected");
  EXPECT_EQ(gateway_.instances.tokenOf(*stored)->reveal(), made.shown.at("token").as_string());
  EXPECT_EQ(gateway_.used(), 1);
}

TEST_F(ProvisionerTest, WhenABlockDialsOutThereAreTwo) {
  dialOut();
  gateway_.start();
  const auto before = gateway_.commits();
  gateway_.http.meanwhile = [&] {
    // Taken before anyone outside hears of it, and shown to nobody yet.
    EXPECT_EQ(gateway_.count("instance WHERE status = 'provisioning'"), 1);
    EXPECT_EQ(gateway_.count("block_row"), 0);
    EXPECT_FALSE(gateway_.instances.findByName(gateway_.account.id, "shop"));
    EXPECT_TRUE(gateway_.instances.list(gateway_.account.id).empty());
    EXPECT_FALSE(gateway_.store.database().read([&](Session& session) {
      return InstanceStore::findByTokenHash(session, gateway_.store.sealer().hashOf("my-token"));
    }));
  };
  Json request = body("shop");
  request.as_object()["token"] = "my-token";
  const auto made = gateway_.create(request);
  EXPECT_EQ(gateway_.commits(), before + 2);
  EXPECT_EQ(gateway_.http.sent, 1);
  EXPECT_EQ(made.shown.at("status"), "disconnected");
  EXPECT_EQ(gateway_.count("instance WHERE status = 'disconnected'"), 1);
  EXPECT_EQ(gateway_.count("block_row"), 2);
  EXPECT_EQ(gateway_.used(), 1);
}

TEST_F(ProvisionerTest, DialingOutTwiceReservesOnce) {
  alpha_.onConfigure = beta_.onConfigure = [](IHost& host, const Instance&, const Fields&) {
    host.http().send({.url = "https://b.example/"});
    host.http().send({.url = "https://b.example/"});
  };
  gateway_.start();
  const auto before = gateway_.commits();
  gateway_.create(body("shop"));
  EXPECT_EQ(gateway_.http.sent, 4);
  EXPECT_EQ(gateway_.commits(), before + 2);
}

TEST_F(ProvisionerTest, ANameThatIsTakenIsFoundOutBeforeAnyoneIsDialled) {
  dialOut();
  gateway_.start();
  gateway_.create({{"name", "shop"}});
  const auto rows = gateway_.count("block_row");
  EXPECT_EQ(gateway_.refusalOf(body("shop")), kTaken);
  EXPECT_EQ(gateway_.http.sent, 0);
  EXPECT_EQ(gateway_.count("instance"), 1);
  EXPECT_EQ(gateway_.count("block_row"), rows);
  EXPECT_EQ(gateway_.used(), 1);
}

TEST_F(ProvisionerTest, ABlockThatSwallowsTheConflictDoesNotSaveTheInstance) {
  beta_.onConfigure = [](IHost& host, const Instance& instance, const Fields& slice) {
    host.settings().save(instance.id, slice.document());
    try {
      host.http().send({.url = "https://b.example/"});
    } catch (const Error&) {
    }
  };
  gateway_.start();
  gateway_.create({{"name", "shop"}});
  EXPECT_EQ(gateway_.refusalOf(body("shop")), kTaken);
  EXPECT_EQ(gateway_.count("instance"), 1);
  EXPECT_EQ(gateway_.count("block_row"), 0);
}

TEST_F(ProvisionerTest, AQuotaThatIsUsedUpIsFoundOutBeforeAnyoneIsDialled) {
  dialOut();
  gateway_.start();
  gateway_.accounts.set(gateway_.account.id, {.quota = std::optional<std::int64_t>(0)});
  EXPECT_EQ(gateway_.refusalOf(body("shop")), kQuota);
  EXPECT_EQ(gateway_.http.sent, 0);
  EXPECT_EQ(gateway_.count("instance"), 0);
  EXPECT_EQ(gateway_.used(), 0);
}

TEST_F(ProvisionerTest, QuotaComesBeforeUniqueness) {
  gateway_.start();
  gateway_.create({{"name", "shop"}});
  gateway_.accounts.set(gateway_.account.id, {.quota = std::optional<std::int64_t>(1)});
  EXPECT_EQ(gateway_.refusalOf({{"name", "shop"}}), kQuota);
}

TEST_F(ProvisionerTest, ATokenIsUniqueOverTheServerAccountTokensIncluded) {
  gateway_.start();
  const Account other{.id = {"a-2"}, .name = "other"};
  const Secret accountToken = gateway_.accounts.create(other, gateway_.clock.now());
  gateway_.create({{"name", "shop"}, {"token", "my-token"}});
  EXPECT_EQ(gateway_.refusalOf({{"name", "two"}, {"token", "my-token"}}), kTaken);
  EXPECT_EQ(gateway_.refusalOf({{"name", "two"}, {"token", accountToken.reveal()}}), kTaken);
  EXPECT_THROW(gateway_.provisioner.create(other.id, {{"name", "x"}, {"token", "my-token"}}),
               Error);
  EXPECT_NO_THROW(gateway_.provisioner.create(other.id, {{"name", "shop"}}))
      << "a name is the account's own";
}

TEST_F(ProvisionerTest, AnOldTokenOfAnAccountIsTakenAsWell) {
  gateway_.start();
  const Account other{.id = {"a-2"}, .name = "other"};
  const Secret first = gateway_.accounts.create(other, gateway_.clock.now());
  gateway_.accounts.rotate(other.id, std::chrono::hours(1), gateway_.clock.now());
  EXPECT_EQ(gateway_.refusalOf({{"name", "two"}, {"token", first.reveal()}}), kTaken);
}

TEST_F(ProvisionerTest, NamesAreComparedInNfc) {
  gateway_.start();
  gateway_.create({{"name", "caf\u00e9"}});
  EXPECT_EQ(gateway_.refusalOf({{"name", "cafe\u0301"}}), kTaken);
  EXPECT_EQ(gateway_.refusalOf({{"name", "Caf\u00e9"}}), "");
}

struct Refused {
  Json body;
  const char* sentence;
};

TEST_F(ProvisionerTest, WhatIsRefusedIsSaidInTheWiresWordsAndWritesNothing) {
  gateway_.start();
  const auto before = gateway_.commits();
  constexpr auto kName =
      "The 'name' field may only contain letters, digits, spaces and - _ . (1 to 100 characters)";
  constexpr auto kToken = "The 'token' field must be 8 to 128 visible ASCII characters";
  const std::vector<Refused> all{
      {boost::json::object(), "The 'name' field is required"},
      {{{"name", nullptr}}, "The 'name' field is required"},
      {{{"name", ""}}, "The 'name' field is required"},
      {{{"name", "   "}}, "The 'name' field is required"},
      {{{"name", 7}}, "The 'name' field must be a string"},
      {{{"name", boost::json::array()}}, "The 'name' field must be a string"},
      {{{"name", "a/b"}}, kName},
      {{{"name", "x"}, {"token", 12345678}}, "The 'token' field must be a string"},
      {{{"name", "x"}, {"token", true}}, "The 'token' field must be a string"},
      {{{"name", "x"}, {"token", "short"}}, kToken},
      {{{"name", "x"}, {"token", "with blanks"}}, kToken},
      {{{"name", "x"}, {"connector", 1}}, "The 'connector' field must be a string"},
      {{{"name", "x"}, {"connector", "telegram"}}, "Connector is not available: telegram"},
      {{{"name", "x"}, {"connector", "alpha"}}, "Connector is not available: alpha"},
  };
  for (const auto& each : all)
    EXPECT_EQ(gateway_.refusalOf(each.body), TempGateway::refusal(Code::invalid, each.sentence));
  EXPECT_EQ(gateway_.commits(), before);
  EXPECT_EQ(gateway_.count("instance"), 0);
}

TEST_F(ProvisionerTest, AnEmptyTokenIsMade) {
  gateway_.start();
  for (const Json& token : {Json(""), Json(nullptr)}) {
    const auto made = gateway_.create(
        {{"name", serialize(token).substr(0, 1) == "n" ? "a" : "b"}, {"token", token}});
    EXPECT_EQ(made.shown.at("token").as_string().size(), 36u);
  }
}

TEST_F(ProvisionerTest, UnknownFieldsAreReportedOneEachAndNotApplied) {
  gateway_.start();
  const auto made = gateway_.create({{"name", "shop"},
                                     {"foo", 1},
                                     {"id", "mine"},
                                     {"status", "connected"},
                                     {"quota", 99},
                                     {"__proto__", boost::json::object()},
                                     {"alphaNothing", 1},
                                     {"alpha", 1},
                                     {"alphabet", 1}});
  EXPECT_EQ(made.warnings,
            (std::vector<std::string>{
                "Unknown field 'foo' was ignored", "Unknown field 'id' was ignored",
                "Unknown field 'status' was ignored", "Unknown field 'quota' was ignored",
                "Unknown field '__proto__' was ignored", "Unknown field 'alphaNothing' was ignored",
                "Unknown field 'alpha' was ignored", "Unknown field 'alphabet' was ignored"}));
  EXPECT_NE(made.shown.at("id"), "mine");
  EXPECT_EQ(made.shown.at("status"), "disconnected");
}

TEST_F(ProvisionerTest, FieldsOfABlockThatIsOffAreNotKeptAndTheClientHearsOfIt) {
  gateway_.start();
  const auto made = gateway_.create({{"name", "a"}, {"alphaWord", "x"}, {"betaEnabled", false}});
  EXPECT_EQ(made.warnings, std::vector<std::string>{"Fields of block 'alpha' were ignored because "
                                                    "'alphaEnabled' is not true"});
  EXPECT_EQ(gateway_.count("block_row"), 0);
  EXPECT_EQ(made.shown.at("alpha"), (Json{{"enabled", false}}));
}

TEST_F(ProvisionerTest, ABlockFailsByItselfWhateverItThrows) {
  alpha_.onConfigure = [](IHost& host, const Instance& instance, const Fields&) {
    host.settings().save(instance.id, {{"half", "done"}});
    host.secrets().seal(instance.id, "a", "canary");
    throw Error(Code::refused, "Nobody is home");
  };
  const std::vector<std::function<void()>> bugs{[] { throw std::runtime_error("canary"); },
                                                [] { throw 42; }};
  std::size_t next = 0;
  beta_.onConfigure = [&](IHost&, const Instance&, const Fields&) { bugs[next++](); };
  gateway_.start();
  for (const auto* name : {"one", "two"}) {
    const auto made = gateway_.create(body(name));
    EXPECT_EQ(made.shown.at("alpha"), errorShape("Nobody is home"));
    EXPECT_EQ(made.shown.at("beta"), errorShape("internal error"));
    EXPECT_EQ(gateway_.blocks.load(made.instance.id, "alpha").document, std::nullopt);
    EXPECT_TRUE(gateway_.blocks.load(made.instance.id, "alpha").secrets.empty());
  }
  EXPECT_EQ(gateway_.used(), 2);
  EXPECT_TRUE(gateway_.counted("pombo_alpha_configure_failed_total 2"));
  EXPECT_TRUE(gateway_.counted("pombo_beta_configure_failed_total 2"));
}

TEST_F(ProvisionerTest, AFieldThatIsWrongIsTheBlocksFailureAndTheBlockIsNotAsked) {
  bool asked = false;
  alpha_.onConfigure = [&](IHost&, const Instance&, const Fields&) { asked = true; };
  gateway_.start();
  const auto made = gateway_.create({{"name", "shop"}, {"alphaEnabled", "true"}});
  EXPECT_EQ(made.shown.at("alpha"), errorShape("The 'alphaEnabled' field must be a boolean"));
  EXPECT_FALSE(asked);
  EXPECT_TRUE(made.warnings.empty());
}

TEST_F(ProvisionerTest, AnErrorStaysVisibleUntilTheBlockIsConfiguredAgain) {
  bool broken = true;
  alpha_.onConfigure = [&](IHost& host, const Instance& instance, const Fields& slice) {
    if (broken) throw Error(Code::invalid, "broken");
    host.settings().save(instance.id, slice.document());
  };
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  boost::json::object shown;
  gateway_.registry.show(made.instance, gateway_.blocks, shown);
  EXPECT_EQ(shown.at("alpha"), errorShape("broken"));
  EXPECT_EQ(shown.at("beta"), (Json{{"betaEnabled", true}, {"betaWord", "y"}}));

  gateway_.provisioner.configure(made.instance, {{"betaEnabled", true}, {"betaWord", "z"}});
  gateway_.registry.show(made.instance, gateway_.blocks, shown);
  EXPECT_EQ(shown.at("alpha"), errorShape("broken")) << "it was not configured again";

  broken = false;
  const auto mended =
      gateway_.provisioner.configure(made.instance, {{"alphaEnabled", true}, {"alphaWord", "w"}});
  EXPECT_EQ(mended.shown.at("alpha"), (Json{{"alphaEnabled", true}, {"alphaWord", "w"}}));
  EXPECT_EQ(gateway_.blocks.load(made.instance.id, "alpha").error, "");
}

TEST_F(ProvisionerTest, ConfigureChangesTheNamedBlocksAndTheTime) {
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  gateway_.clock.time += std::chrono::minutes(5);
  const auto before = gateway_.commits();
  const auto changed = gateway_.provisioner.configure(
      made.instance, {{"alphaEnabled", true}, {"alphaWord", "new"}, {"foo", 1}});
  EXPECT_EQ(gateway_.commits(), before + 1);
  EXPECT_EQ(changed.shown.at("alpha"), (Json{{"alphaEnabled", true}, {"alphaWord", "new"}}));
  EXPECT_EQ(changed.shown.at("beta"), (Json{{"betaEnabled", true}, {"betaWord", "y"}}));
  EXPECT_EQ(changed.shown.at("token"), made.shown.at("token"));
  EXPECT_EQ(changed.shown.at("createdAt"), "2026-11-21T10:30:00Z");
  EXPECT_EQ(changed.shown.at("updatedAt"), "2026-11-21T10:35:00Z");
  EXPECT_EQ(changed.warnings, std::vector<std::string>{"Unknown field 'foo' was ignored"});
}

TEST_F(ProvisionerTest, ConfigureThatFailsKeepsWhatWasBefore) {
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  alpha_.onConfigure = [](IHost& host, const Instance& instance, const Fields&) {
    host.settings().erase(instance.id);
    throw Error(Code::invalid, "broken");
  };
  const auto changed =
      gateway_.provisioner.configure(made.instance, {{"alphaEnabled", true}, {"alphaWord", "new"}});
  EXPECT_EQ(changed.shown.at("alpha"), errorShape("broken"));
  const auto row = gateway_.blocks.load(made.instance.id, "alpha");
  EXPECT_EQ(row.document, R"({"alphaEnabled":true,"alphaWord":"x"})");
  EXPECT_EQ(row.error, "broken");
}

TEST_F(ProvisionerTest, ConfiguringWithoutDialingNeedsNoReservation) {
  gateway_.start();
  const auto made = gateway_.create({{"name", "shop"}});
  dialOut();
  EXPECT_NO_THROW(gateway_.provisioner.configure(made.instance, {{"betaEnabled", true}}));
  EXPECT_EQ(gateway_.http.sent, 1);
  EXPECT_EQ(gateway_.used(), 1);
}

TEST_F(ProvisionerTest, AnInstanceThatIsGoneCannotBeConfiguredNorRemoved) {
  gateway_.start();
  const auto made = gateway_.create({{"name", "shop"}});
  gateway_.provisioner.remove(made.instance);
  for (const auto& call : std::vector<std::function<void()>>{
           [&] {
             gateway_.provisioner.configure(made.instance, {{"alphaEnabled", true}});
           },
           [&] { gateway_.provisioner.remove(made.instance); }})
    try {
      call();
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::notFound);
      EXPECT_STREQ(error.what(), "Instance not found");
    }
}

TEST_F(ProvisionerTest, RemovingFreesNameTokenAndQuota) {
  gateway_.start();
  gateway_.accounts.set(gateway_.account.id, {.quota = std::optional<std::int64_t>(1)});
  Json request = body("shop");
  request.as_object()["token"] = "my-token";
  for (int i = 0; i < 3; ++i) {
    const auto made = gateway_.create(request);
    EXPECT_EQ(gateway_.refusalOf({{"name", "other"}}), kQuota);
    gateway_.provisioner.remove(made.instance);
    EXPECT_EQ(gateway_.used(), 0);
    EXPECT_EQ(gateway_.count("instance"), 0);
    EXPECT_EQ(gateway_.count("block_row"), 0);
  }
}

TEST_F(ProvisionerTest, BlocksForgetInReverseAndNoneHoldsUpTheOthers) {
  std::vector<std::string> order;
  alpha_.onForget = [&](IHost& host, const Instance& instance) {
    order.push_back("alpha");
    // Still there to be read, so that remote things can be cleared.
    EXPECT_TRUE(host.settings().load(instance.id));
    host.settings().erase(instance.id);
  };
  beta_.onForget = [&](IHost&, const Instance&) {
    order.push_back("beta");
    throw 42;
  };
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  gateway_.provisioner.remove(made.instance);
  EXPECT_EQ(order, (std::vector<std::string>{"beta", "alpha"}));
  EXPECT_EQ(gateway_.count("instance"), 0);
  EXPECT_TRUE(gateway_.counted("pombo_beta_forget_failed_total 1"));
  EXPECT_FALSE(gateway_.counted("pombo_alpha_forget_failed_total"));
}

TEST_F(ProvisionerTest, WhatABlockWritesWhileItForgetsGoesWithTheInstance) {
  gateway_.store.database().commit([](Session& session) {
    session.once("CREATE TABLE alpha_a (id TEXT)");
    session.once("INSERT INTO alpha_a VALUES ('x')");
  });
  alpha_.onForget = [&](IHost& host, const Instance& instance) {
    host.settings().save(instance.id, {{"late", true}});
    host.sql().apply({{"DELETE FROM alpha_a", {}}});
    EXPECT_EQ(gateway_.count("alpha_a"), 1) << "not before the instance";
  };
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  gateway_.provisioner.remove(made.instance);
  EXPECT_EQ(gateway_.count("alpha_a"), 0);
  EXPECT_EQ(gateway_.count("block_row"), 0);
}

TEST_F(ProvisionerTest, WhatACrashLeftHalfMadeGoesAndItsBlocksAreTold) {
  std::vector<std::string> forgotten;
  beta_.onForget = [&](IHost&, const Instance& instance) { forgotten.push_back(instance.name); };
  gateway_.start();
  gateway_.create({{"name", "whole"}});
  Instance half;
  half.id = {"i-half"};
  half.account = gateway_.account.id;
  half.name = "half";
  half.status = kProvisioning;
  gateway_.store.database().commit(
      [&](Session& session) { gateway_.instances.insert(session, half, "half-token"); });
  EXPECT_EQ(gateway_.used(), 2);
  gateway_.provisioner.recover();
  EXPECT_EQ(forgotten, std::vector<std::string>{"half"});
  EXPECT_EQ(gateway_.used(), 1);
  EXPECT_EQ(gateway_.count("instance WHERE name = 'whole'"), 1);
  EXPECT_EQ(gateway_.count("instance"), 1);
  gateway_.provisioner.recover();
  EXPECT_EQ(forgotten.size(), 1u);
  EXPECT_EQ(gateway_.refusalOf({{"name", "half"}, {"token", "half-token"}}), "");
}

TEST_F(ProvisionerTest, WhenStorageFailsNothingIsLeftBehindNotEvenAReservation) {
  gateway_.store.database().commit(
      [](Session& session) { session.once("CREATE TABLE beta_a (id BIGINT PRIMARY KEY)"); });
  const Refusing full(gateway_.store.database(), "INSERT", "block_row");
  std::vector<std::string> forgotten;
  beta_.onForget = [&](IHost&, const Instance& instance) { forgotten.push_back(instance.name); };
  for (const bool dials : {false, true}) {
    beta_.onConfigure = [dials](IHost& host, const Instance& instance, const Fields&) {
      if (dials) host.http().send({.url = "https://b.example/"});
      host.sql().apply({{"INSERT INTO beta_a (id) VALUES (1)", {}}});
      host.settings().save(instance.id, {{"a", 1}});
    };
    if (!dials) gateway_.start();
    EXPECT_THROW(gateway_.create(body("shop")), StorageError);
    EXPECT_EQ(gateway_.count("instance"), 0) << dials;
    EXPECT_EQ(gateway_.count("beta_a"), 0);
    EXPECT_EQ(gateway_.used(), 0);
  }
  EXPECT_EQ(forgotten, std::vector<std::string>{"shop"}) << "whoever was dialled may know of it";
}

TEST_F(ProvisionerTest, AReservationThatCannotBeTakenBackAtOnceIsLater) {
  beta_.onConfigure = [](IHost& host, const Instance&, const Fields&) {
    host.http().send({.url = "https://b.example/"});
  };
  beta_.onSummary = [](IHost&, const Instance&) { return Json(nullptr); };
  alpha_.onConfigure = [](IHost& host, const Instance& instance, const Fields&) {
    host.settings().save(instance.id, {{"a", 1}});
  };
  gateway_.start();
  Database& database = gateway_.store.database();
  {
    const Refusing full(database, "INSERT", "block_row");
    const Refusing stuck(database, "DELETE", "instance", "stuck");
    EXPECT_THROW(gateway_.create(body("shop")), StorageError);
    EXPECT_EQ(gateway_.count("instance WHERE status = 'provisioning'"), 1);
    gateway_.provisioner.sweep();
    EXPECT_EQ(gateway_.count("instance"), 1) << "still stuck";
  }
  gateway_.provisioner.sweep();
  EXPECT_EQ(gateway_.count("instance"), 0);
  EXPECT_EQ(gateway_.used(), 0);
  EXPECT_EQ(gateway_.refusalOf(body("shop")), "");
}

TEST_F(ProvisionerTest, ABlocksOwnSqlFailsByItselfAndTheInstanceIsMade) {
  gateway_.store.database().commit(
      [](Session& session) { session.once("CREATE TABLE beta_a (id BIGINT PRIMARY KEY)"); });
  beta_.onConfigure = [](IHost& host, const Instance& instance, const Fields&) {
    host.settings().save(instance.id, {{"a", 1}});
    host.sql().apply(
        {{"INSERT INTO beta_a (id) VALUES (1)", {}}, {"INSERT INTO beta_a (id) VALUES (1)", {}}});
  };
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  EXPECT_EQ(made.shown.at("beta").at("status"), "error");
  EXPECT_EQ(made.shown.at("beta").at("error"), "internal error");
  EXPECT_EQ(gateway_.count("instance"), 1);
  EXPECT_EQ(gateway_.count("beta_a"), 0) << "all of it or none";
  EXPECT_EQ(gateway_.used(), 1);
}

TEST_F(ProvisionerTest, ACreationThatWasAnsweredForLeavesNotEvenItsReservation) {
  beta_.onConfigure = [](IHost& host, const Instance&, const Fields&) {
    host.http().send({.url = "https://b.example/"});
  };
  gateway_.start();
  {
    const std::string id = "late";
    const RequestScope answered(id, std::chrono::steady_clock::now() + std::chrono::hours(1),
                                [] { return false; });
    EXPECT_THROW(gateway_.create(body("shop")), StorageError);
  }
  EXPECT_EQ(gateway_.count("instance"), 0);
  EXPECT_EQ(gateway_.used(), 0);
  EXPECT_EQ(gateway_.create(body("shop")).instance.name, "shop");
}

TEST_F(ProvisionerTest, ADisabledAccountMakesNothing) {
  gateway_.start();
  gateway_.accounts.set(gateway_.account.id, {.enabled = false});
  EXPECT_EQ(gateway_.refusalOf({{"name", "x"}}),
            TempGateway::refusal(Code::unauthorized, "Invalid token"));
}

// 64 at once, half of them dialling out; how many were made.
int raced(TempGateway& gateway, const std::function<Json(int)>& body, const std::string& refusal) {
  constexpr int kThreads = 16, kEach = 4;
  std::latch start(kThreads);
  std::atomic<int> made{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int i = 0; i < kEach; ++i) {
          const std::string said = gateway.refusalOf(body(t * kEach + i));
          if (said.empty())
            ++made;
          else
            EXPECT_EQ(said, refusal);
        }
      });
  }
  return made;
}

class Races : public ProvisionerTest {
 protected:
  Races() {
    dialOut();
    gateway_.start();
  }
  static Json half(int i, const std::string& name) {
    Json request = body(name);
    request.as_object()["betaEnabled"] = i % 2 == 0;
    return request;
  }
};

TEST_F(Races, AQuotaOfTenLetsExactlyTenThrough) {
  gateway_.accounts.set(gateway_.account.id, {.quota = std::optional<std::int64_t>(10)});
  EXPECT_EQ(raced(
                gateway_, [](int i) { return half(i, "n-" + std::to_string(i)); }, kQuota),
            10);
  EXPECT_EQ(gateway_.used(), 10);
  EXPECT_EQ(gateway_.count("instance WHERE status = 'disconnected'"), 10);
  EXPECT_EQ(gateway_.count("instance"), 10);
}

TEST_F(Races, OneNameIsTakenOnce) {
  EXPECT_EQ(raced(
                gateway_, [](int i) { return half(i, "same"); }, kTaken),
            1);
  EXPECT_EQ(gateway_.used(), 1);
  EXPECT_EQ(gateway_.count("instance"), 1);
}

TEST_F(Races, OneTokenIsTakenOnce) {
  const auto body = [](int i) {
    Json request = half(i, "n-" + std::to_string(i));
    request.as_object()["token"] = "one-token";
    return request;
  };
  EXPECT_EQ(raced(gateway_, body, kTaken), 1);
  EXPECT_EQ(gateway_.used(), 1);
}

}  // namespace
}  // namespace pombo
