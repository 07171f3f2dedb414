#include "http/dispatcher.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace pombo {
namespace {

using Params = std::map<std::string, std::string>;
using Words = std::vector<std::string>;

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() {
    for (const auto& [method, path] : std::vector<std::pair<Method, std::string>>{
             {Method::get, "/"},
             {Method::get, "/health"},
             {Method::post, "/api/instance/new"},
             {Method::get, "/api/instance/list"},
             {Method::del, "/api/instance/delete/:instance"},
             {Method::get, "/api/events/webhook/:instance"},
             {Method::post, "/api/events/webhook/:instance"},
             {Method::post, "/api/events/webhook"},
             {Method::post, "/api/message/:kind/:instance"},
             {Method::post, "/api/message/text/:instance"},
             {Method::post, "/a/:x/b"},
             {Method::post, "/a/fixed/:y"},
             {Method::put, "/many"},
             {Method::patch, "/many"}})
      table_.add({{.method = method, .path = path}});
  }

  std::string found(const std::string& method, const std::string& path) {
    const Match match = dispatcher().find(method, path);
    return match.route ? match.route->route.path : "";
  }
  Params params(const std::string& method, const std::string& path) {
    return dispatcher().find(method, path).params;
  }
  const Dispatcher& dispatcher() {
    if (!dispatcher_) dispatcher_ = std::make_unique<Dispatcher>(table_);
    return *dispatcher_;
  }

