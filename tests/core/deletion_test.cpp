#include "event/database_event_store.hpp"
#include "instance/provisioner.hpp"
#include "provisioner_fixture.hpp"
#include "scripted_connector.hpp"

namespace pombo {
namespace {

TEST_F(ProvisionerTest, RemovingFreesNameTokenAndQuota) {
  gateway_.start();
  gateway_.accounts.set(gateway_.account.id, {.quota = std::optional<std::int64_t>(1)});
  Json request = body("shop");
  request.as_object()["token"] = "my-token";
  for (int i = 0; i < 3; ++i) {
    const auto made = gateway_.create(request);
    DatabaseEventStore(gateway_.store.database())
        .accept({{.id = "e", .type = "instance.state", .instance = made.instance.id}}, 0);
    EXPECT_EQ(gateway_.refusalOf({{"name", "other"}}), kQuota);
    gateway_.provisioner.remove(made.instance);
    EXPECT_EQ(gateway_.used(), 0);
    EXPECT_EQ(gateway_.count("instance"), 0);
    EXPECT_EQ(gateway_.count("block_row"), 0);
    while (DatabaseEventStore(gateway_.store.database()).sweep(100)) continue;
    EXPECT_EQ(gateway_.count("event"), 0);
  }
}

TEST_F(ProvisionerTest, OneThatIsConnectedIsLoggedOutFirstAndGoesWhateverComesOfIt) {
  ScriptedConnector connector;
  std::vector<std::string> out;
  alpha_.connects = &connector;
  connector.onLogout = [&](const Instance& instance) {
    out.push_back(instance.name);
    EXPECT_TRUE(gateway_.instances.find(instance.id));
    if (instance.name == "failing") throw Error(Code::refused, "WhatsApp is not there");
  };
  gateway_.start();
  for (const auto* name : {"linked", "failing", "resting"}) {
    Instance instance = gateway_.create({{"name", name}, {"connector", "alpha"}}).instance;
    if (instance.name != "resting") instance.status = kConnected;
    gateway_.provisioner.remove(instance);
  }
  EXPECT_EQ(out, (std::vector<std::string>{"linked", "failing"}));
  EXPECT_EQ(gateway_.count("instance"), 0);
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

}  // namespace
}  // namespace pombo
