#include "instance/provisioner.hpp"
#include "observe/request_scope.hpp"
#include "provisioner_fixture.hpp"

namespace pombo {
namespace {

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

TEST_F(ProvisionerTest, AChangeThatWasAnsweredForIsNotMade) {
  gateway_.start();
  const auto made = gateway_.create(body("shop"));
  {
    const RequestScope answered("late", std::chrono::steady_clock::now() + std::chrono::hours(1),
                                [] { return false; });
    EXPECT_THROW(gateway_.provisioner.configure(made.instance,
                                                {{"alphaEnabled", true}, {"alphaWord", "other"}}),
                 StorageError);
  }
  EXPECT_EQ(gateway_.blocks.load(made.instance.id, "alpha").document->find("other"),
            std::string::npos);
}

}  // namespace
}  // namespace pombo
