#include "block/route_table.hpp"

#include <gtest/gtest.h>

#include "http/server_routes.hpp"

namespace pombo {
namespace {

ServedRoute served(Method method, const std::string& path, Access access = Access::instance) {
  return {.route = {.method = method, .path = path, .access = access},
          .handler = [](const HttpRequest&) { return HttpReply{}; }};
}

const ServedRoute* find(const RouteTable& table, Method method, const std::string& path) {
  for (const auto& each : table.routes())
    if (each->route.method == method && each->route.path == path) return each.get();
  return nullptr;
}

TEST(RouteTable, RoutesThatNoTokenOpensAreNotThere) {
  RouteTable table;
  table.add(served(Method::get, "/a", Access::admin));
  table.add(served(Method::get, "/b", Access::account));
  table.drop(Access::admin);
  EXPECT_FALSE(table.serves(Method::get, "/a"));
  EXPECT_TRUE(table.serves(Method::get, "/b"));
}

class PromisedRoutes : public ::testing::Test {
 protected:
  Log log_{"off"};
  Metrics metrics_;
  Registry registry_{readPromises(), log_, metrics_,
                     [](const InstanceId&, const std::string&) { return false; }};
  RouteTable table_;
};

TEST_F(PromisedRoutes, AreAuditedWhileNobodyServesThem) {
  addPromisedRoutes(table_, registry_);
  const auto* connect = find(table_, Method::get, "/api/instance/connect/:instance");
  ASSERT_TRUE(connect && connect->absence);
  EXPECT_EQ(connect->audit, "instance.connect");
  EXPECT_EQ(find(table_, Method::del, "/api/instance/logout/:instance")->audit, "instance.logout");
  EXPECT_EQ(find(table_, Method::post, "/api/instance/reconnect/:instance")->audit, "");
}

TEST_F(PromisedRoutes, AreAuditedWhoeverServesThem) {
  auto block = served(Method::get, "/api/instance/connect/:instance");
  block.block = "linker";
  table_.add(block);
  addPromisedRoutes(table_, registry_);
  const auto* connect = find(table_, Method::get, "/api/instance/connect/:instance");
  ASSERT_TRUE(connect);
  EXPECT_FALSE(connect->absence);
  EXPECT_EQ(connect->block, "linker");
  EXPECT_EQ(connect->audit, "instance.connect");
}

}  // namespace
}  // namespace pombo
