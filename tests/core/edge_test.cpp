#include "http/edge.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fake_service.hpp"
#include "socket_client.hpp"

namespace pombo {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::string_literals::operator""s;

std::string request(const std::string& method, const std::string& target,
                    const std::string& headers = "", const std::string& body = "") {
  return method + " " + target + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}
std::string get(const std::string& target) { return request("GET", target); }
std::string post(const std::string& target, const std::string& body) {
  return request("POST", target, "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}
std::string chunked(const std::string& target, const std::string& body) {
  return request("POST", target, "Transfer-Encoding: chunked\r\n", body);
}

class EdgeTest : public ::testing::Test {
 protected:
  EdgeTest() { options.listen = "127.0.0.1:0"; }

  void start() {
    edge = std::make_unique<Edge>(options, service);
    edge->start();
  }
  SocketClient connect(std::uint8_t source = 1) {
    if (!edge) start();
    return SocketClient(edge->port(), source);
  }
  // Asks until it is so: the edge hears of a client's end only after the client. The witness is a
  // connection, too, from its first answer on.
  bool soon(const std::function<bool()>& isSo) {
    auto witness = connect(250);
    for (int i = 0; i < 10'000; ++i) {
      witness.send(get("/witness"));
      if (witness.answer().status != 200) return false;
      if (isSo()) return true;
    }
    return false;
  }

  EdgeOptions options;
  FakeService service;
  std::unique_ptr<Edge> edge;
};

struct Kept {
  std::string name;
  std::string bytes;
  std::string body;  // of the answer
};

TEST_F(EdgeTest, servesWhatIsWellFormedAndGoesOn) {
  const std::vector<Kept> examples = {
      {"GET", get("/echo"), "GET /echo "},
      {"POST", post("/echo", "hello"), "POST /echo hello"},
      {"empty POST", post("/echo", ""), "POST /echo "},
      {"POST without a length", request("POST", "/echo"), "POST /echo "},
      {"GET with a body", request("GET", "/echo", "Content-Length: 2\r\n", "hi"), "GET /echo hi"},
      {"unknown method", request("FOO", "/echo"), "FOO /echo "},
      {"chunked", chunked("/echo", "5\r\nhello\r\n0\r\n\r\n"), "POST /echo hello"},
      {"extension", chunked("/echo", "5;a=b\r\nhello\r\n0\r\n\r\n"), "POST /echo hello"},
      {"trailers", chunked("/echo", "5\r\nhello\r\n0\r\nHost: b\r\n\r\n"), "POST /echo hello"},
      {"of exactly the limit", post("/echo", std::string(1 << 20, 'a')),
       "POST /echo " + std::string(1 << 20, 'a')},
      {"16,000 slashes", get(std::string(16000, '/')), "GET " + std::string(16000, '/') + " "},
      {"odd headers", request("GET", "/echo", "Cookie: a\r\nAccept: *\r\nUpgrade: h2c\r\n"),
       "GET /echo "},
      {"upgrade, for now", request("GET", "/echo", "Connection: upgrade\r\nUpgrade: websocket\r\n"),
       "GET /echo "},
      {"unknown expectation", request("POST", "/echo", "Expect: x\r\nContent-Length: 1\r\n", "a"),
       "POST /echo a"},
      {"admitted first", post("/admit", "a"), "POST /admit a"},
  };
  for (const auto& example : examples) {
    auto client = connect();
    client.send(example.bytes + get("/next"));
    const auto answer = client.answer();
    EXPECT_EQ(answer.status, 200) << example.name;
    EXPECT_EQ(answer.body, example.body) << example.name;
    EXPECT_FALSE(answer.headers.contains("connection")) << example.name;
    EXPECT_EQ(client.answer().body, "GET /next ") << example.name;
  }
  EXPECT_EQ(edge->counters().malformed, 0u);
  EXPECT_EQ(edge->counters().requests, 2 * examples.size());
}

struct Closed {
  std::string name;
  std::string bytes;
  int status;
};

// What follows must never be read as a request: that is how requests are smuggled.
TEST_F(EdgeTest, refusesOnceAndCloses) {
  const std::string big(17 * 1024, 'a');
  const std::vector<Closed> examples = {
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two lengths", request("POST", "/", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400},
      {"both framings", chunked("/", "").insert(17, "Content-Length: 1\r\n"), 400},
      {"TLS hello", "\x16\x03\x01", 400},
      {"HTTP/0.9", "GET /\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/9.9", "GET / HTTP/9.9\r\n", 505},
      {"large head", request("GET", "/", "x: " + big + "\r\n"), 431},
      {"long target", get("/" + big), 431},
      {"chunk ZZ", chunked("/", "ZZ\r\n"), 400},
      {"chunk of 2^64-1", chunked("/", "ffffffffffffffff\r\n"), 400},
      {"chunk of -1", chunked("/", "-1\r\n"), 400},
      {"chunk without size", chunked("/", "\r\n"), 400},
      {"chunk of zeros", chunked("/", std::string(1000, '0') + "\r\n"), 400},
      {"chunk without CRLF", chunked("/", "5\r\nhello0\r\n\r\n"), 400},
      {"too large", post("/", std::string((1 << 20) + 1, 'a')), 413},
      {"too large in one chunk", chunked("/", "100001\r\n"), 413},
      {"too large in two", chunked("/", "100000\r\n" + std::string(1 << 20, 'a') + "\r\n1\r\n"),
       413},
      {"4 GiB announced", request("POST", "/", "Content-Length: 4294967296\r\n"), 413},
      {"4 GiB expected",
       request("POST", "/", "Expect: 100-continue\r\nContent-Length: 4294967296\r\n"), 413},
      {"refused by the service", post("/refuse", "a"), 403},
      {"not admitted", post("/deny", std::string(3 << 20, 'a')), 401},
      {"not admitted, expected",
       request("POST", "/deny", "Expect: 100-continue\r\nContent-Length: 9\r\n"), 401},
  };
  for (const auto& example : examples) {
    auto client = connect();
    client.send(example.bytes + get("/next"));
    const auto answer = client.answer();
    EXPECT_EQ(answer.status, example.status) << example.name;
    EXPECT_EQ(answer.headers.at("connection"), "close") << example.name;
    EXPECT_EQ(client.rest(), "") << example.name;
  }
  EXPECT_EQ(service.served(), 0);
}

TEST_F(EdgeTest, answersPipelinedRequestsInOrder) {
  auto client = connect();
  client.send(get("/1") + post("/2", "b") + get("/3"));
  EXPECT_EQ(client.answer().body, "GET /1 ");
  EXPECT_EQ(client.answer().body, "POST /2 b");
  EXPECT_EQ(client.answer().body, "GET /3 ");
}

TEST_F(EdgeTest, readsABodyInWhateverPiecesItComes) {
  options.threads = 1;
  auto client = connect();
  auto witness = connect();
  for (const auto& piece : {chunked("/echo", "5\r\nhello\r"), "\n0"s, "\r\n\r"s, "\n"s}) {
    client.send(piece);
    // Answered after the piece was read, for there is one thread.
    witness.send(get("/echo"));
    EXPECT_EQ(witness.answer().status, 200);
  }
  EXPECT_EQ(client.answer().body, "POST /echo hello");
}

TEST_F(EdgeTest, tellsTheClientToContinueOnlyWhenItMay) {
  const std::string expect = "Expect: 100-continue\r\nContent-Length: 2\r\n";
  for (const auto* target : {"/echo", "/admit"}) {
    auto client = connect();
    client.send(request("POST", target, expect));
    EXPECT_EQ(client.answer().status, 100);
    client.send("hi" + request("POST", target, expect, "yo"));
    EXPECT_EQ(client.answer().body, std::string("POST ") + target + " hi");
    EXPECT_EQ(client.answer().body, std::string("POST ") + target + " yo");  // no 100: it was here
  }
}

TEST_F(EdgeTest, keepsToTheVersionOfTheClient) {
  auto old = connect();
  old.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /echo HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.answer().headers.at("connection"), "keep-alive");
  EXPECT_EQ(old.answer().headers.at("connection"), "close");
  EXPECT_EQ(old.rest(), "");

  auto polite = connect();
  polite.send(request("GET", "/echo", "Connection: close\r\n") + get("/next"));
  EXPECT_EQ(polite.answer().headers.at("connection"), "close");
  EXPECT_EQ(polite.rest(), "");

  auto told = connect();
  told.send(get("/close") + get("/next"));
  EXPECT_EQ(told.answer().headers.at("connection"), "close");
  EXPECT_EQ(told.rest(), "");
}

TEST_F(EdgeTest, leavesOutTheBodyWhereThereIsNone) {
  auto client = connect();
  client.send(request("HEAD", "/echo") + request("HEAD", "/file") + get("/empty") + get("/next"));
  EXPECT_EQ(client.answer(false).headers.at("content-length"), "11");
  const auto file = client.answer(false).headers;
  EXPECT_EQ(file.at("content-length"), std::to_string(FakeService::kFileSize));
  EXPECT_EQ(file.at("content-type"), "image/png");
  EXPECT_FALSE(client.answer(false).headers.contains("content-length"));
  EXPECT_EQ(client.answer().body, "GET /next ");

  auto refused = connect();
  refused.send("HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n");
  EXPECT_EQ(refused.answer(false).headers.at("content-length"), "9");
  EXPECT_EQ(refused.rest(), "");
}

TEST_F(EdgeTest, saysWhoAndWhichRequestItWas) {
  options.listen = "[::]:0";
  options.newId = [] { return "the-id"; };
  auto client = connect();
  client.send(get("/peer"));
  const auto answer = client.answer();
  EXPECT_EQ(answer.body, "127.0.0.1 the-id");
  EXPECT_EQ(answer.headers.at("x-request-id"), "the-id");
  EXPECT_EQ(answer.headers.at("server"), "Pombo");
  EXPECT_EQ(answer.headers.at("date").size(), 29u);
}

TEST_F(EdgeTest, gapsInTheHeadAndBodyTimeOut) {
  options.headTimeout = milliseconds(20);
  for (const auto& half : {"GET / HT"s, request("POST", "/hurry", "Content-Length: 2\r\n", "h")}) {
    auto client = connect();
    client.send(get("/echo") + half);
    EXPECT_EQ(client.answer().status, 200);
    EXPECT_EQ(client.answer().status, 408);
    EXPECT_EQ(client.rest(), "");
  }
  EXPECT_EQ(edge->counters().timeouts, 2u);
}

TEST_F(EdgeTest, idleClientsAreClosedWithoutAWord) {
  options.idleTimeout = milliseconds(20);
  auto silent = connect();
  EXPECT_EQ(silent.rest(), "");
  auto client = connect();
  client.send(get("/echo"));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(client.rest(), "");
  EXPECT_EQ(edge->counters().timeouts, 0u);
}

TEST_F(EdgeTest, clientsThatNeverReadHinderNobodyAndAreCut) {
  options.writeTimeout = milliseconds(200);
  std::vector<SocketClient> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(connect());
    slow.back().send(get(i % 2 == 0 ? "/large" : "/largeFile"));
  }
  for (int i = 0; i < 10; ++i) {
    auto client = connect();
    client.send(get("/echo"));
    EXPECT_EQ(client.answer().body, "GET /echo ");
  }
  for (auto& client : slow) EXPECT_TRUE(client.waitUntilReset());
  EXPECT_EQ(edge->counters().timeouts, 4u);
}

TEST_F(EdgeTest, anAnswerMayComeFromAnyThread) {
  auto client = connect();
  client.send(get("/later"));
  auto then = service.later();
  std::thread([&] { then({200, {}, "late"}); }).join();
  EXPECT_EQ(client.answer().body, "late");
  then({200, {}, "again"});  // does nothing
  client.send(get("/next"));
  EXPECT_EQ(client.answer().body, "GET /next ");
}

TEST_F(EdgeTest, anAnswerToAClientThatHasGoneReachesNobody) {
  options.threads = 1;
  for (int i = 0; i < 50; ++i) {
    auto client = connect();
    client.send(get("/later"));
    auto then = service.later();
    client.reset();
    auto stranger = connect();
    stranger.send(get("/1"));
    EXPECT_EQ(stranger.answer().body, "GET /1 ");
    then({200, {}, "secret"});
    auto next = connect();
    stranger.send(get("/2"));
    next.send(get("/3"));
    EXPECT_EQ(stranger.answer().body, "GET /2 ");
    EXPECT_EQ(next.answer().body, "GET /3 ");
  }
}

TEST_F(EdgeTest, anAnswerMayComeWhenTheEdgeHasGone) {
  auto client = connect();
  client.send(get("/later"));
  auto then = service.later();
  edge.reset();
  EXPECT_EQ(client.rest(), "");
  then({200, {}, "too late"});
}

TEST_F(EdgeTest, aServiceThatForgetsOrThrowsCostsOneConnection) {
  auto witness = connect();
  for (const auto* target : {"/forget", "/throw", "/throwInExpect", "/throwSomething"}) {
    auto client = connect();
    client.send(get(target));
    EXPECT_EQ(client.rest(), "") << target;
    witness.send(get("/echo"));
    EXPECT_EQ(witness.answer().status, 200) << target;
  }
  // The connection ends before what was thrown is caught.
  EXPECT_TRUE(soon([&] { return edge->counters().faults == 3; }));
}

TEST_F(EdgeTest, streamsAFile) {
  auto client = connect();
  client.send(get("/file") + get("/next"));
  const auto answer = client.answer();
  EXPECT_EQ(answer.headers.at("content-type"), "image/png");
  EXPECT_TRUE(answer.body == FakeService::fileBytes());
  EXPECT_EQ(client.answer().body, "GET /next ");
}

TEST_F(EdgeTest, cutsAFileThatIsShorterThanItSays) {
  auto client = connect();
  client.send(get("/shortFile"));
  EXPECT_TRUE(client.waitUntilReset());
}

TEST_F(EdgeTest, stopLetsRequestsFinishAndTellsTheirClients) {
  // In turn of one thread and of the other, which hear of the stop by themselves.
  auto idle = connect(), busy = connect(), uploading = connect(), alsoIdle = connect();
  for (auto* each : {&idle, &alsoIdle}) {
    each->send(get("/echo"));
    EXPECT_EQ(each->answer().status, 200);
  }
  busy.send(get("/later") + get("/next"));
  auto then = service.later();
  uploading.send(request("POST", "/echo", "Expect: 100-continue\r\nContent-Length: 2\r\n"));
  EXPECT_EQ(uploading.answer().status, 100);

  std::jthread stopping([&] { edge->stop(seconds(30)); });
  for (auto* each : {&idle, &alsoIdle}) EXPECT_EQ(each->rest(), "");
  uploading.send("hi");
  EXPECT_EQ(uploading.answer().headers.at("connection"), "close");
  then({200, {}, "done"});
  const auto answer = busy.answer();
  EXPECT_EQ(answer.body, "done");
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_EQ(busy.rest(), "");
  busy.close();
  uploading.close();
  stopping.join();
  EXPECT_EQ(edge->counters().open, 0);
  EXPECT_FALSE(SocketClient::canConnect(edge->port()));
}

TEST_F(EdgeTest, stopCutsWhatIsNotDoneInTime) {
  auto client = connect();
  client.send(get("/later"));
  auto then = service.later();
  edge->stop(milliseconds(1));
  EXPECT_EQ(client.rest(), "");
  EXPECT_EQ(edge->counters().open, 0);
}

TEST_F(EdgeTest, aCrowdThatHasGoneIsStillKnownOf) {
  {
    std::vector<SocketClient> crowd;
    for (int i = 0; i < 3; ++i) {
      crowd.push_back(connect());
      crowd.back().send(get("/echo"));
      EXPECT_EQ(crowd.back().answer().status, 200);
    }
  }
  ASSERT_TRUE(soon([&] { return edge->counters().open < 2; }));
  EXPECT_GE(edge->takeMost().connections, 3);
  EXPECT_LE(edge->takeMost().connections, 1);
}

TEST_F(EdgeTest, anAddressHasSoManyConnectionsAndOthersHaveTheirs) {
  options.connections.perAddress = 2;
  std::vector<SocketClient> inside;
  for (int i = 0; i < 2; ++i) {
    inside.push_back(connect());
    inside.back().send(get("/echo"));
    EXPECT_EQ(inside.back().answer().status, 200);
  }
  for (int i = 0; i < 3; ++i) {
    auto refused = connect();
    refused.send(get("/echo"));
    EXPECT_EQ(refused.rest(), "");
  }
  auto stranger = connect(2);
  stranger.send(get("/echo"));
  EXPECT_EQ(stranger.answer().status, 200);
  EXPECT_EQ(edge->counters().refusedByAddress, 3u);

  inside.pop_back();
  ASSERT_TRUE(soon([&] { return edge->counters().open == 3; }));  // with the witness
  auto next = connect();
  next.send(get("/echo"));
  EXPECT_EQ(next.answer().status, 200);
}

TEST_F(EdgeTest, aSharedAddressHasAsManyAsThereAre) {
  options.connections = {4, 1, [](const std::string& address) { return address == "127.0.0.1"; }};
  std::vector<SocketClient> inside;
  for (int i = 0; i < 4; ++i) {
    inside.push_back(connect());
    inside.back().send(get("/echo"));
    EXPECT_EQ(inside.back().answer().status, 200);
  }
  EXPECT_EQ(edge->counters().refusedByAddress, 0u);
}

TEST_F(EdgeTest, whenAllAreTakenTheOneThatHasWaitedLongestGivesWay) {
  options.threads = 1;
  options.connections.all = 3;
  auto half = connect();
  half.send("GET / HT");
  auto idle = connect();
  idle.send(get("/echo"));
  EXPECT_EQ(idle.answer().status, 200);
  auto slow = connect();
  slow.send(request("POST", "/echo", "Expect: 100-continue\r\nContent-Length: 2\r\n"));
  EXPECT_EQ(slow.answer().status, 100);

  std::vector<SocketClient> fresh;
  for (auto* longest : {&half, &idle, &slow}) {
    fresh.push_back(connect());
    fresh.back().send(get("/echo"));
    EXPECT_EQ(fresh.back().answer().status, 200);
    EXPECT_EQ(longest->rest(), "");
  }
  EXPECT_EQ(edge->counters().evicted, 3u);
  EXPECT_EQ(edge->counters().refusedWhenFull, 0u);
  EXPECT_EQ(edge->counters().open, 3);
}

TEST_F(EdgeTest, whoIsBeingServedGivesWayToNobody) {
  options.threads = 1;
  options.connections.all = 2;
  auto first = connect();
  first.send(get("/later"));
  auto answerFirst = service.later();
  auto second = connect();
  second.send(get("/later"));
  auto answerSecond = service.later();
  auto late = connect();
  late.send(get("/echo"));
  EXPECT_EQ(late.rest(), "");
  EXPECT_EQ(edge->counters().refusedWhenFull, 1u);
  answerFirst({200, {}, "one"});
  answerSecond({200, {}, "two"});
  EXPECT_EQ(first.answer().body, "one");
  EXPECT_EQ(second.answer().body, "two");
}

TEST_F(EdgeTest, bodiesTakeTheMemoryThatTheyFillAndNotWhatTheyAnnounce) {
  options.bodyMemory = 64 * 1024;
  std::vector<SocketClient> slow;
  for (int i = 0; i < 16; ++i) {
    slow.push_back(connect());
    slow.back().send(request("POST", "/echo", "Content-Length: 1000000\r\n", "a"));
  }
  auto client = connect();
  client.send(post("/echo", std::string(10'000, 'b')));
  EXPECT_EQ(client.answer().status, 200);
  slow.clear();
  EXPECT_TRUE(soon([&] { return edge->bodyMemoryUsed() == 0; }));
  EXPECT_EQ(edge->counters().bodiesRefused, 0u);
}

TEST_F(EdgeTest, aBodyThatDoesNotFitIsRefusedAtOnce) {
  options.bodyMemory = 64 * 1024;
  auto busy = connect();
  busy.send(post("/later", std::string(30'000, 'a')));
  auto then = service.later();
  EXPECT_GE(edge->bodyMemoryUsed(), 30'000u);
  const std::string body(20'000, 'b');
  for (const auto& large : {post("/echo", body), chunked("/echo", "4e20\r\n" + body)}) {
    auto refused = connect();
    refused.send(large + get("/next"));
    const auto answer = refused.answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.headers.at("connection"), "close");
    EXPECT_EQ(refused.rest(), "");
  }
  EXPECT_EQ(edge->counters().bodiesRefused, 2u);
  auto small = connect();
  small.send(post("/echo", "hi"));
  EXPECT_EQ(small.answer().body, "POST /echo hi");

  // Whose body it was has gone; it is in use for as long as the service has not let go of it.
  busy.reset();
  EXPECT_GE(edge->bodyMemoryUsed(), 30'000u);
  then = nullptr;
  EXPECT_EQ(edge->bodyMemoryUsed(), 0u);
  small.send(post("/echo", body));
  EXPECT_EQ(small.answer().status, 200);
}

TEST_F(EdgeTest, aBodysMemoryIsGivenBackHoweverItEnds) {
  const std::string body(1000, 'a');
  for (const auto& bytes :
       {post("/echo", body), post("/throw", body), post("/throwSomething", body),
        post("/forget", body), request("POST", "/hurry", "Content-Length: 2000\r\n", body),
        chunked("/echo", "3e8\r\n" + body + "\r\nZ"),
        request("POST", "/admit", "Content-Length: 2000\r\n", body)}) {
    auto client = connect();
    client.send(bytes);
    if (bytes.starts_with("POST /admit")) {
      ASSERT_TRUE(soon([&] { return edge->bodyMemoryUsed() > 0; }));
      client.reset();
    } else {
      client.answer();
    }
    EXPECT_TRUE(soon([&] { return edge->bodyMemoryUsed() == 0; })) << bytes.substr(0, 20);
  }
}

TEST_F(EdgeTest, saysWhyItCannotListen) {
  start();
  options.listen = "127.0.0.1:" + std::to_string(edge->port());
  try {
    Edge second(options, service);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "Cannot listen on '" + options.listen + "': Address already in use");
  }
  options.listen = "nowhere";
  EXPECT_THROW(Edge(options, service), std::runtime_error);
}

TEST_F(EdgeTest, listensOnNames) {
  options.listen = "localhost:0";
  auto client = connect();
  client.send(get("/echo"));
  EXPECT_EQ(client.answer().status, 200);
}

}  // namespace
}  // namespace pombo
