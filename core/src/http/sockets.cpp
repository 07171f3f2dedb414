#include "http/sockets.hpp"

#include <utility>
#include <vector>

#include "block/guard.hpp"

namespace pombo {
namespace {

constexpr int kPolicyViolation = 1008;
constexpr std::chrono::minutes kTellEvery{1};

}  // namespace

std::shared_ptr<SocketQueue> Sockets::open(SocketOwner owner, bool deflates) {
  auto queue = std::make_shared<SocketQueue>(shared_from_this(), owner, deflates);
  std::lock_guard lock(mutex_);
  if (open_ >= limits_.clients) {
    ++refused_;
    throw Error(Code::unavailable, "Too many WebSocket clients");
  }
  ++open_;
  clients_[std::move(owner)].emplace(queue.get(), queue);
  return queue;
}

void Sockets::ended(const SocketQueue& queue, std::optional<int> code, std::function<void()> tell) {
  {
    std::lock_guard lock(mutex_);
    const auto all = clients_.find(queue.owner());
    if (all == clients_.end() || all->second.erase(&queue) == 0) return;
    if (all->second.empty()) clients_.erase(all);
    --open_;
    if (code) ++closed_[*code];
  }
  if (tell) failureOf(log_, "the end of a WebSocket", tell);
}

void Sockets::bar(const Clients& clients) {
  for (const auto& [key, weak] : clients)
    if (const auto client = weak.lock())
      client->close({kPolicyViolation, "token no longer valid", true});
}

void Sockets::close(const InstanceId& id) {
  Clients all;
  {
    std::lock_guard lock(mutex_);
    for (auto it = clients_.lower_bound({id, ""}); it != clients_.end() && it->first.instance == id;
         ++it)
      all.insert(it->second.begin(), it->second.end());
  }
  bar(all);
}

void Sockets::recheck(const std::function<bool(const SocketOwner&)>& mayListen) {
  std::vector<SocketOwner> owners;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [owner, all] : clients_)
      if (!owner.tokenHash.empty()) owners.push_back(owner);
  }
  for (const auto& owner : owners) {
    if (mayListen(owner)) continue;
    Clients all;
    {
      std::lock_guard lock(mutex_);
      if (const auto it = clients_.find(owner); it != clients_.end()) all = it->second;
    }
    bar(all);
  }
}

std::size_t Sockets::size() const {
  std::lock_guard lock(mutex_);
  return open_;
}

// One line for all of a minute: a slow client that comes back is slow again.
void Sockets::tellSlow(const InstanceId& id) {
  std::uint64_t clients = 0;
  {
    std::lock_guard lock(mutex_);
    ++slow_;
    const auto now = std::chrono::steady_clock::now();
    if (now < tellAgain_) return;
    tellAgain_ = now + kTellEvery;
    clients = std::exchange(slow_, 0);
  }
  log_.write(Level::warn, "WebSocket clients were too slow",
             {{"clients", clients}, {"instance", id.value}});
}

void Sockets::collect(Metrics& metrics) const {
  std::lock_guard lock(mutex_);
  metrics.observe("pombo_sockets_open", {}, double(open_));
  metrics.observe("pombo_sockets_waiting_bytes", {}, double(memory_.used() + spareMemory_.used()));
  metrics.countTo("pombo_sockets_opened_total", {}, double(opened_));
  metrics.countTo("pombo_sockets_refused_total", {}, double(refused_));
  metrics.countTo("pombo_sockets_frames_total", {}, double(sent_));
  for (const auto& [code, count] : closed_)
    metrics.countTo("pombo_sockets_closed_total", {{"code", code ? std::to_string(code) : "cut"}},
                    double(count));
}

}  // namespace pombo
