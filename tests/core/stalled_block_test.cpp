// A block that does not come back: whoever asked goes on without it.
#include <gtest/gtest.h>

#include <thread>

#include "gate.hpp"
#include "observe/request_scope.hpp"
#include "temp_gateway.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

const std::string kLate = "The beta block did not answer in time";

class StalledBlock : public ::testing::Test {
 protected:
  StalledBlock() : beta_(late()) {}
  ~StalledBlock() override {
    gate_.open();
    untilBack();
  }

  ScriptedBlock& late() {
    gateway_.budget = 1ms;
    return gateway_.add("beta");
  }
  static Json body(const std::string& name) {
    return {{"name", name}, {"alphaEnabled", true}, {"alphaWord", "x"}, {"betaEnabled", true}};
  }
  const Standing& standing() const { return *gateway_.registry.find("beta")->standing; }
  void untilBack() {
    while (standing().missing() != 0) std::this_thread::yield();
  }

  TempGateway gateway_;
  ScriptedBlock& alpha_ = gateway_.add("alpha");
  ScriptedBlock& beta_;
  Gate gate_;
};

TEST_F(StalledBlock, InConfigureLeavesACreationWithItsErrorOnly) {
  beta_.onConfigure = [wait = gate_.wait()](IHost&, const Instance&, const Fields&) { wait(); };
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  EXPECT_EQ(made.shown.at("beta"),
            (Json{{"enabled", false}, {"status", "error"}, {"error", kLate}}));
  EXPECT_EQ(made.shown.at("alpha").at("alphaWord"), "x");
  EXPECT_EQ(gateway_.count("instance WHERE status = 'disconnected'"), 1);
  EXPECT_TRUE(gateway_.counted("pombo_beta_configure_failed_total 1"));
}

TEST_F(StalledBlock, WritesNothingOnceItIsBack) {
  beta_.onConfigure = [wait = gate_.wait()](IHost& host, const Instance& instance, const Fields&) {
    host.settings().save(instance.id, {{"before", true}});
    wait();
    host.settings().save(instance.id, {{"late", true}});
    host.secrets().seal(instance.id, "late", "x");
  };
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  gate_.open();
  untilBack();
  const BlockRow row = gateway_.blocks.load(made.instance.id, "beta");
  EXPECT_EQ(row.document, std::nullopt);
  EXPECT_TRUE(row.secrets.empty());
  EXPECT_EQ(row.error, kLate);
}

TEST_F(StalledBlock, ReservesNothingOnceItIsBack) {
  beta_.onConfigure = [wait = gate_.wait()](IHost& host, const Instance&, const Fields&) {
    wait();
    host.http().send({.url = "https://b.example/"});
  };
  alpha_.onConfigure = [](IHost&, const Instance&, const Fields&) {};
  gateway_.start();
  gateway_.create(body("shop"));
  gate_.open();
  untilBack();
  EXPECT_EQ(gateway_.count("instance"), 1);
  EXPECT_EQ(gateway_.used(), 1);
}

TEST_F(StalledBlock, InSummaryIsShownWithItsErrorOnly) {
  beta_.onSummary = [wait = gate_.wait()](IHost&, const Instance&) -> Json {
    wait();
    return "late";
  };
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  EXPECT_EQ(made.shown.at("beta").at("error"), Json(kLate));
  EXPECT_EQ(made.shown.at("alpha").at("alphaWord"), "x");
}

TEST_F(StalledBlock, InForgetDoesNotKeepTheInstance) {
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  std::string forgotten;
  alpha_.onForget = [&](IHost&, const Instance& instance) { forgotten = instance.name; };
  beta_.onForget = [wait = gate_.wait()](IHost&, const Instance&) { wait(); };
  gateway_.provisioner.remove(made.instance);
  EXPECT_EQ(gateway_.count("instance"), 0);
  EXPECT_EQ(forgotten, "shop");
  EXPECT_TRUE(gateway_.counted("pombo_beta_forget_failed_total 1"));
}

TEST_F(StalledBlock, InHealthIsToldAndHoldsUpNobody) {
  alpha_.onHealth = [] { return "ok"; };
  beta_.onHealth = [wait = gate_.wait()]() -> std::optional<std::string> {
    wait();
    return "late";
  };
  gateway_.start();
  // As little as there is of a request: what is asked has three quarters of it.
  const RequestScope scope("r-1", std::chrono::steady_clock::now() + 40ms);
  EXPECT_EQ(gateway_.registry.health(),
            (std::map<std::string, std::string>{{"alpha", "ok"}, {"beta", "fail: " + kLate}}));
}

TEST_F(StalledBlock, InStartDoesNotRunAndTheOthersDo) {
  beta_.onStart = [wait = gate_.wait()](IHost&) { wait(); };
  const RequestScope scope("r-1", std::chrono::steady_clock::now() + 40ms);  // as above
  gateway_.start();
  EXPECT_EQ(gateway_.registry.find("beta")->problem, kLate);
  EXPECT_TRUE(gateway_.registry.find("alpha")->running());
  EXPECT_EQ(gateway_.registry.stop(), 1) << "it is not to be destroyed under its own feet";
}

TEST_F(StalledBlock, FourTimesIsInQuarantineAndHealthAndMetricsSaySo) {
  beta_.onConfigure = [wait = gate_.wait()](IHost&, const Instance&, const Fields&) { wait(); };
  gateway_.start();
  const std::string quarantine = "The beta block is in quarantine: 4 of its calls have not ended";
  for (int i = 0; i < kMostMissing; ++i) gateway_.create(body("shop-" + std::to_string(i)));
  const auto refused = gateway_.create(body("one more"));
  EXPECT_EQ(refused.shown.at("beta").at("error"), Json(quarantine));
  EXPECT_EQ(refused.shown.at("alpha").at("alphaWord"), "x");
  EXPECT_EQ(gateway_.registry.health().at("beta"), "fail: " + quarantine);
  gateway_.registry.collect(gateway_.metrics);
  EXPECT_TRUE(gateway_.counted("pombo_beta_calls_written_off_total 4"));
  EXPECT_TRUE(gateway_.counted("pombo_beta_calls_missing 4"));
  gate_.open();
  untilBack();
  EXPECT_EQ(gateway_.registry.health().count("beta"), 0u);
}

}  // namespace
}  // namespace pombo
