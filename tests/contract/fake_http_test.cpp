#include <gtest/gtest.h>

#include "pombo/testing/fake_host.hpp"

using namespace pombo;
using namespace std::chrono_literals;

namespace {

const Instance kShop{{"i-1"}, {"a-1"}, "shop", "whatsapp", "connected", "", {}};

// A small guest book: read, written, watched, and answered later.
class GuestBook final : public IBlockConfigurator {
 public:
  IHost* host = nullptr;
  std::vector<std::shared_ptr<ISocket>> watchers;

  void start(IHost& given) override {
    host = &given;
    auto& routes = given.routes();
    routes.add({.path = "/api/guests/:instance"}, [](const HttpRequest& request) {
      return HttpReply{.body = {{"of", request.instance->name}, {"for", request.account->value}}};
    });
    routes.add({.method = Method::post, .path = "/api/guests", .access = Access::account},
               [](const HttpRequest& request) -> HttpReply {
                 if (request.body.empty()) throw Error(Code::invalid, "Nobody came");
                 return {.status = 201, .bytes = request.body};
               });
    routes.add({.path = "/api/admin/guests/:instance", .access = Access::admin},
               [](const HttpRequest&) { return HttpReply{.status = 204}; });
    routes.add({.path = "/guests", .access = Access::open},
               [](const HttpRequest&) { return HttpReply{.status = 204}; });
    routes.add({.path = "/guests/next", .access = Access::open},
               [](const HttpRequest&) { return HttpReply{.later = true}; });
    routes.addSocket({.path = "/guests/watch/:instance", .dialect = "plain"},
                     [this](const HttpRequest& request, std::shared_ptr<ISocket> socket) {
                       watch(request, std::move(socket));
                     });
    routes.addDialect("plain", [](const Refusal& refusal) { return Json(refusal.sentence); });
  }
  Json summary(const Instance&) override { return {}; }
  void arrives(const std::string& guest) {
    host->routes().answer("r-1", {.body = {{"guest", guest}}});
    const auto text = std::make_shared<const std::string>(guest);
    for (const auto& each : watchers) each->send(text);
  }

 private:
  void watch(const HttpRequest& request, std::shared_ptr<ISocket> socket) {
    if (request.headers.contains("x-quiet")) throw Error(Code::forbidden, "No lurkers");
    socket->onClosed([this, key = socket.get()] {
      std::erase_if(watchers, [&](const auto& each) { return each.get() == key; });
    });
    watchers.push_back(std::move(socket));
  }
};

struct FakeHttpTest : ::testing::Test {
  FakeHost host;
  GuestBook block;
  void SetUp() override { block.start(host); }

  Code refusalOf(Method method, const std::string& path, const HttpRequest& request = {}) {
    try {
      host.call(method, path, request);
    } catch (const Error& error) {
      return error.code;
    }
    ADD_FAILURE() << path << " was not refused";
    return {};
  }
};

}  // namespace

TEST_F(FakeHttpTest, AHandlerSeesWhatItsRoutePromises) {
  const auto reply = host.call(Method::get, "/api/guests/:instance", requestFor(kShop));
  EXPECT_EQ(reply.body, (Json{{"of", "shop"}, {"for", "a-1"}}));
  HttpRequest request;
  request.account = kShop.account;
  request.body = "Ana";
  EXPECT_EQ(host.call(Method::post, "/api/guests", request).bytes, "Ana");
  EXPECT_EQ(host.call(Method::get, "/guests").status, 204);
}

TEST_F(FakeHttpTest, ARequestWithoutWhatItsRoutePromisesDoesNotReachTheHandler) {
  EXPECT_EQ(refusalOf(Method::get, "/api/guests/:instance"), Code::notFound);
  EXPECT_EQ(refusalOf(Method::get, "/api/admin/guests/:instance"), Code::notFound);
  EXPECT_EQ(refusalOf(Method::post, "/api/guests"), Code::unauthorized);
  EXPECT_EQ(refusalOf(Method::put, "/guests"), Code::notFound) << "nobody has added it";
}

TEST_F(FakeHttpTest, AnInstanceComesWithItsAccountAndTheAdminWithNone) {
  HttpRequest request;
  request.instance = kShop;
  EXPECT_EQ(host.call(Method::get, "/api/guests/:instance", request).body.at("for"), "a-1");
  EXPECT_EQ(host.call(Method::get, "/api/admin/guests/:instance", request).status, 204);
}

