// One client whose clock is the test's: what a server of minutes would see.
#include "http/socket_connection.hpp"

#include <gtest/gtest.h>

#include "client_frames.hpp"
#include "fake_service.hpp"
#include "http/edge_loop.hpp"
#include "http/sockets.hpp"
#include "socket_client.hpp"

namespace pombo {
namespace {

using boost::asio::ip::tcp;
using std::chrono::hours;
using std::chrono::seconds;
using std::string_literals::operator""s;

class SocketConnectionTest : public ::testing::Test {
 protected:
  using Clock = SocketConnection::Clock;

  SocketConnectionTest() {
    options_.heartbeat = {seconds(25), hours(24)};
    tcp::acceptor acceptor(loop_->context(), {boost::asio::ip::address_v4::loopback(), 0});
    client_ = std::make_unique<SocketClient>(acceptor.local_endpoint().port());
    tcp::socket socket = acceptor.accept();
    socket.non_blocking(true);
    queue_->onClosed([this] { ended_ = true; });
    connection_ = std::make_shared<SocketConnection>(loop_->sockets(), std::move(socket),
                                                     ConnectionCap::Place(), queue_);
    connection_->start("");
  }
  // What the loop still has to do for it keeps it, and it keeps the loop.
  ~SocketConnectionTest() override {
    connection_->abort();
    loop_->context().poll();
  }
  // More than the systems of both take for a client that does not read.
  // Returns how many bytes of frames that is.
  std::size_t fill() {
    const auto text = std::make_shared<const std::string>(1 << 20, 'a');
    std::size_t size = 0;
    for (; sockets_->memory().used() == 0; size += text->size() + 10) {
      queue_->send(text);
      connection_->pull();
    }
    return size;
  }

  EdgeOptions options_;
  FakeService service_;
  EdgeCounters counters_;
  ConnectionCap cap_{ConnectionLimits{}};
  std::shared_ptr<EdgeLoop> loop_ =
      std::make_shared<EdgeLoop>(options_, service_, counters_, cap_, BodyMemory(1 << 20));
  Log log_{"off"};
  std::shared_ptr<Sockets> sockets_ = std::make_shared<Sockets>(SocketLimits{}, log_);
  std::shared_ptr<SocketQueue> queue_ = sockets_->open({{"i"}, "t"});
  bool ended_ = false;
  std::unique_ptr<SocketClient> client_;
  std::shared_ptr<SocketConnection> connection_;
};

TEST_F(SocketConnectionTest, PongsDoNotKeepOneThatTakesNothing) {
  const auto before = Clock::now();
  fill();
  client_->send(clientFrame(0x8a, ""));
  loop_->context().poll();
  const auto after = Clock::now();
  connection_->tick(before + options_.writeTimeout - seconds(1));
  EXPECT_FALSE(ended_);
  connection_->tick(after + options_.writeTimeout);
  EXPECT_TRUE(ended_);
}

TEST_F(SocketConnectionTest, OneThatHasTakenEverythingMayBeSilent) {
  const auto filled = fill();
  std::jthread reading([&] { client_->take(filled); });
  while (sockets_->memory().used() > 0) loop_->context().run_one();
  connection_->tick(Clock::now() + hours(23));
  EXPECT_FALSE(ended_);
}

TEST_F(SocketConnectionTest, NoPingWaitsBehindAnother) {
  options_.writeTimeout = hours(24);
  const auto now = Clock::now();
  const auto filled = fill();
  for (int i = 1; i <= 100; ++i) connection_->tick(now + i * seconds(60));
  queue_->close(1000, "");
  connection_->pull();
  client_->send(clientFrame(0x88, ""));
  std::string all;
  std::jthread reading([&] { all = client_->rest(); });
  // Till the client hears the end; it closes then, and nothing waits any more.
  while (!ended_) loop_->context().run_one();
  reading.join();
  const std::string end = "\x89\0\x88\x02\x03\xe8"s;
  EXPECT_EQ(all.size(), filled + end.size());
  EXPECT_TRUE(all.ends_with(end));
}

}  // namespace
}  // namespace pombo
