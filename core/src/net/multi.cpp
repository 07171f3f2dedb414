#include "net/multi.hpp"

#include <curl/curl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <new>

namespace pombo {
namespace {

constexpr std::size_t kIdleConnections = 32;
constexpr std::chrono::seconds kBurst{1};   // for so long what follows may be waited for
constexpr std::chrono::seconds kQuiet{60};  // then idle connections are closed

}  // namespace

Multi::~Multi() { curl_multi_cleanup(multi_); }

void Multi::add(void* handle) {
  if (!multi_) start();
  if (curl_multi_add_handle(multi_, handle) != CURLM_OK) throw std::bad_alloc();
  ++inside_;
  allowConnections();
}

void Multi::remove(void* handle) {
  curl_multi_remove_handle(multi_, handle);
  --inside_;
  allowConnections();
}

std::optional<Multi::End> Multi::ended() {
  int left = 0;
  const CURLMsg* message = multi_ ? curl_multi_info_read(multi_, &left) : nullptr;
  if (!message) return std::nullopt;
  const End end{message->easy_handle, message->data.result};
  remove(end.handle);
  return end;
}

void Multi::act(int socket, std::uint32_t events) {
  int ignored = 0, what = 0;
  if (events & (EPOLLIN | EPOLLHUP)) what |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) what |= CURL_CSELECT_OUT;
  if (events & EPOLLERR) what |= CURL_CSELECT_ERR;
  if (multi_) curl_multi_socket_action(multi_, socket, what, &ignored);
}

void Multi::actOnTime() {
  const auto now = Clock::now();
  if (timer_ && *timer_ <= now) {
    timer_.reset();
    act(CURL_SOCKET_TIMEOUT, 0);
  }
  // Closes idle connections: curl does it by itself only when there is another transfer.
  if (multi_ && inside_ == 0 && now - usedAt_ >= kQuiet) {
    curl_multi_cleanup(multi_);
    multi_ = nullptr;
    timer_.reset();
  }
}

Multi::Clock::time_point Multi::next() const {
  if (!multi_) return Clock::time_point::max();
  const auto quiet = inside_ == 0 ? usedAt_ + kQuiet : Clock::time_point::max();
  return timer_ ? std::min(*timer_, quiet) : quiet;
}

void Multi::start() {
  multi_ = curl_multi_init();
  if (!multi_) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, onSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, onTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

// curl counts those in use as well: with a number that is too low, many who hang would cost
// everybody else their idle ones. What ends at once is often followed by as many, which would have
// to connect anew, and over TLS that is most of what they cost.
void Multi::allowConnections() {
  usedAt_ = Clock::now();
  if (inside_ >= most_ || usedAt_ - mostAt_ >= kBurst) {
    most_ = inside_;
    mostAt_ = usedAt_;
  }
  const auto kept = std::clamp(most_ - inside_, kIdleConnections, kIdleConnections + burst_);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(inside_ + kept));
}

// Without room for one more, curl's own time-out ends the transfer.
void Multi::watch(int how, int socket, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{index_} << 32 | static_cast<std::uint32_t>(socket);
  ::epoll_ctl(epoll_, how, socket, &event);
}

// curl keeps `known` for a socket as long as it is watched: anything, once epoll knows it.
int Multi::onSocket(void*, int socket, int what, void* data, void* known) {
  auto& self = *static_cast<Multi*>(data);
  if (what == CURL_POLL_REMOVE) return self.watch(EPOLL_CTL_DEL, socket, 0), 0;
  const std::uint32_t events =
      (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
  self.watch(known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, events);
  curl_multi_assign(self.multi_, socket, data);
  return 0;
}

int Multi::onTimer(void*, long ms, void* data) {
  auto& timer = static_cast<Multi*>(data)->timer_;
  timer = ms < 0 ? std::nullopt : std::optional(Clock::now() + std::chrono::milliseconds(ms));
  return 0;
}

}  // namespace pombo
