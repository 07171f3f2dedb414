// What whoever is dialled may answer, and what the environment may want: neither moves the client.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "net/http_client.hpp"
#include "tiny_server.hpp"

namespace pombo {
namespace {

using std::chrono::milliseconds;

constexpr auto kOk = "HTTP/1.1 200 OK\r\n";
constexpr std::uint64_t kSocketBuffers = 16 << 20;  // what may be under way when nobody reads on

std::string echoed(const std::string& request) { return TinyServer::reply(200, request); }

class HostileReply : public ::testing::Test {
 protected:
  static std::string said(HttpClient& client, const OutgoingRequest& request) {
    try {
      return "HTTP " + std::to_string(client.send(request).status);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::unavailable);
      return error.what();
    }
  }

  // Why a client gives up on a server that begins like this, and goes on like that for ever.
  std::string endless(const std::string& head, const std::string& forever) {
    TinyServer server([&](const std::string&) { return head; }, forever);
    const auto why = said(client_, {.url = server.url(), .timeout = std::chrono::minutes(5)});
    EXPECT_LT(server.sent(), kSocketBuffers);
    return why;
  }

  const Egress egress_{{{"127.0.0.1"}}, [](const std::string&) { return std::vector<Address>(); }};
  HttpClient client_{egress_, "Pombo/test", nullptr};
};

TEST_F(HostileReply, AHeadWithoutEndIsGivenUp) {
  const std::string tooLong = "The head of the answer is too long";
  const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(endless(kOk, line), tooLong);
  EXPECT_EQ(endless(kOk, "X:\r\n"), tooLong);
  EXPECT_EQ(endless("", "HTTP/1.1 103 Early\r\nX: y\r\n\r\n"), tooLong);
  EXPECT_EQ(endless("", "HTTP/1.1 100 Continue\r\n\r\n"), tooLong);
}

TEST_F(HostileReply, ALineWithoutEndIsGivenUp) {
  const std::string tooLong = "The head of the answer is too long";
  EXPECT_EQ(endless(std::string(kOk) + "X: ", std::string(1000, 'x')), tooLong);
  EXPECT_EQ(endless("HTTP/1.1 200 ", std::string(1000, 'x')), tooLong);
  EXPECT_EQ(endless("", std::string(1000, 'x')), "The answer is not HTTP");
}

TEST_F(HostileReply, TrailersWithoutEndAreGivenUp) {
  const std::string chunked = std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(endless(chunked + "0\r\n", "X-Filler: x\r\n"), "The head of the answer is too long");
  EXPECT_EQ(endless(chunked, "f"), "Failure when receiving data from the peer") << "a chunk's size";
}

TEST_F(HostileReply, OfABodyWithoutEndTheLimitIsRead) {
  for (const std::string& head :
       {std::string(kOk) + "\r\n", std::string(kOk) + "Content-Length: 99999999999999\r\n\r\n"}) {
    TinyServer server([&](const std::string&) { return head; }, std::string(1000, 'x'));
    const auto reply = client_.send({.url = server.url(), .replyLimit = 4096});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, std::string(4096, 'x'));
    EXPECT_LT(server.sent(), kSocketBuffers);
  }
}

TEST_F(HostileReply, AnAnswerThatStopsHalfwayIsNoneOnceTheTimeIsUp) {
  for (const std::string& half : {std::string("H"), std::string(kOk), std::string(kOk) + "X: ",
                                  std::string(kOk) + "Content-Length: 9\r\n\r\nx"}) {
    TinyServer server([&](const std::string&) { return half; }, "");
    EXPECT_EQ(said(client_, {.url = server.url(), .timeout = milliseconds(50)}),
              "Timeout was reached")
        << half;
  }
}

TEST_F(HostileReply, WhatIsNoHttpIsNoAnswer) {
  for (const char* answer : {"hello\r\n", "<html>hello</html>", "ICY 200 OK\r\n\r\n",
                             "HTTP/9.9 200 OK\r\n\r\n", "220 mail ESMTP\r\n", "+PONG\r\n"}) {
    TinyServer server([&](const std::string&) { return answer; });
    EXPECT_EQ(said(client_, {.url = server.url()}), "The answer is not HTTP") << answer;
  }
}

TEST_F(HostileReply, AnyStatusIsAStatus) {
  for (const int status : {226, 299, 451, 599, 999}) {
    TinyServer server([&](const std::string&) { return TinyServer::reply(status, ""); });
    EXPECT_EQ(said(client_, {.url = server.url()}), "HTTP " + std::to_string(status));
  }
}

