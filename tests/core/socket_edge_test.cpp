// WebSockets on the edge: what a block's calls, from any thread, come to on the wire.
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "client_frames.hpp"
#include "fake_service.hpp"
#include "http/edge.hpp"
#include "http/sockets.hpp"
#include "socket_client.hpp"

namespace pombo {
namespace {

using std::chrono::milliseconds;
using std::string_literals::operator""s;

constexpr auto kUpgrade = "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n";

// Makes every request to "/ws" a WebSocket, and keeps what a block would.
class SocketService final : public FakeService {
 public:
  explicit SocketService(Sockets& sockets) : sockets_(sockets) {}

  void serve(std::shared_ptr<const RequestHead> head, std::string body,
             const std::shared_ptr<void>& state, std::function<void(Answer)> then) override {
    if (head->target != "/ws")
      return FakeService::serve(std::move(head), std::move(body), state, std::move(then));
    const auto queue = sockets_.open({{"i"}, "t"});
    Answer answer{.status = 101, .upgrade = std::make_shared<Upgrade>(queue)};
    queue->onClosed([this] { ++ended_; });
    {
      std::lock_guard lock(mutex_);
      opened_.push_back(std::make_shared<ClientSocket>(queue));
      arrived_.notify_all();
    }
    then(std::move(answer));
  }

  std::shared_ptr<ISocket> next() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !opened_.empty(); });
    const auto socket = opened_.front();
    opened_.pop_front();
    return socket;
  }
  int ended() const { return ended_; }

 private:
  Sockets& sockets_;
  std::atomic<int> ended_{0};
  std::mutex mutex_;  // guards opened_
  std::condition_variable arrived_;
  std::deque<std::shared_ptr<ISocket>> opened_;
};

class SocketEdgeTest : public ::testing::Test {
 protected:
  SocketEdgeTest() { options_.listen = "127.0.0.1:0"; }

  SocketClient connect() {
    if (!edge_) {
      edge_ = std::make_unique<Edge>(options_, service_);
      edge_->start();
    }
    return SocketClient(edge_->port());
  }
  SocketClient open(const std::string& early = "") {
    auto client = connect();
    client.send(kUpgrade + early);
    EXPECT_EQ(client.answer(false).status, 101);
    return client;
  }
  // Makes round trips until it is so: the edge hears of a client's end only after the client.
  bool soon(const std::function<bool()>& isSo) {
    auto witness = connect();
    for (int i = 0; i < 10'000; ++i) {
      if (isSo()) return true;
      witness.send("GET /witness HTTP/1.1\r\nHost: a\r\n\r\n");
      if (witness.answer().status != 200) return false;
    }
    return false;
  }
  static std::shared_ptr<const std::string> text(const std::string& words) {
    return std::make_shared<const std::string>(words);
  }
  static std::string closeOf(int code, const std::string& reason) {
    return std::string(SocketFrame::close(code, reason)->body());
  }

  Log log_{"off"};
  std::shared_ptr<Sockets> sockets_ = std::make_shared<Sockets>(SocketLimits{}, log_);
  SocketService service_{*sockets_};
  EdgeOptions options_;
  std::unique_ptr<Edge> edge_;
};

TEST_F(SocketEdgeTest, WhatIsSentComesInOrderAndThenTheClose) {
  auto client = open();
  const auto socket = service_.next();
  for (const char* words : {"one", "two"}) socket->send(text(words));
  socket->close(4000, "enough");
  socket->send(text("three"));
  client.send(clientFrame(0x88, "\x0f\xa0"));
  EXPECT_EQ(client.rest(), "\x81\x03one\x81\x03two" + closeOf(4000, "enough"));
  EXPECT_TRUE(soon([&] { return service_.ended() == 1; }));
}

TEST_F(SocketEdgeTest, ABlockThatLetsGoClosesIt) {
  auto client = open();
  service_.next()->send(text("last"));
  client.send(clientFrame(0x88, ""));
  EXPECT_EQ(client.rest(), "\x81\x04last" + closeOf(1000, ""));
}

TEST_F(SocketEdgeTest, WhatComesBehindTheRequestIsRead) {
  auto client = open(clientFrame(0x89, "x"));
  service_.next()->close(1000, "");
  client.send(clientFrame(0x88, ""));
  EXPECT_EQ(client.rest(), "\x8a\x01x" + closeOf(1000, ""));
}

