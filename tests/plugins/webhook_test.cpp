#include <gtest/gtest.h>

#include <memory>

#include "pombo/testing/fake_host.hpp"

using namespace pombo;

namespace {

const Instance kShop{
    {"i-1"}, {"a-1"}, "shop", "whatsapp", "disconnected", "", TimePoint(std::chrono::seconds(1))};

// Over a host in memory, with a slice as core hands it out: checked, fallbacks filled in.
class Webhook : public ::testing::Test {
 protected:
  Webhook() { block_->start(host_); }

  static boost::json::object slice(const boost::json::object& given) {
    boost::json::object all;
    const std::unique_ptr<IBlockConfigurator> block(pombo_create());
    for (const auto& field : block->fields()) {
      const auto* value = given.if_contains(field.name);
      all[field.name] = value ? *value : field.fallback;
    }
    return all;
  }
  void configure(const boost::json::object& given) {
    const Json values = slice(given);
    block_->configure(kShop, Fields(values));
  }
  std::string refusalOf(const boost::json::object& given) {
    try {
      configure(given);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::invalid);
      return error.what();
    }
    return "";
  }
  std::optional<std::string> secret(const std::string& name) {
    const auto it = host_.sealed.find({kShop.id, name});
    return it == host_.sealed.end() ? std::nullopt : std::optional(it->second);
  }

  FakeHost host_;
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
};

TEST_F(Webhook, EveryFieldAndOptionBearsTheWordOfTheBlockAndADoc) {
  for (const auto& field : block_->fields()) {
    EXPECT_TRUE(field.name.starts_with("webhook") && std::isupper(field.name[7])) << field.name;
    EXPECT_TRUE(field.doc.ends_with(".")) << field.name;
  }
  for (const auto& option : block_->options())
    EXPECT_TRUE(option.doc.ends_with(".")) << option.name;
}

TEST_F(Webhook, WhatIsSecretIsDeclaredSo) {
  for (const auto& field : block_->fields())
    EXPECT_EQ(field.secret, field.name == "webhookAuthorization") << field.name;
}

TEST_F(Webhook, ShowsItsKeysBeforeItIsEverConfigured) {
  EXPECT_EQ(block_->summary(kShop),
            (Json{{"enabled", false}, {"url", nullptr}, {"events", boost::json::array()}}));
}

TEST_F(Webhook, KeepsWhatItIsToldAndShowsThreeKeysOfIt) {
  configure({{"webhookEnabled", true},
             {"webhookURL", "https://crm.example/wa"},
             {"webhookByEvents", true},
             {"webhookEvents", {"message.exchange", "call.update"}},
             {"webhookMediaBase64", true}});
  EXPECT_EQ(block_->summary(kShop), (Json{{"enabled", true},
                                          {"url", "https://crm.example/wa"},
                                          {"events", {"message.exchange", "call.update"}}}));
  EXPECT_EQ(host_.documents.at(kShop.id).at("byEvents"), true);
  EXPECT_EQ(host_.documents.at(kShop.id).at("mediaBase64"), true);
}

TEST_F(Webhook, AMissingUrlReadsAsOneThatIsNoUrl) {
  EXPECT_EQ(refusalOf({{"webhookEnabled", true}}),
            "The 'webhookURL' field must be a valid http or https URL");
  EXPECT_TRUE(host_.documents.empty());
}

TEST_F(Webhook, AUrlThatMayNotBeDialledIsRefusedBeforeAnythingIsKept) {
  host_.refused["http://10.0.0.1/"] = "private address (operators: egress.allow)";
  EXPECT_EQ(refusalOf({{"webhookEnabled", true}, {"webhookURL", "http://10.0.0.1/"}}),
            "URL is not allowed: private address (operators: egress.allow)");
  EXPECT_TRUE(host_.documents.empty());
  EXPECT_TRUE(host_.sealed.empty());
}

TEST_F(Webhook, DoesNotDialOut) {
  configure({{"webhookEnabled", true}, {"webhookURL", "https://crm.example/wa"}});
  EXPECT_TRUE(host_.requests.empty());
}

TEST_F(Webhook, AuthorizationIsSealedAndNowhereElse) {
  configure({{"webhookEnabled", true},
             {"webhookURL", "https://crm.example/wa"},
             {"webhookAuthorization", "Bearer canary-1"}});
  EXPECT_EQ(secret("default.authorization"), "Bearer canary-1");
  EXPECT_EQ(serialize(host_.documents.at(kShop.id)).find("canary-1"), std::string::npos);
  EXPECT_EQ(serialize(block_->summary(kShop)).find("canary-1"), std::string::npos);
  for (const auto& line : host_.logLines)
    EXPECT_EQ((line.message + serialize(line.fields)).find("canary-1"), std::string::npos);
}

TEST_F(Webhook, AuthorizationThatIsNotGivenAgainIsGone) {
  const boost::json::object plain{{"webhookEnabled", true}, {"webhookURL", "https://crm.example/"}};
  auto with = plain;
  with["webhookAuthorization"] = "Bearer x";
  configure(with);
  configure(plain);
  EXPECT_EQ(secret("default.authorization"), std::nullopt);
}

TEST_F(Webhook, ItsSigningSecretIsMadeOnceAndStays) {
  configure({{"webhookEnabled", true}, {"webhookURL", "https://a.example/"}});
  const auto first = secret("default.secret");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->starts_with("whsec_"));
  EXPECT_EQ(first->size(), 6 + 44u);  // 32 bytes in base64
  configure({{"webhookEnabled", true}, {"webhookURL", "https://b.example/"}});
  EXPECT_EQ(secret("default.secret"), first);
  EXPECT_EQ(block_->summary(kShop).at("url"), "https://b.example/");
}

TEST_F(Webhook, SwitchedOffItForgetsAllButItsSigningSecret) {
  configure({{"webhookEnabled", true},
             {"webhookURL", "https://a.example/"},
             {"webhookAuthorization", "Bearer x"}});
  const auto secretBefore = secret("default.secret");
  configure({{"webhookEnabled", false}});
  EXPECT_EQ(block_->summary(kShop).at("enabled"), false);
  EXPECT_EQ(block_->summary(kShop).at("url"), nullptr);
  EXPECT_EQ(secret("default.authorization"), std::nullopt);
  EXPECT_EQ(secret("default.secret"), secretBefore) << "a receiver need not learn another";
}

TEST_F(Webhook, TwoInstancesHaveDifferentSigningSecrets) {
  Instance other = kShop;
  other.id = {"i-2"};
  const Json values = slice({{"webhookEnabled", true}, {"webhookURL", "https://a.example/"}});
  block_->configure(kShop, Fields(values));
  block_->configure(other, Fields(values));
  EXPECT_NE(host_.sealed.at({kShop.id, "default.secret"}),
            host_.sealed.at({other.id, "default.secret"}));
}

}  // namespace