  RouteTable table_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(DispatcherTest, FindsByMethodAndPath) {
  EXPECT_EQ(found("GET", "/"), "/");
  EXPECT_EQ(found("GET", "/health"), "/health");
  EXPECT_EQ(found("POST", "/api/instance/new"), "/api/instance/new");
  EXPECT_EQ(found("POST", "/api/events/webhook"), "/api/events/webhook");
  EXPECT_EQ(found("GET", "/api/events/webhook/shop"), "/api/events/webhook/:instance");
  EXPECT_EQ(found("DELETE", "/api/instance/delete/shop"), "/api/instance/delete/:instance");
  EXPECT_EQ(found("PATCH", "/many"), "/many");
}

TEST_F(DispatcherTest, ParametersAreDecodedOnce) {
  const auto instance = [&](const std::string& raw) {
    return params("GET", "/api/events/webhook/" + raw).at("instance");
  };
  EXPECT_EQ(instance("shop"), "shop");
  EXPECT_EQ(instance("a%20b"), "a b");
  EXPECT_EQ(instance("%C3%A9"), "é");
  EXPECT_EQ(instance("e%CC%81"), "e\u0301");
  EXPECT_EQ(instance("a+b"), "a+b");
  EXPECT_EQ(instance("%2561"), "%61");
  EXPECT_EQ(instance("a%2Fb"), "a/b");
  EXPECT_EQ(instance("%20"), " ");
  EXPECT_EQ(instance("%00"), std::string("\0", 1));
  EXPECT_EQ(instance("%ff"), "\xff");
  EXPECT_EQ(instance("new"), "new");
  EXPECT_EQ(instance(":instance"), ":instance");
  EXPECT_EQ(instance("*"), "*");
  EXPECT_EQ(instance("a.b-c_d~e"), "a.b-c_d~e");
  EXPECT_EQ(params("POST", "/api/message/media/my%20shop"),
            (Params{{"kind", "media"}, {"instance", "my shop"}}));
}

TEST_F(DispatcherTest, AFixedSegmentWinsOverAParameter) {
  EXPECT_EQ(found("POST", "/api/message/text/shop"), "/api/message/text/:instance");
  EXPECT_EQ(params("POST", "/api/message/text/shop"), (Params{{"instance", "shop"}}));
  EXPECT_EQ(found("POST", "/api/message/media/shop"), "/api/message/:kind/:instance");
  EXPECT_EQ(found("POST", "/a/fixed/c"), "/a/fixed/:y");
  EXPECT_EQ(params("POST", "/a/fixed/c"), (Params{{"y", "c"}}));
  EXPECT_EQ(found("POST", "/a/other/b"), "/a/:x/b");
  EXPECT_EQ(found("POST", "/a/other/c"), "");
}

TEST_F(DispatcherTest, OneSlashAtTheEndIsIgnoredAndNoMore) {
  EXPECT_EQ(found("GET", "/health/"), "/health");
  EXPECT_EQ(found("POST", "/api/instance/new/"), "/api/instance/new");
  EXPECT_EQ(params("GET", "/api/events/webhook/shop/"), (Params{{"instance", "shop"}}));
  EXPECT_EQ(found("GET", "/health//"), "");
  EXPECT_EQ(found("POST", "/api/events/webhook/"), "/api/events/webhook");
}

TEST_F(DispatcherTest, WhatIsNoneOfThePathsIsNotFound) {
  for (const std::string& path :
       {std::string(""), std::string("health"), std::string("//"), std::string("//health"),
        std::string("//api/instance/list"), std::string("/api//instance/list"),
        std::string("/api/x/../instance/list"), std::string("/api/./instance/list"),
        std::string("/Health"), std::string("/api/instance"), std::string("/api/instance/list/x"),
        std::string("/api/events/webhook/a/b"), std::string("/-"), std::string("/health%2f"),
        std::string("/%68ealth"), std::string("*"), std::string(16'000, '/'),
        "/" + std::string(100'000, 'a'), "/api/events/webhook/" + std::string(9'000, 'a')}) {
    const Match match = dispatcher().find("GET", path);
    EXPECT_EQ(match.route, nullptr) << path.substr(0, 100);
    EXPECT_TRUE(match.allowed.empty()) << path.substr(0, 100);
  }
}

TEST_F(DispatcherTest, ManySegmentsAreNoTrouble) {
  std::string path;
  for (int i = 0; i < 4'000; ++i) path += "/a";
  EXPECT_EQ(found("GET", path), "");
  EXPECT_EQ(found("POST", path), "");
}

TEST_F(DispatcherTest, AWrongMethodLearnsTheRightOnes) {
  const auto allowed = [&](const std::string& method, const std::string& path) {
    return dispatcher().find(method, path).allowed;
  };
  EXPECT_EQ(allowed("PUT", "/api/instance/new"), Words{"POST"});
  EXPECT_EQ(allowed("GET", "/api/instance/new"), Words{"POST"});
  EXPECT_EQ(allowed("POST", "/health"), (Words{"GET", "HEAD"}));
  EXPECT_EQ(allowed("DELETE", "/api/events/webhook/shop/"), (Words{"GET", "HEAD", "POST"}));
  EXPECT_EQ(allowed("GET", "/many"), (Words{"PUT", "PATCH"}));
  EXPECT_EQ(allowed("HEAD", "/many"), (Words{"PUT", "PATCH"}));
}

TEST_F(DispatcherTest, AnUnknownMethodIsAWrongOne) {
  for (const auto* method :
       {"FOO", "get", "Post", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "G", "GET ", ""}) {
    const Match match = dispatcher().find(method, "/api/instance/new");
    EXPECT_EQ(match.route, nullptr) << method;
    EXPECT_EQ(match.allowed, Words{"POST"}) << method;
  }
}

TEST_F(DispatcherTest, HeadIsGet) {
  EXPECT_EQ(found("HEAD", "/health"), "/health");
  EXPECT_EQ(params("HEAD", "/api/events/webhook/shop"), (Params{{"instance", "shop"}}));
  EXPECT_EQ(found("HEAD", "/api/instance/new"), "");
}

TEST_F(DispatcherTest, ManyThreadsFindAtOnce) {
  dispatcher();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([this, t] {
      const std::string name = "shop" + std::to_string(t);
      for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(params("POST", "/api/message/media/" + name).at("instance"), name);
        ASSERT_EQ(found("FOO", "/api/message/media/" + name), "");
        ASSERT_EQ(params("GET", "/api/events/webhook/" + name).at("instance"), name);
        ASSERT_EQ(found("GET", "/nowhere/" + name), "");
      }
    });
}

TEST(RouteTableTest, APathIsTakenOnceAndMustBeOne) {
  RouteTable table;
  table.add({{.method = Method::get, .path = "/a/:b"}});
  table.add({{.method = Method::post, .path = "/a/:b"}});
  const auto codeOf = [&](const std::string& path) {
    try {
      table.add({{.method = Method::get, .path = path}});
    } catch (const Error& error) {
      return error.code;
    }
    return Code::unsupported;
  };
  EXPECT_EQ(codeOf("/a/:b"), Code::conflict);
  for (const auto* path : {"", "a", "//", "/a//b", "/a/"})
    EXPECT_EQ(codeOf(path), Code::invalid) << path;
  table.close();
  EXPECT_EQ(codeOf("/late"), Code::internal);
}

TEST(RouteTableTest, WhatABlockHasAddedCanBeTakenBack) {
  RouteTable table;
  table.add({.route = {.path = "/theirs"}, .block = "failed"});
  table.add({.route = {.path = "/ours"}, .block = "good"});
  table.addDialect("failed", "d", [](const Refusal&) { return Json(); });
  table.addDialect("good", "d", [](const Refusal&) { return Json(); });
  table.drop("failed");
  EXPECT_FALSE(table.serves(Method::get, "/theirs"));
  EXPECT_TRUE(table.serves(Method::get, "/ours"));
  EXPECT_EQ(table.dialect("failed", "d"), nullptr);
  EXPECT_NE(table.dialect("good", "d"), nullptr);
  EXPECT_THROW(table.add({.route = {.path = "/late"}, .block = "failed"}), Error)
      << "its start() may still be at it";
  table.add({.route = {.path = "/theirs"}, .block = "good"});
}

TEST(PercentDecoded, DecodesOnceAndRefusesHalves) {
  EXPECT_EQ(percentDecoded("a%20b+c"), "a b+c");
  EXPECT_EQ(percentDecoded("%41%6a%6A"), "Ajj");
  EXPECT_EQ(percentDecoded(""), "");
  EXPECT_EQ(percentDecoded("%00"), std::string("\0", 1));
  for (const auto* bad : {"%", "%4", "%zz", "a%4", "%4g", "%%41", "%+1", "% 1"})
    EXPECT_EQ(percentDecoded(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace pombo