TEST_F(SocketEdgeTest, WhatIsWrongIsSaidWhateverStillComes) {
  auto client = open();
  const auto socket = service_.next();
  client.send("\x81\x01z" + std::string(100'000, 'z'));
  EXPECT_EQ(client.rest(), closeOf(1002, ""));
  EXPECT_TRUE(soon([&] { return service_.ended() == 1; }));
  socket->send(text("to nobody"));
}

TEST_F(SocketEdgeTest, AClientThatLeavesBeforeTheAnswerHasEnded) {
  for (int i = 0; i < 20; ++i) {
    auto client = connect();
    client.send(kUpgrade);
    client.reset();
  }
  EXPECT_TRUE(soon([&] { return sockets_->size() == 0; }));
}

TEST_F(SocketEdgeTest, WhoeverIsSilentIsAskedAndThenCut) {
  options_.heartbeat = {milliseconds(1), milliseconds(1500)};
  auto client = open();
  EXPECT_TRUE(client.rest().starts_with("\x89\0"s));
  EXPECT_TRUE(soon([&] { return service_.ended() == 1; }));
}

TEST_F(SocketEdgeTest, OneThatReadsNothingIsClosedAndLearnsWhy) {
  auto client = open();
  auto other = open();
  const auto slow = service_.next(), quick = service_.next();
  const auto large = text(std::string(1 << 20, 'a'));
  const auto told = std::make_shared<std::atomic<bool>>(false);
  slow->onClosed([told] { *told = true; });
  // Its system takes some of it; of the rest there is a limit.
  for (int i = 0; i < 100; ++i) slow->send(large);
  quick->send(text("as ever"));
  quick->close(1000, "");
  other.send(clientFrame(0x88, ""));
  EXPECT_EQ(other.rest(),
            "\x81\x07"
            "as ever" +
                closeOf(1000, ""));
  client.send(clientFrame(0x88, ""));
  const std::string all = client.rest();
  EXPECT_TRUE(all.ends_with(closeOf(1013, "slow consumer")));
  EXPECT_EQ((all.size() - closeOf(1013, "slow consumer").size()) % (large->size() + 10), 0u);
  EXPECT_LT(all.size(), 50u << 20);
  EXPECT_TRUE(soon([&] { return told->load(); }));
}

TEST_F(SocketEdgeTest, AFloodOfPingsIsAnsweredAsItIsRead) {
  auto client = open();
  std::string pings;
  for (int i = 0; i < 20'000; ++i) pings += clientFrame(0x89, "0123456789");
  std::jthread flood([&] { client.send(pings + clientFrame(0x88, "")); });
  const std::string all = client.rest();
  std::string pongs;
  for (int i = 0; i < 20'000; ++i) SocketFrame::addPong(pongs, "0123456789");
  EXPECT_TRUE(all == pongs + closeOf(1000, ""));
}

TEST_F(SocketEdgeTest, AStoppingServerSaysGoodBye) {
  auto polite = open(), silent = open();
  std::jthread stop([&] { edge_->stop(std::chrono::seconds(30)); });
  std::string goodBye = closeOf(1001, "server shutdown");
  polite.send(clientFrame(0x88, ""));
  const auto said = polite.rest();
  // Whichever close came first.
  EXPECT_TRUE(said == goodBye || said == closeOf(1000, "")) << said;
  EXPECT_EQ(silent.rest(), goodBye);
  stop.join();
  EXPECT_EQ(service_.ended(), 2);
}

TEST_F(SocketEdgeTest, IsSharedByThreads) {
  for (int round = 0; round < 5; ++round) {
    std::vector<SocketClient> clients;
    std::vector<std::shared_ptr<ISocket>> sockets;
    for (int i = 0; i < 4; ++i) clients.push_back(open());
    for (int i = 0; i < 4; ++i) sockets.push_back(service_.next());
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 200; ++j) {
          const auto words = text("event " + std::to_string(j));
          for (const auto& socket : sockets) socket->send(words);
        }
      });
    threads.emplace_back([&] { sockets_->close({"i"}); });
    threads.emplace_back([&] { clients[0].reset(); });
    threads.clear();
    for (auto& client : clients) client.send(clientFrame(0x88, ""));
    for (std::size_t i = 1; i < clients.size(); ++i)
      EXPECT_TRUE(clients[i].rest().ends_with(closeOf(1008, "token no longer valid")));
  }
  EXPECT_TRUE(soon([&] { return sockets_->size() == 0 && service_.ended() == 20; }));
}

}  // namespace
}  // namespace pombo
