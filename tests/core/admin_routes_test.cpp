#include "http/admin_routes.hpp"

#include <gtest/gtest.h>

#include "temp_gateway.hpp"

namespace pombo {
namespace {

class AdminRoutesTest : public ::testing::Test {
 protected:
  AdminRoutesTest() {
    addAdminRoutes(table_, gateway_.accounts, gateway_.provisioner, audit_, clock_);
  }

  TempGateway gateway_;
  SettableClock clock_;
  AuditLog audit_{"", gateway_.log, gateway_.metrics};
  RouteTable table_;
};

// What the description of the API is made of.
TEST_F(AdminRoutesTest, EveryRouteSaysWhatItIsAndWhatItAnswers) {
  EXPECT_EQ(table_.routes().size(), 6u);
  for (const auto& served : table_.routes()) {
    const Route& route = served->route;
    EXPECT_EQ(route.access, Access::admin) << route.path;
    EXPECT_FALSE(route.summary.empty()) << route.path;
    EXPECT_TRUE(served->audit.starts_with("account.")) << route.path;
    for (const auto* table : {&route.query, &route.body})
      for (const auto& field : *table) EXPECT_FALSE(field.doc.empty()) << field.name;
    EXPECT_EQ(route.reply.at("type"), "object") << route.path;
    EXPECT_EQ(route.reply.at("properties").at("success").at("const"), true);
    EXPECT_EQ(route.reply.at("required").as_array()[0], "success");
  }
}

TEST_F(AdminRoutesTest, AnAccountIsDescribedAsItIsShown) {
  for (const auto& served : table_.routes()) {
    if (served->audit != "account.create") continue;
    const auto& account = served->route.reply.at("properties").at("account").at("properties");
    std::vector<std::string> keys;
    for (const auto& member : account.as_object()) keys.emplace_back(member.key());
    EXPECT_EQ(keys, (std::vector<std::string>{"id", "name", "enabled", "quota", "instances",
                                              "limits", "origins", "createdAt"}));
    EXPECT_EQ(account.at("quota").at("type"), (boost::json::array{"integer", "null"}));
    EXPECT_EQ(account.at("limits").at("properties").at("create").at("type"), "integer");
    EXPECT_EQ(account.at("origins").at("items").at("type"), "string");
    EXPECT_EQ(served->route.reply.at("properties").at("token").at("type"), "string");
    return;
  }
  FAIL() << "there is no such route";
}

}  // namespace
}  // namespace pombo
