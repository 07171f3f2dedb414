#include "instance/provisioner.hpp"

#include "provisioner_fixture.hpp"

namespace pombo {
namespace {

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
  const Secret accountToken = gateway_.accounts.create(other, gateway_.clock.now()).token;
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
  const Secret first = gateway_.accounts.create(other, gateway_.clock.now()).token;
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

TEST_F(ProvisionerTest, ADisabledAccountMakesNothing) {
  gateway_.start();
  gateway_.accounts.set(gateway_.account.id, {.enabled = false});
  EXPECT_EQ(gateway_.refusalOf({{"name", "x"}}),
            TempGateway::refusal(Code::unauthorized, "Invalid token"));
}

}  // namespace
}  // namespace pombo
