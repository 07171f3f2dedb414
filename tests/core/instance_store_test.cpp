#include "instance/instance_store.hpp"

#include <gtest/gtest.h>

#include "temp_gateway.hpp"

namespace pombo {
namespace {

TEST(InstanceStoreTest, AreListedByNameBytewiseWhateverTheDatabase) {
  TempGateway gateway;
  for (const auto* name : {"a", "B", "A", "b", "Z"}) gateway.create({{"name", name}});
  std::vector<std::string> names;
  for (const auto& each : gateway.instances.list(gateway.account.id))
    names.push_back(each.instance.name);
  EXPECT_EQ(names, (std::vector<std::string>{"A", "B", "Z", "a", "b"}));
}

}  // namespace
}  // namespace pombo
