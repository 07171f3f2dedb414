// The webhook block over a host in memory, and what its tests say to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "pombo/testing/fake_host.hpp"

using namespace pombo;
using boost::json::array;
using boost::json::object;

inline const Instance kShop{
    {"i-1"}, {"a-1"}, "shop", "whatsapp", "disconnected", "", TimePoint(std::chrono::seconds(1))};
inline constexpr auto kSet = "/api/events/webhook/:instance";
inline constexpr auto kUrl = "https://crm.example/wa";

// What core hands out: checked against the table, fallbacks filled in.
inline object filled(const std::vector<Field>& table, const object& given) {
  object all;
  for (const auto& field : table) {
    const auto* value = given.if_contains(field.name);
    all[field.name] = value ? *value : field.fallback;
  }
  return all;
}

inline object with(object base, const object& more) {
  for (const auto& member : more) base[member.key()] = member.value();
  return base;
}

// Over a host in memory.
class WebhookOverHost : public ::testing::Test {
 protected:
  WebhookOverHost() { block_->start(host_); }

  void configure(const object& given) {
    const Json values = filled(block_->fields(), given);
    block_->configure(kShop, Fields(values));
  }
  std::string refusalOf(const object& given) {
    return refusal([&] { configure(given); });
  }
  template <class Call>
  std::string refusal(const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::invalid);
      return error.what();
    }
    return "";
  }

  const Route& route(Method method, const std::string& path) {
    const auto it =
        std::find_if(host_.declared.begin(), host_.declared.end(),
                     [&](const Route& each) { return each.method == method && each.path == path; });
    EXPECT_NE(it, host_.declared.end()) << path;
    return *it;
  }
  Json set(const object& given, const std::string& path = kSet) {
    HttpRequest request = requestFor(kShop);
    request.fields = filled(route(Method::post, path).body, given);
    const auto reply = host_.call(Method::post, path, request);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body.at("message"), "Webhook configured successfully");
    return reply.body.at("webhook");
  }
  Json on(const std::string& label, const object& more = {}) {
    return set(with({{"label", label}, {"enabled", true}, {"url", kUrl}}, more));
  }
  std::string refusalOfSet(const object& given) {
    return refusal([&] { set(given); });
  }
  HttpReply get(const Json& query = nullptr, const std::vector<std::string>& given = {}) {
    HttpRequest request = requestFor(kShop);
    request.query = query;
    request.given = given;
    return host_.call(Method::get, "/api/events/getWebhook/:instance", request);
  }
  Json row(const std::string& label) {
    return get({{"label", label}}, {"label"}).body.at("webhook");
  }
  // All that is sealed, as one text.
  std::string sealed() {
    std::string all;
    for (const auto& [name, value] : host_.sealed) all += value + "\n";
    return all;
  }

  FakeHost host_;
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
};
