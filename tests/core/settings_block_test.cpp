#include "instance/settings_block.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "block/field_table.hpp"
#include "pombo/testing/fake_host.hpp"
#include "temp_gateway.hpp"

namespace pombo {
namespace {

using boost::json::object;

constexpr auto kGet = "/api/instance/getSettings/:instance";
constexpr auto kUpdate = "/api/instance/settings/:instance";
const Instance kShop{.id = {"i-1"}, .account = {"a-1"}, .name = "shop"};

const Json kDefaults{{"autoRejectCalls", false},     {"callRejectMessage", ""},
                     {"ignoreGroupMessages", false}, {"keepOnlineStatus", false},
                     {"autoReadMessages", false},    {"disableHistorySync", true},
                     {"ignoreStatus", false}};

// As the router hands it out.
HttpRequest requestOf(const Instance& instance, const object& body) {
  HttpRequest request = requestFor(instance);
  Checked fields = checked(SettingsBlock().fields(), body);
  request.fields = std::move(fields.values);
  request.given = std::move(fields.given);
  return request;
}

class Settings : public ::testing::Test {
 protected:
  Settings() { block_.start(host_); }

  Json get() { return host_.call(Method::get, kGet, requestFor(kShop)).body; }
  Json update(const object& body) {
    return host_.call(Method::post, kUpdate, requestOf(kShop, body)).body;
  }
  static Json defaultsWith(const object& changes) {
    Json all = kDefaults;
    for (const auto& [key, value] : changes) all.as_object()[key] = value;
    return all;
  }

  FakeHost host_;
  SettingsBlock block_;
};

TEST_F(Settings, AreTheDefaultsUntilSomebodySaysOtherwise) {
  EXPECT_EQ(get(), (Json{{"success", true},
                         {"message", "Settings retrieved successfully"},
                         {"settings", kDefaults}}));
  EXPECT_TRUE(host_.documents.empty());
}

TEST_F(Settings, AnUpdateChangesWhatItNamesAndAnswersAll) {
  const Json first = defaultsWith({{"autoRejectCalls", true}, {"callRejectMessage", "No calls"}});
  EXPECT_EQ(
      update({{"autoRejectCalls", true}, {"callRejectMessage", "No calls"}}),
      (Json{{"success", true}, {"message", "Settings updated successfully"}, {"settings", first}}));
  update({{"disableHistorySync", false}, {"autoRejectCalls", false}});
  EXPECT_EQ(get().at("settings"),
            defaultsWith({{"callRejectMessage", "No calls"}, {"disableHistorySync", false}}));
  EXPECT_EQ(block_.summary(kShop), get().at("settings"));
}

TEST_F(Settings, AnEmptyMessageClearsItAndNullLeavesIt) {
  update({{"callRejectMessage", "No calls"}});
  update({{"callRejectMessage", nullptr}, {"ignoreStatus", true}});
  EXPECT_EQ(get().at("settings"),
            defaultsWith({{"callRejectMessage", "No calls"}, {"ignoreStatus", true}}));
  update({{"callRejectMessage", ""}});
  EXPECT_EQ(get().at("settings"), defaultsWith({{"ignoreStatus", true}}));
}

TEST_F(Settings, AnUpdateOfNothingIsRefused) {
  for (const object& body : {object{}, object{{"ignoreStatus", nullptr}},
                             object{{"ignoreStatus", ""}}, object{{"unknown", true}}})
    try {
      update(body);
      ADD_FAILURE() << serialize(body);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::invalid);
      EXPECT_STREQ(error.what(), "At least one setting must be provided");
    }
  EXPECT_TRUE(host_.documents.empty());
}

TEST_F(Settings, ThoseOfACreateRequestAreTheSame) {
  const Json slice = checked(block_.fields(), {{"keepOnlineStatus", true}}).values;
  block_.configure(kShop, Fields(slice));
  EXPECT_EQ(get().at("settings"), defaultsWith({{"keepOnlineStatus", true}}));
}

TEST(SettingsTogether, UpdatesOfDifferentSettingsAreAllKept) {
  TempGateway gateway;
  gateway.add(SettingsBlock::kName, std::make_unique<SettingsBlock>(), true);
  gateway.start();
  const Instance shop = gateway.create({{"name", "shop"}}).instance;
  const auto& routes = gateway.routes.routes();
  const auto update = std::find_if(routes.begin(), routes.end(),
                                   [](const auto& each) { return each->route.path == kUpdate; });
  ASSERT_NE(update, routes.end());

  std::vector<std::string> flags;
  for (const auto& [key, value] : kDefaults.as_object())
    if (value.is_bool()) flags.emplace_back(key);
  std::barrier together(static_cast<std::ptrdiff_t>(flags.size()));
  std::vector<std::thread> clients;
  for (const auto& flag : flags)
    clients.emplace_back([&, flag] {
      together.arrive_and_wait();
      const bool other = !kDefaults.at(flag).as_bool();
      (*update)->handler(requestOf(shop, object{{flag, other}}));
    });
  for (auto& client : clients) client.join();

  object shown;
  gateway.registry.show(shop, gateway.blocks, shown);
  for (const auto& flag : flags)
    EXPECT_NE(shown.at("settings").at(flag), kDefaults.at(flag)) << flag;
}

}  // namespace
}  // namespace pombo
