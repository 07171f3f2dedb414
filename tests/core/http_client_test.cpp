#include "net/http_client.hpp"

#include <gtest/gtest.h>

#include "address_forms.hpp"
#include "observe/request_scope.hpp"
#include "tiny_server.hpp"

namespace pombo {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string echoed(const std::string& request) { return TinyServer::reply(200, request); }

Egress::Resolve nobody() {
  return [](const std::string&) { return std::vector<Address>(); };
}

// What it says when there is no answer, after its code.
std::string refusalOf(HttpClient& client, const OutgoingRequest& request) {
  try {
    client.send(request);
    return "";
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code)) + " " + error.what();
  }
}

std::string refusal(Code code, const std::string& sentence) {
  return std::to_string(static_cast<int>(code)) + " " + sentence;
}

class HttpClientTest : public ::testing::Test {
 protected:
  const Egress closed_{{}, nobody()}, open_{{{"127.0.0.1"}}, nobody()};
  HttpClient strict_{closed_, "Pombo/test", nullptr}, client_{open_, "Pombo/test", nullptr};
};

TEST_F(HttpClientTest, SendsMethodPathHeadersAndBodyAsTheyStand) {
  TinyServer server(echoed);
  const auto reply = client_.send({.method = Method::put,
                                   .url = server.url("/a%20b?c=d#e"),
                                   .headers = {{"x-one", "1"}, {"authorization", "Bearer x"}},
                                   .body = std::string("a\0b\r\n", 5)});
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.body.starts_with("PUT /a%20b?c=d HTTP/1.1\r\n")) << reply.body;
  EXPECT_NE(reply.body.find("\r\nx-one: 1\r\n"), std::string::npos);
  EXPECT_NE(reply.body.find("\r\nauthorization: Bearer x\r\n"), std::string::npos);
  EXPECT_NE(reply.body.find("\r\nUser-Agent: Pombo/test\r\n"), std::string::npos);
  EXPECT_NE(reply.body.find("\r\nContent-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(reply.body.find("Expect:"), std::string::npos);
  EXPECT_TRUE(reply.body.ends_with(std::string("\r\n\r\na\0b\r\n", 9)));
}

TEST_F(HttpClientTest, EveryMethodIsItsWord) {
  TinyServer server(echoed);
  const std::pair<Method, std::string> all[] = {{Method::get, "GET"},
                                                {Method::post, "POST"},
                                                {Method::put, "PUT"},
                                                {Method::patch, "PATCH"},
                                                {Method::del, "DELETE"}};
  for (const auto& [method, word] : all) {
    const auto reply = client_.send({.method = method, .url = server.url()});
    EXPECT_TRUE(reply.body.starts_with(word + " / HTTP/1.1\r\n")) << reply.body;
    EXPECT_TRUE(reply.body.ends_with("\r\n\r\n"));
  }
}

TEST_F(HttpClientTest, AnyAnswerIsAReply) {
  for (const int status : {200, 204, 301, 401, 404, 500, 503}) {
    TinyServer server([&](const std::string&) {
      return TinyServer::reply(status, status == 204 ? "" : "why",
                               "X-Why:  Because \r\nEmpty:\r\n");
    });
    const auto reply = client_.send({.url = server.url()});
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.headers.at("x-why"), "Because");
    EXPECT_EQ(reply.headers.at("empty"), "");
    EXPECT_EQ(reply.body, status == 204 ? "" : "why");
  }
}

TEST_F(HttpClientTest, AChunkedAnswerIsPutTogether) {
  TinyServer server([](const std::string&) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
           "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
  });
  EXPECT_EQ(client_.send({.url = server.url()}).body, "abcde");
}

TEST_F(HttpClientTest, HeadersOfAProvisionalAnswerAreNotThoseOfTheAnswer) {
  TinyServer server([](const std::string&) {
    return "HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n" +
           TinyServer::reply(200, "x", "X-Late: 1\r\n");
  });
  const auto reply = client_.send({.url = server.url()});
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(reply.headers.contains("x-early"));
  EXPECT_TRUE(reply.headers.contains("x-late"));
}

TEST_F(HttpClientTest, AtMostTheLimitIsReadAndTheRestIsLeft) {
  TinyServer server(
      [](const std::string&) { return TinyServer::reply(200, std::string(4 << 20, 'x')); });
  for (const std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4096}}) {
    const auto reply = client_.send({.url = server.url(), .replyLimit = limit});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body.size(), limit);
  }
  TinyServer small([](const std::string&) { return TinyServer::reply(200, "1234"); });
  EXPECT_EQ(client_.send({.url = small.url(), .replyLimit = 4}).body, "1234");
}

TEST_F(HttpClientTest, NothingIsInflated) {
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  TinyServer server([&](const std::string&) {
    return TinyServer::reply(200, gzip, "Content-Encoding: gzip\r\n");
  });
  EXPECT_EQ(client_.send({.url = server.url()}).body, gzip);
}

