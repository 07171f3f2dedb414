#include "net/transfers.hpp"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <vector>

#include "net/transfer.hpp"
#include "pombo/media.hpp"

namespace pombo {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using How = Ended::How;

constexpr std::size_t kIdleConnections = 512;
constexpr milliseconds kNamePatience{5000};  // the time for a connection, of which it is a part
constexpr milliseconds kNameTick{100};       // how late somebody is told that a name took too long
constexpr milliseconds kQuiet{60'000};       // then idle connections are closed
constexpr const char* kTimedOut = "Timeout was reached";

struct Job {
  OutgoingRequest request;
  std::optional<Proxy> proxy;
  Transfers::Then then;
  Clock::time_point started = Clock::now();

  milliseconds left() const {
    return request.timeout - std::chrono::duration_cast<milliseconds>(Clock::now() - started);
  }
};
using JobPtr = std::unique_ptr<Job>;

struct Flight {
  JobPtr job;
  std::unique_ptr<Transfer> transfer;  // goes first: it reads the job's request
};

void tell(Job& job, How how, const std::string& why) { job.then({.how = how, .why = why}); }

}  // namespace

class Transfers::Loop {
 public:
  Loop(const Egress& egress, std::string userAgent, Names::LookUp lookUp)
      : userAgent_(std::move(userAgent)),
        names_(std::move(lookUp), [this](const std::string& host) { hear(host); }),
        egress_(egress.asking([this](const std::string& host) {
          return names_.known(host).value_or(Names::Addresses());
        })) {
    if (!epoll_ || !wake_) throw std::runtime_error("No descriptor for outgoing requests");
    watch(EPOLL_CTL_ADD, wake_.get(), EPOLLIN);
    renew();
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() { stop(); }

  void start(JobPtr job) {
    {
      const std::lock_guard lock(mutex_);
      if (!isStopped_) {
        started_.push_back(std::move(job));
        if (started_.size() == 1) wake();
        return;
      }
    }
    tell(*job, How::stopped, "Stopped");
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      isStopped_ = true;
      wake();
    }
    const std::lock_guard lock(joining_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::array<epoll_event, 256> events;
    while (takeMail()) {
      if (timer_ && *timer_ <= Clock::now()) {
        timer_.reset();
        act(CURL_SOCKET_TIMEOUT, 0);
      }
      if (Clock::now() >= nextTick_) loseThePatience();
      reap();
      const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), untilNext());
      for (int i = 0; i < n; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd != wake_.get()) act(event.data.fd, event.events);
      }
      if (usedAt_ && flights_.empty() && Clock::now() - *usedAt_ >= kQuiet) renew();
    }
    finish();
  }

  // What came from other threads. False: it is the end.
  bool takeMail() {
    std::vector<JobPtr> jobs;
    std::vector<std::string> heard;
    {
      const std::lock_guard lock(mutex_);
      if (isStopped_) return false;
      if (started_.empty() && heard_.empty()) return true;
      std::uint64_t ignored;
      (void)!::read(wake_.get(), &ignored, sizeof ignored);
      jobs.swap(started_);
      heard.swap(heard_);
    }
    for (auto& job : jobs) consider(std::move(job));
    for (const auto& host : heard) {
      std::vector<JobPtr> waited;
      const auto [from, to] = waiting_.equal_range(host);
      for (auto each = from; each != to; ++each) waited.push_back(std::move(each->second));
      waiting_.erase(from, to);
      for (auto& job : waited) consider(std::move(job));
    }
    return true;
  }

  // Starts it, or lets it wait for a name.
  void consider(JobPtr job) {
    try {
      const auto left = job->left();
      if (left.count() <= 0) return tell(*job, How::failed, kTimedOut);
      // Behind a proxy, the target's name is checked by its maker.
      if (const auto url = job->proxy ? parseUrl(job->request.url) : std::nullopt;
          url && !addressOf(url->host) && !egress_.refusalAtSight(*url) && !names_.known(url->host))
        return wait(url->host, std::move(job));
      auto transfer =
          std::make_unique<Transfer>(egress_, job->request, job->proxy, userAgent_, left);
      if (const auto name = transfer->name()) {
        const auto addresses = names_.known(*name);
        if (!addresses) return wait(*name, std::move(job));
        if (addresses->empty()) return tell(*job, How::failed, unknownHost(*job));
        transfer->setAddresses(*addresses);
      }
      launch(job, std::move(transfer));
    } catch (const NotAllowed& refusal) {
      tell(*job, How::notAllowed, refusal.what());
    } catch (const std::exception& failure) {
      tell(*job, How::failed, failure.what());
    }
  }

  static std::string unknownHost(const Job& job) {
    return curl_easy_strerror(job.proxy ? CURLE_COULDNT_RESOLVE_PROXY : CURLE_COULDNT_RESOLVE_HOST);
  }

  void wait(const std::string& host, JobPtr job) { waiting_.emplace(host, std::move(job)); }

  void loseThePatience() {
    nextTick_ = Clock::now() + kNameTick;
    std::erase_if(waiting_, [](auto& each) {
      auto& job = *each.second;
      const auto left = job.left();
      if (left.count() > 0 && job.request.timeout - left < kNamePatience) return false;
      tell(job, How::failed, kTimedOut);
      return true;
    });
  }

  void launch(JobPtr& job, std::unique_ptr<Transfer> transfer) {
    CURL* const handle = transfer->handle();
    auto& flight = flights_[handle];
    flight.transfer = std::move(transfer);
    if (curl_multi_add_handle(multi_.get(), handle) != CURLM_OK) {
      flights_.erase(handle);
      throw std::bad_alloc();
    }
    flight.job = std::move(job);
    allowConnections();
  }

  // curl counts those in use as well: with a number that is too low, many who hang would cost
  // everybody else their idle ones.
  void allowConnections() {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                      static_cast<long>(flights_.size() + kIdleConnections));
    usedAt_ = Clock::now();
  }

  void reap() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      const int code = message->data.result;
      auto node = flights_.extract(message->easy_handle);
      curl_multi_remove_handle(multi_.get(), message->easy_handle);
      auto& [job, transfer] = node.mapped();
      job->then(endOf(*transfer, code));
      allowConnections();
    }
  }

  static Ended endOf(Transfer& transfer, int code) {
    try {
      return {.how = How::answered, .reply = transfer.end(code)};
    } catch (const NotAllowed& refusal) {
      return {.how = How::notAllowed, .why = refusal.what()};
    } catch (const std::exception& failure) {
      return {.how = How::failed, .why = failure.what()};
    }
  }

  void act(int fd, std::uint32_t events) {
    int ignored = 0, what = 0;
    if (events & (EPOLLIN | EPOLLHUP)) what |= CURL_CSELECT_IN;
    if (events & EPOLLOUT) what |= CURL_CSELECT_OUT;
    if (events & EPOLLERR) what |= CURL_CSELECT_ERR;
    curl_multi_socket_action(multi_.get(), fd, what, &ignored);
  }

  int untilNext() const {
    const auto now = Clock::now();
    auto until = now + kQuiet;
    if (timer_) until = std::min(until, *timer_);
    if (!waiting_.empty()) until = std::min(until, nextTick_);
    return static_cast<int>(
        std::chrono::ceil<milliseconds>(std::max(until - now, Clock::duration(0))).count());
  }

  // Without room for one more, curl's own time-out ends the transfer.
  void watch(int how, int fd, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_.get(), how, fd, &event);
  }

  // curl keeps `known` for a socket as long as it is watched: anything, once epoll knows it.
  static int onSocket(CURL*, curl_socket_t socket, int what, void* data, void* known) {
    auto& self = *static_cast<Loop*>(data);
    if (what == CURL_POLL_REMOVE) return self.watch(EPOLL_CTL_DEL, socket, 0), 0;
    const std::uint32_t events =
        (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    self.watch(known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, events);
    curl_multi_assign(self.multi_.get(), socket, data);
    return 0;
  }

  static int onTimer(CURLM*, long ms, void* data) {
    auto& timer = static_cast<Loop*>(data)->timer_;
    timer = ms < 0 ? std::nullopt : std::optional(Clock::now() + milliseconds(ms));
    return 0;
  }

  // Closes idle connections: curl does it by itself only when there is another transfer.
  void renew() {
    multi_.reset();
    timer_.reset();
    multi_.reset(curl_multi_init());
    if (!multi_) throw std::bad_alloc();
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, onSocket);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, onTimer);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
    usedAt_.reset();
  }

  void finish() {
    for (auto& [handle, flight] : flights_) {
      curl_multi_remove_handle(multi_.get(), handle);
      tell(*flight.job, How::stopped, "Stopped");
    }
    flights_.clear();
    for (auto& [host, job] : waiting_) tell(*job, How::stopped, "Stopped");
    waiting_.clear();
    std::vector<JobPtr> jobs;
    {
      const std::lock_guard lock(mutex_);
      jobs.swap(started_);
    }
    for (auto& job : jobs) tell(*job, How::stopped, "Stopped");
    multi_.reset();
  }

  void hear(const std::string& host) {
    const std::lock_guard lock(mutex_);
    heard_.push_back(host);
    if (heard_.size() == 1) wake();
  }

  void wake() {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }

  const Descriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  const Descriptor wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  const std::string userAgent_;

  std::mutex mutex_;  // guards the next three
  bool isStopped_ = false;
  std::vector<JobPtr> started_;
  std::vector<std::string> heard_;  // names whose look-up has ended

  // Of the thread alone, from here on.
  std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi_{nullptr, curl_multi_cleanup};
  std::optional<Clock::time_point> timer_;   // curl's
  std::optional<Clock::time_point> usedAt_;  // since then there may be idle connections
  std::unordered_map<CURL*, Flight> flights_;
  std::unordered_multimap<std::string, JobPtr> waiting_;  // by the name that they wait for
  Clock::time_point nextTick_ = Clock::now();

  Names names_;          // its threads may call hear() until it is gone
  const Egress egress_;  // asks names_
  std::mutex joining_;   // guards thread_ after the constructor
  std::thread thread_;
};

Transfers::Transfers(const Egress& egress, std::string userAgent, Names::LookUp lookUp)
    : loop_(std::make_unique<Loop>(egress, std::move(userAgent), std::move(lookUp))) {}

Transfers::~Transfers() = default;

void Transfers::start(OutgoingRequest request, std::optional<Proxy> proxy, Then then) {
  loop_->start(std::make_unique<Job>(std::move(request), std::move(proxy), std::move(then)));
}

void Transfers::stop() { loop_->stop(); }

// Not a second try: a name that has resolved before keeps its addresses when an answer is lost.
Names::Addresses Transfers::systemsLookUp(const std::string& host) {
  return pombo::lookUp(host, 1, 2);
}

}  // namespace pombo