TEST_F(HostileReply, NoRedirectIsFollowedAndNoOtherServiceIsTaken) {
  TinyServer elsewhere(echoed);
  for (const int status : {300, 301, 302, 303, 305, 307, 308}) {
    TinyServer server([&](const std::string&) {
      return TinyServer::reply(
          status, "",
          "Location: " + elsewhere.url() + "\r\nRefresh: 0; url=" + elsewhere.url() +
              "\r\nAlt-Svc: http/1.1=\"127.0.0.1:" + std::to_string(elsewhere.port()) +
              "\"\r\nStrict-Transport-Security: max-age=99999\r\nConnection: close\r\n");
    });
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(said(client_, {.url = server.url()}), "HTTP " + std::to_string(status));
    EXPECT_EQ(server.requests().size(), 2u);
  }
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST_F(HostileReply, NothingIsInflatedWhateverItIsCalled) {
  const std::string gzip =  // of "inflated"
      std::string(
          "\x1f\x8b\x08\0\0\0\0\0\2\3\xcb\xcc\x4b\xcb\x49\x2c\x49\x4d\1\0\x34\x57\x71\x08\x08\0\0"
          "\0",
          28);
  for (const std::string coding : {"gzip", "deflate, br"}) {
    TinyServer server([&](const std::string&) {
      return kOk + ("Content-Encoding: " + coding) + "\r\n\r\n" + gzip;
    });
    EXPECT_EQ(client_.send({.url = server.url()}).body, gzip) << coding;
  }
  for (const std::string coding : {"gzip", "GZIP", "chunked, gzip", "deflate", "x"}) {
    TinyServer server([&](const std::string&) {
      return kOk + ("Transfer-Encoding: " + coding) + "\r\n\r\n" + gzip;
    });
    EXPECT_EQ(said(client_, {.url = server.url()}),
              "The answer is encoded in a way that was not asked for");
  }
}

TEST_F(HostileReply, AProxyThatOpensNoTunnelIsNoAnswer) {
  const auto through = [&](const std::string& head, std::optional<std::string> forever) {
    TinyServer proxy([&](const std::string&) { return head; }, std::move(forever));
    HttpClient client(egress_, "Pombo/test", [&](const InstanceId&) {
      return Proxy{"http", "127.0.0.1", proxy.port(), "", ""};
    });
    const auto why = said(client, {.url = "https://shop.example/", .through = InstanceId{"i-1"}});
    EXPECT_EQ(proxy.requests().size(), 1u);
    EXPECT_LT(proxy.sent(), kSocketBuffers);
    return why;
  };
  const std::string filler(1000, 'x');
  EXPECT_EQ(through(TinyServer::reply(407, ""), {}), "The proxy answered HTTP 407");
  EXPECT_EQ(through("HTTP/1.1 403 X\r\nContent-Length: 999999999\r\n\r\n", filler),
            "The proxy answered HTTP 403");
  EXPECT_EQ(through(kOk, "X-Filler: " + filler + "\r\n"), "The head of the answer is too long");
  EXPECT_EQ(through(std::string(kOk) + "\r\n", filler), "No TLS connection: wrong version number");
}

// Sets variables for as long as it lives.
class Environment {
 public:
  explicit Environment(std::vector<std::pair<const char*, std::string>> all)
      : all_(std::move(all)) {
    for (const auto& [name, value] : all_) {
      if (const char* before = std::getenv(name)) before_.emplace_back(name, before);
      ::setenv(name, value.c_str(), 1);
    }
  }
  ~Environment() {
    for (const auto& [name, value] : all_) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name, value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const std::vector<std::pair<const char*, std::string>> all_;
  std::vector<std::pair<const char*, std::string>> before_;
};

TEST_F(HostileReply, TheEnvironmentsProxiesAreNotAsked) {
  TinyServer server(echoed), proxy(echoed);
  const std::string url = proxy.url();
  const Environment environment(
      {{"http_proxy", url}, {"HTTP_PROXY", url}, {"ALL_PROXY", url}, {"all_proxy", url}});
  EXPECT_EQ(said(client_, {.url = server.url()}), "HTTP 200");
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_TRUE(proxy.requests().empty());
}

TEST_F(HostileReply, TheEnvironmentCannotTakeAnInstancesProxyAway) {
  TinyServer server(echoed), proxy(echoed);
  HttpClient client(egress_, "Pombo/test", [&](const InstanceId&) {
    return Proxy{"http", "127.0.0.1", proxy.port(), "", ""};
  });
  const Environment environment({{"no_proxy", "*"}, {"NO_PROXY", "*"}});
  EXPECT_EQ(said(client, {.url = server.url(), .through = InstanceId{"i-1"}}), "HTTP 200");
  EXPECT_EQ(proxy.requests().size(), 1u);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HostileReply, NobodysPasswordsAreSent) {
  std::string home = (std::filesystem::temp_directory_path() / "pombo-XXXXXX").string();
  ASSERT_TRUE(::mkdtemp(home.data()));
  std::ofstream(home + "/.netrc") << "machine 127.0.0.1 login l password p\n"
                                     "default login l password p\n";
  TinyServer server(echoed);
  const Environment environment({{"HOME", home}, {"NETRC", home + "/.netrc"}});
  const auto reply = client_.send({.url = server.url()});
  EXPECT_EQ(reply.body.find("Authorization"), std::string::npos) << reply.body;
  std::filesystem::remove_all(home);
}

}  // namespace
}  // namespace pombo
