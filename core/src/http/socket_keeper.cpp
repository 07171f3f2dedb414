#include "http/socket_keeper.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "http/edge_loop.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

SocketKeeper::SocketKeeper(EdgeLoop& loop) : loop_(loop), timer_(loop.context()) {}
SocketKeeper::~SocketKeeper() = default;

const Heartbeat& SocketKeeper::heartbeat() const { return loop_.options().heartbeat; }
std::chrono::milliseconds SocketKeeper::writeTimeout() const {
  return loop_.options().writeTimeout;
}
std::span<char> SocketKeeper::scratch() { return loop_.scratch(); }

void SocketKeeper::adopt(boost::asio::ip::tcp::socket socket, ConnectionCap::Place place,
                         std::shared_ptr<SocketQueue> queue, std::string_view early) {
  const auto client = std::make_shared<SocketConnection>(*this, std::move(socket), std::move(place),
                                                         std::move(queue));
  all_.emplace(client.get(), client);
  loop_.counters().open.add(1);
  client->start(early);
  if (draining_) client->drain();
  if (!std::exchange(ticking_, true)) tickLater();
}

void SocketKeeper::remove(const SocketConnection& client) {
  if (all_.erase(&client) == 0) return;
  loop_.counters().open.subtract(1);
  loop_.ended();
}

// It keeps the loop, which may otherwise be gone when a block still sends.
std::function<void()> SocketKeeper::noteFor(std::weak_ptr<SocketConnection> client) {
  return [this, loop = loop_.shared_from_this(), client = std::move(client)] {
    bool first = false;
    {
      std::lock_guard lock(mutex_);
      first = notes_.empty();
      notes_.push_back(client);
    }
    if (first) boost::asio::post(loop->context(), [this] { pull(); });
  };
}

// One that throws ends; the others, who are behind it in a list, go on.
template <typename Step>
void SocketKeeper::guarded(SocketConnection& client, const Step& step) {
  try {
    step();
  } catch (...) {
    loop_.counters().faults.fetch_add(1);
    client.abort();
  }
}

void SocketKeeper::pull() {
  std::vector<std::weak_ptr<SocketConnection>> notes;
  {
    std::lock_guard lock(mutex_);
    notes.swap(notes_);
  }
  for (const auto& note : notes)
    if (const auto client = note.lock()) guarded(*client, [&] { client->pull(); });
}

void SocketKeeper::tickLater() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const auto& error) {
    if (!error) tick();
  });
}

void SocketKeeper::tick() {
  // First: it has to come again whatever happens here.
  ticking_ = !all_.empty();
  if (ticking_) tickLater();
  const auto now = SocketConnection::Clock::now();
  // One that ends is removed meanwhile, and no other.
  for (auto it = all_.begin(); it != all_.end();) {
    const auto client = (it++)->second;
    guarded(*client, [&] { client->tick(now); });
  }
}

void SocketKeeper::drain() {
  draining_ = true;
  for (const auto& [key, client] : all_) client->drain();
}

void SocketKeeper::cut() {
  draining_ = true;
  const auto all = all_;
  for (const auto& [key, client] : all) client->abort();
  timer_.cancel();
}

}  // namespace pombo
