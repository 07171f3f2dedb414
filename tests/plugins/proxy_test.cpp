#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "asleep.hpp"
#include "watched_host.hpp"

using namespace pombo;

namespace {

const Instance kShop{
    {"i-1"}, {"a-1"}, "shop", "whatsapp", "disconnected", "", TimePoint(std::chrono::seconds(1))};

const Json kNone{{"enabled", false},    {"host", nullptr},     {"port", nullptr},
                 {"protocol", nullptr}, {"username", nullptr}, {"password", nullptr}};

// Values as core hands them out: checked, fallbacks filled in.
Json filled(const std::vector<Field>& table, const boost::json::object& given) {
  boost::json::object all;
  for (const auto& field : table) {
    const auto* value = given.if_contains(field.name);
    all[field.name] = value ? *value : field.fallback;
  }
  return all;
}

class ProxyTest : public ::testing::Test {
 protected:
  ProxyTest() { block_->start(watched_); }

  void configure(const boost::json::object& given) {
    const Json slice = filled(block_->fields(), given);
    block_->configure(kShop, Fields(slice));
  }
  const Route& route(Method method) {
    return *std::find_if(host_.declared.begin(), host_.declared.end(),
                         [&](const Route& each) { return each.method == method; });
  }
  Json post(const boost::json::object& given) {
    HttpRequest request = requestFor(kShop);
    request.fields = filled(route(Method::post).body, given);
    return host_.call(Method::post, "/api/instance/proxy/:instance", request).body;
  }
  Json get() {
    return host_.call(Method::get, "/api/instance/getProxy/:instance", requestFor(kShop)).body;
  }
  std::optional<Proxy> proxy() { return block_->proxies()->proxyFor(kShop.id); }