TEST_F(FakeHttpTest, WhatAHandlerThrowsComesOut) {
  HttpRequest request;
  request.account = kShop.account;
  EXPECT_EQ(refusalOf(Method::post, "/api/guests", request), Code::invalid);
}

TEST_F(FakeHttpTest, ARouteIsAddedOnce) {
  EXPECT_THROW(block.start(host), Error);
  EXPECT_EQ(host.declared.size(), 6u);
}

TEST_F(FakeHttpTest, AnAnswerThatComesLaterIsKeptOnce) {
  HttpRequest request;
  request.id = "r-1";
  EXPECT_TRUE(host.call(Method::get, "/guests/next", request).later);
  EXPECT_TRUE(host.answered.empty());
  block.arrives("Ana");
  block.arrives("Rui");
  EXPECT_EQ(host.answered.at("r-1").body.at("guest"), "Ana");
}

TEST_F(FakeHttpTest, AnAnswerThatNobodyAwaitsIsIgnored) {
  block.arrives("Ana");
  EXPECT_TRUE(host.answered.empty());
}

TEST_F(FakeHttpTest, ASocketGetsWhatIsSentUntilItCloses) {
  const auto one = host.connect("/guests/watch/:instance", requestFor(kShop));
  const auto two = host.connect("/guests/watch/:instance", requestFor(kShop));
  block.arrives("Ana");
  one->close(1001, "leaving");
  block.arrives("Rui");
  EXPECT_EQ(one->received, std::vector<std::string>{"Ana"});
  EXPECT_EQ(two->received, (std::vector<std::string>{"Ana", "Rui"}));
  EXPECT_EQ(block.watchers.size(), 1u);
}

TEST_F(FakeHttpTest, ASocketClosesOnceAndTellsOnce) {
  FakeSocket socket;
  int told = 0;
  socket.onClosed([&] { ++told; });
  socket.close(4000, "first");
  socket.close(4001, "second");
  EXPECT_EQ(socket.closedWith, 4000);
  EXPECT_EQ(socket.closeReason, "first");
  socket.send(std::make_shared<const std::string>("late"));
  EXPECT_TRUE(socket.received.empty());
  EXPECT_EQ(told, 1);
  socket.onClosed([&] { ++told; });
  EXPECT_EQ(told, 2) << "at once when it already has";
}

TEST_F(FakeHttpTest, ASocketCanBeRefused) {
  auto request = requestFor(kShop);
  request.headers["x-quiet"] = "1";
  EXPECT_THROW(host.connect("/guests/watch/:instance", request), Error);
  EXPECT_THROW(host.connect("/guests/watch/:instance"), Error) << "of no instance";
}

TEST_F(FakeHttpTest, ADialectPutsARefusalIntoItsOwnWords) {
  EXPECT_EQ(host.declared.back().dialect, "plain");
  Refusal refusal;
  refusal.sentence = "Invalid token";
  EXPECT_EQ(host.dialects.at("plain")(refusal), "Invalid token");
}

TEST_F(FakeHttpTest, TheWorldAnswersInOrderAndThenNoMore) {
  host.replies = {{500, {}, "first"}, {200, {}, "second"}};
  EXPECT_EQ(host.http().send({.url = "http://x/1"}).body, "first");
  EXPECT_EQ(host.http().send({.url = "http://x/2"}).body, "second");
  EXPECT_THROW(host.http().send({.url = "http://x/3"}), Error);
  ASSERT_EQ(host.requests.size(), 3u);
  EXPECT_EQ(host.requests[2].url, "http://x/3");
}

TEST_F(FakeHttpTest, WhatIsRefusedIsNotDialled) {
  host.refused = {{"http://10.0.0.1", "private address"}, {"proxy.local", "no such thing"}};
  EXPECT_NO_THROW(host.http().requireAllowed("http://x"));
  EXPECT_NO_THROW(host.http().requireAllowedProxy("10.0.0.1"));
  EXPECT_THROW(host.http().requireAllowedProxy("proxy.local"), Error);
  try {
    host.http().requireAllowed("http://10.0.0.1");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::invalid);
    EXPECT_STREQ(error.what(), "URL is not allowed: private address");
  }
  host.replies = {{200, {}, {}}};
  EXPECT_THROW(host.http().send({.url = "http://10.0.0.1"}), Error);
  EXPECT_EQ(host.replies.size(), 1u);
}