TEST_F(HttpClientTest, ARedirectIsAnAnswerAndIsNotFollowed) {
  TinyServer server([&](const std::string&) {
    return TinyServer::reply(302, "", "Location: http://169.254.169.254/\r\n");
  });
  const auto reply = client_.send({.method = Method::get, .url = server.url()});
  EXPECT_EQ(reply.status, 302);
  EXPECT_EQ(reply.headers.at("location"), "http://169.254.169.254/");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(HttpClientTest, WhatMayNotBeDialledIsNot) {
  TinyServer server(echoed);
  const std::string hint = " (operators: egress.allow)", loopback = "loopback address" + hint;
  for (const auto& [host, reason] : {std::pair<std::string, std::string>("127.0.0.1", loopback),
                                     {"127.1", loopback},
                                     {"[::ffff:127.0.0.1]", loopback},
                                     {"localhost", "internal host name" + hint}})
    EXPECT_EQ(refusalOf(strict_, {.url = server.url("/", host)}),
              refusal(Code::unavailable, "URL is not allowed: " + reason));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTest, EveryFormThatIsRefusedIsRefusedWhenItIsDialled) {
  for (const auto& each : urlForms()) {
    if (each.verdict == "allowed") continue;
    const auto expected =
        each.verdict == "syntax"
            ? refusal(Code::invalid, "URL is not allowed: not an http or https URL")
            : refusal(Code::unavailable, "URL is not allowed: " + each.verdict);
    EXPECT_EQ(refusalOf(strict_, {.url = each.url}), expected) << each.url;
  }
}

// What is allowed would leave the machine, so it is a proxy here that is dialled.
TEST_F(HttpClientTest, EveryFormThatIsAllowedGetsThroughAProxyAndNoOther) {
  TinyServer proxy(echoed);
  const Egress egress({{"localhost"}}, nobody());
  HttpClient client(egress, "Pombo/test", [&](const InstanceId&) {
    return Proxy{"http", "localhost", proxy.port(), "", ""};
  });
  std::size_t allowed = 0;
  for (const auto& each : urlForms()) {
    const auto url = parseUrl(each.url);
    if (url && (url->scheme == "https" || url->host == "localhost" || url->host == "localhost."))
      continue;
    const std::string said = refusalOf(client, {.url = each.url, .through = InstanceId{"i-1"}});
    EXPECT_EQ(said.empty(), each.verdict == "allowed") << each.url << " " << said;
    allowed += each.verdict == "allowed";
  }
  EXPECT_GT(allowed, 30u);
  EXPECT_EQ(proxy.requests().size(), allowed);
}

TEST_F(HttpClientTest, EveryProxyThatIsRefusedIsRefusedWhenItIsDialled) {
  for (const auto& each : proxyForms()) {
    if (each.verdict == "allowed") continue;
    HttpClient client(closed_, "Pombo/test", [&](const InstanceId&) {
      return Proxy{"socks5", each.host, 9, "", ""};
    });
    EXPECT_EQ(refusalOf(client, {.url = "http://ok.example/", .through = InstanceId{"i-1"}}),
              refusal(Code::unavailable,
                      "URL is not allowed: " +
                          (each.verdict == "syntax" ? std::string("not a host") : each.verdict)))
        << each.host;
  }
}

TEST_F(HttpClientTest, AnAddressIsTheSameHoweverItIsWritten) {
  TinyServer server(echoed);
  for (const auto* host : {"127.1", "0x7f000001", "127。0。0。1", "１２７.0.0.1"}) {
    const auto reply = client_.send({.url = server.url("/", host)});
    EXPECT_NE(reply.body.find("Host: 127.0.0.1:"), std::string::npos) << reply.body;
  }
}

TEST_F(HttpClientTest, CredentialsInAUrlAreRefused) {
  TinyServer server(echoed);
  EXPECT_EQ(refusalOf(client_, {.url = server.url("/", "u:p@127.0.0.1")}),
            refusal(Code::unavailable, "URL is not allowed: credentials in URL"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTest, WhatIsNoHttpUrlIsRefused) {
  for (const auto* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1", ""})
    EXPECT_EQ(refusalOf(client_, {.url = url}),
              refusal(Code::invalid, "URL is not allowed: not an http or https URL"));
}

TEST_F(HttpClientTest, NobodyListeningIsNoAnswer) {
  std::string url;
  {
    const TinyServer gone(echoed);
    url = gone.url();
  }
  EXPECT_TRUE(refusalOf(client_, {.url = url}).starts_with(refusal(Code::unavailable, "")));
}

TEST_F(HttpClientTest, AnAnswerThatIsCutShortIsNone) {
  TinyServer server(
      [](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"; });
  EXPECT_TRUE(
      refusalOf(client_, {.url = server.url()}).starts_with(refusal(Code::unavailable, "")));
  TinyServer garbage([](const std::string&) { return "garbage that is no answer\r\n\r\n"; });
  EXPECT_TRUE(
      refusalOf(client_, {.url = garbage.url()}).starts_with(refusal(Code::unavailable, "")));
}

TEST_F(HttpClientTest, SilenceEndsWithTheRequestsOwnTime) {
  TinyServer server([](const std::string&) { return ""; });
  EXPECT_TRUE(refusalOf(client_, {.url = server.url(), .timeout = milliseconds(20)})
                  .starts_with(refusal(Code::unavailable, "")));
}

TEST_F(HttpClientTest, NothingTakesLongerThanTheRequestThatIsServed) {
  TinyServer server([](const std::string&) { return ""; });
  const std::string id = "r-1";
  const auto began = steady_clock::now();
  {
    const RequestScope scope(id, began + milliseconds(30));
    EXPECT_TRUE(refusalOf(client_, {.url = server.url(), .timeout = std::chrono::hours(1)})
                    .starts_with(refusal(Code::unavailable, "")));
  }
  EXPECT_LT(steady_clock::now() - began, std::chrono::minutes(1));
  const RequestScope late(id, began);
  EXPECT_EQ(refusalOf(client_, {.url = server.url()}), refusal(Code::unavailable, "Timed out"));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(HttpClientTest, AHeaderCannotSmuggleAnother) {
  TinyServer server(echoed);
  for (const Headers& headers :
       {Headers{{"x-one", "1\r\nx-two: 2"}}, Headers{{"x-one: 1\r\nx", "2"}},
        Headers{{"x-one", "1\nGET / HTTP/1.1"}}})
    EXPECT_EQ(refusalOf(client_, {.url = server.url(), .headers = headers}),
              refusal(Code::invalid, "A header contains characters that are not allowed"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTest, AnEmptyHeaderIsSent) {
  TinyServer server(echoed);
  const auto reply = client_.send({.url = server.url(), .headers = {{"x-empty", ""}}});
  EXPECT_NE(reply.body.find("\r\nx-empty:\r\n"), std::string::npos) << reply.body;
}

TEST_F(HttpClientTest, GoesThroughTheInstancesProxy) {
  TinyServer proxy(echoed);
  const Egress egress({{"127.0.0.1"}}, nobody());
  HttpClient client(egress, "Pombo/test", [&](const InstanceId& id) -> std::optional<Proxy> {
    if (id.value != "i-1") return std::nullopt;
    return Proxy{"http", "127.0.0.1", proxy.port(), "user", "p@:/%?#"};
  });
  const auto reply = client.send({.url = "http://shop.example/x", .through = InstanceId{"i-1"}});
  EXPECT_TRUE(reply.body.starts_with("POST http://shop.example/x HTTP/1.1\r\n")) << reply.body;
  EXPECT_NE(reply.body.find("Proxy-Authorization: Basic dXNlcjpwQDovJT8j"), std::string::npos);
  EXPECT_EQ(
      refusalOf(client, {.url = "http://10.0.0.1/", .through = InstanceId{"i-1"}}),
      refusal(Code::unavailable, "URL is not allowed: private address (operators: egress.allow)"));
  EXPECT_EQ(proxy.requests().size(), 1u);
}

TEST_F(HttpClientTest, AProxyThatMayNotBeDialledIsNot) {
  TinyServer proxy(echoed);
  const Egress egress({}, nobody());
  HttpClient client(egress, "Pombo/test", [&](const InstanceId&) {
    return Proxy{"http", "127.0.0.1", proxy.port(), "", ""};
  });
  EXPECT_EQ(
      refusalOf(client, {.url = "http://shop.example/", .through = InstanceId{"i-1"}}),
      refusal(Code::unavailable, "URL is not allowed: loopback address (operators: egress.allow)"));
  EXPECT_TRUE(proxy.requests().empty());
}

TEST_F(HttpClientTest, RequireAllowedSaysTheWiresSentence) {
  const auto said = [&](const auto& call) -> std::string {
    try {
      call();
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::invalid);
      return error.what();
    }
  };
  EXPECT_EQ(said([&] { strict_.requireAllowed("https://shop.example/"); }), "");
  EXPECT_EQ(said([&] { strict_.requireAllowed("http://127.0.0.1/"); }),
            "URL is not allowed: loopback address (operators: egress.allow)");
  EXPECT_EQ(said([&] { strict_.requireAllowed("http://169.254.169.254/"); }),
            "URL is not allowed: link-local address");
  EXPECT_EQ(said([&] { client_.requireAllowed("http://127.0.0.1/"); }), "");
  EXPECT_EQ(said([&] { strict_.requireAllowedProxy("10.0.0.9"); }), "");
  EXPECT_EQ(said([&] { strict_.requireAllowedProxy("localhost"); }),
            "URL is not allowed: internal host name (operators: egress.allow)");
}

}  // namespace
}  // namespace pombo