  const boost::json::object kGiven{{"enabled", true}, {"host", "10.0.0.9"},
                                   {"port", "1080"},  {"protocol", "socks5"},
                                   {"username", "u"}, {"password", "p@:/%?#ü"}};
  FakeHost host_;
  WatchedHost watched_{host_};
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
};

TEST_F(ProxyTest, EveryFieldBearsTheWordOfTheBlockAndADoc) {
  for (const auto& field : block_->fields()) {
    EXPECT_TRUE(field.name.starts_with("proxy") && std::isupper(field.name[5])) << field.name;
    EXPECT_TRUE(field.doc.ends_with(".")) << field.name;
    EXPECT_EQ(field.secret, field.name == "proxyPassword") << field.name;
  }
}

TEST_F(ProxyTest, ItsRouteTakesTheSameFieldsWithoutTheWord) {
  const auto& body = route(Method::post).body;
  const auto fields = block_->fields();
  ASSERT_EQ(body.size(), fields.size());
  for (std::size_t i = 0; i < body.size(); ++i) {
    std::string long_ = body[i].name;
    long_[0] = static_cast<char>(std::toupper(long_[0]));
    EXPECT_EQ("proxy" + long_, fields[i].name);
  }
  EXPECT_EQ(body[0].need, Need::always) << "enabled";
}

TEST_F(ProxyTest, ShowsItsKeysBeforeItIsEverConfigured) {
  EXPECT_EQ(block_->summary(kShop), kNone);
  EXPECT_EQ(proxy(), std::nullopt);
}

TEST_F(ProxyTest, KeepsWhatACreateRequestSays) {
  configure({{"proxyEnabled", true},
             {"proxyHost", "10.0.0.9"},
             {"proxyPort", "1080"},
             {"proxyProtocol", "socks5"},
             {"proxyUsername", "u"},
             {"proxyPassword", "p@:/%?#ü"}});
  EXPECT_EQ(block_->summary(kShop), (Json{{"enabled", true},
                                          {"host", "10.0.0.9"},
                                          {"port", "1080"},
                                          {"protocol", "socks5"},
                                          {"username", "u"},
                                          {"password", nullptr}}));
  EXPECT_EQ(proxy(), (Proxy{"socks5", "10.0.0.9", 1080, "u", "p@:/%?#ü"}));
}

TEST_F(ProxyTest, WithoutCredentialsThereAreNone) {
  configure({{"proxyEnabled", true},
             {"proxyHost", "proxy.example"},
             {"proxyPort", "65535"},
             {"proxyProtocol", "http"}});
  EXPECT_EQ(block_->summary(kShop).at("username"), nullptr);
  EXPECT_EQ(proxy(), (Proxy{"http", "proxy.example", 65535, "", ""}));
}

TEST_F(ProxyTest, ItsRoutesAnswerWithWhatIsKept) {
  const Json shown{{"enabled", true},      {"host", "10.0.0.9"}, {"port", "1080"},
                   {"protocol", "socks5"}, {"username", "u"},    {"password", nullptr}};
  EXPECT_EQ(post(kGiven), (Json{{"success", true},
                                {"message", "Proxy configuration updated successfully"},
                                {"proxy", shown}}));
  EXPECT_EQ(get(), (Json{{"success", true},
                         {"message", "Proxy configuration retrieved successfully"},
                         {"proxy", shown}}));
}

TEST_F(ProxyTest, ThePasswordIsSealedAndNowhereElse) {
  post(kGiven);
  EXPECT_TRUE(host_.documents.empty());
  EXPECT_EQ(host_.sealed.size(), 1u);
  EXPECT_EQ(serialize(get()).find("p@:"), std::string::npos);
  EXPECT_TRUE(host_.logLines.empty());
}

TEST_F(ProxyTest, APasswordThatIsLeftOutStaysWithItsHostAndUser) {
  post(kGiven);
  auto again = kGiven;
  again.erase("password");
  again["port"] = "1081";
  again["protocol"] = "http";
  post(again);
  EXPECT_EQ(proxy(), (Proxy{"http", "10.0.0.9", 1081, "u", "p@:/%?#ü"}));
  again["password"] = "new";
  post(again);
  EXPECT_EQ(proxy()->password, "new");
}

TEST_F(ProxyTest, APasswordDoesNotFollowToAnotherHostOrUser) {
  for (const auto& [field, value] : {std::pair("host", "10.0.0.10"), std::pair("username", "v")}) {
    post(kGiven);
    auto again = kGiven;
    again.erase("password");
    again[field] = value;
    post(again);
    EXPECT_EQ(proxy()->password, "") << field;
  }
  post(kGiven);
  auto nobody = kGiven;
  nobody.erase("password");
  nobody.erase("username");
  post(nobody);
  EXPECT_EQ(proxy()->password, "");
}

TEST_F(ProxyTest, APasswordIsNotLostToARequestThatLeavesItOut) {
  post(kGiven);
  const auto configureWith = [&](const std::string& password) {
    const Json slice = filled(block_->fields(), {{"proxyEnabled", true},
                                                 {"proxyHost", "10.0.0.9"},
                                                 {"proxyPort", "1080"},
                                                 {"proxyProtocol", "socks5"},
                                                 {"proxyUsername", "u"},
                                                 {"proxyPassword", password}});
    block_->configure(kShop, Fields(slice));
  };
  // Between reading the password and writing it back, another request has a new one.
  const std::atomic<pid_t> here = ::gettid();
  std::promise<void> isRead;
  watched_.afterOpening = [&] {
    isRead.set_value();
    untilAsleep(here);  // before its turn to write; or, having written, until this has ended
  };
  std::jthread other([&] { configureWith(""); });
  isRead.get_future().wait();
  configureWith("new");
  other.join();
  watched_.afterOpening = nullptr;
  EXPECT_EQ(proxy()->password, "new");
}

TEST_F(ProxyTest, SwitchedOffItForgetsItsCredentials) {
  post(kGiven);
  EXPECT_EQ(post({{"enabled", false}}).at("proxy"), kNone);
  EXPECT_TRUE(host_.sealed.empty());
  auto again = kGiven;
  again.erase("password");
  post(again);
  EXPECT_EQ(proxy()->password, "");
}

TEST_F(ProxyTest, AHostThatMayNotBeDialledIsRefusedAndWhatWasKeptStays) {
  post(kGiven);
  host_.refused["127.0.0.1"] = "loopback address (operators: egress.allow)";
  auto refused = kGiven;
  refused["host"] = "127.0.0.1";
  try {
    post(refused);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::invalid);
    EXPECT_STREQ(error.what(), "URL is not allowed: loopback address (operators: egress.allow)");
  }
  EXPECT_EQ(proxy()->host, "10.0.0.9");
}

TEST_F(ProxyTest, DoesNotDialOut) {
  post(kGiven);
  EXPECT_TRUE(host_.requests.empty());
}

TEST_F(ProxyTest, OneInstancesProxyIsNoOthers) {
  post(kGiven);
  EXPECT_EQ(block_->proxies()->proxyFor({"i-2"}), std::nullopt);
}

TEST_F(ProxyTest, AProxyThatCannotBeReadIsNotAbsent) {
  // Dialling without it would show the address that it hides.
  host_.sealed[{kShop.id, "proxy"}] = "{}";
  EXPECT_THROW(proxy(), Error);
}

}  // namespace
