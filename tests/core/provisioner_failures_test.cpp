#include "instance/provisioner.hpp"
#include "observe/request_scope.hpp"
#include "provisioner_fixture.hpp"

namespace pombo {
namespace {

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

}  // namespace
}  // namespace pombo
