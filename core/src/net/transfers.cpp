#include "net/transfers.hpp"

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

#include "net/multi.hpp"
#include "net/transfer.hpp"
#include "pombo/media.hpp"

namespace pombo {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using How = Ended::How;

// After every transfer curl looks through all connections of its multi handle: with ten thousand
// who hang in one of them, everybody else would pay for that.
constexpr std::uint32_t kMultis = 16, kApart = 16;  // those apart come after the others
constexpr std::size_t kBurst = 224;                 // connections; who hangs keeps none
constexpr std::uint64_t kWake = UINT64_MAX;
constexpr milliseconds kNamePatience{5000};  // of whoever waits for names
constexpr milliseconds kNameTick{100};       // how late somebody is told that a name took too long
constexpr milliseconds kLongest{60'000};     // of a wait
// As curl says it.
constexpr const char* kTimedOut = "Timeout was reached";
constexpr const char* kNoHostName = "Couldn't resolve host name";
constexpr const char* kNoProxyName = "Couldn't resolve proxy name";

struct Job {
  OutgoingRequest request;
  std::optional<Proxy> proxy;
  Transfers::Then then;
  bool apart = false;
  Clock::time_point started = Clock::now();

  milliseconds left() const {
    return request.timeout - std::chrono::duration_cast<milliseconds>(Clock::now() - started);
  }
};
using JobPtr = std::unique_ptr<Job>;

struct Flight {
  JobPtr job;
  std::unique_ptr<Transfer> transfer;  // goes before the job, whose request it reads
  Multi* multi = nullptr;
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
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWake;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0)
      throw std::runtime_error("Outgoing requests cannot be watched");
    for (std::uint32_t index = 0; index < kMultis + kApart; ++index)
      multis_.push_back(std::make_unique<Multi>(epoll_.get(), index, index < kMultis ? kBurst : 0));
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
      for (auto& multi : multis_) multi->actOnTime();
      if (Clock::now() >= nextTick_) loseThePatience();
      reap();
      const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), untilNext());
      for (int i = 0; i < n; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        const auto data = event.data.u64;
        if (data != kWake) multis_[data >> 32]->act(static_cast<int>(data), event.events);
      }
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
          url && !addressOf(url->host) && !egress_.refusalAtSight(*url) && !known(url->host))
        return wait(url->host, std::move(job));
      auto transfer =
          std::make_unique<Transfer>(egress_, job->request, job->proxy, userAgent_, left);
      if (const auto& host = transfer->host(); !addressOf(host)) {
        const auto addresses = known(host);
        if (!addresses) return wait(host, std::move(job));
        if (addresses->empty())
          return tell(*job, How::failed, job->proxy ? kNoProxyName : kNoHostName);
        transfer->setAddresses(*addresses);
      }
      launch(job, std::move(transfer));
    } catch (const NotAllowed& refusal) {
      tell(*job, How::notAllowed, refusal.what());
    } catch (const std::exception& failure) {
      tell(*job, How::failed, failure.what());
    }
  }

  // Nothing either while others wait for it: they came before.
  std::optional<Names::Addresses> known(const std::string& host) {
    return waiting_.contains(host) ? std::nullopt : names_.known(host);
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
    void* const handle = transfer->handle();
    const auto hash = std::hash<std::string>()(transfer->host());
    auto& multi = *multis_[job->apart ? kMultis + hash % kApart : hash % kMultis];
    auto& flight = flights_[handle];
    flight = {nullptr, std::move(transfer), &multi};
    try {
      multi.add(handle);
    } catch (const std::bad_alloc&) {
      flights_.erase(handle);
      throw;
    }
    flight.job = std::move(job);
  }

  void reap() {
    for (auto& multi : multis_)
      while (const auto end = multi->ended()) {
        const auto node = flights_.extract(end->handle);
        node.mapped().job->then(endOf(*node.mapped().transfer, end->code));
      }
  }

  static Ended endOf(Transfer& transfer, int code) {
    try {
      return {.how = How::answered, .reply = transfer.endOfHead(code)};
    } catch (const NotAllowed& refusal) {
      return {.how = How::notAllowed, .why = refusal.what()};
    } catch (const std::exception& failure) {
      return {.how = How::failed, .why = failure.what()};
    }
  }

  int untilNext() const {
    const auto now = Clock::now();
    auto until = now + kLongest;
    for (const auto& multi : multis_) until = std::min(until, multi->next());
    if (!waiting_.empty()) until = std::min(until, nextTick_);
    return static_cast<int>(
        std::chrono::ceil<milliseconds>(std::max(until - now, Clock::duration(0))).count());
  }

  void finish() {
    for (auto& [handle, flight] : flights_) {
      flight.multi->remove(handle);
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
    multis_.clear();
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
  std::vector<std::unique_ptr<Multi>> multis_;            // which of them is a matter of the host
  std::unordered_map<void*, Flight> flights_;             // by handle
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

void Transfers::start(OutgoingRequest request, std::optional<Proxy> proxy, Then then, bool apart) {
  loop_->start(std::make_unique<Job>(std::move(request), std::move(proxy), std::move(then), apart));
}

void Transfers::stop() { loop_->stop(); }

// Not a second try: a name that has resolved before keeps its addresses when an answer is lost.
Names::Addresses Transfers::systemsLookUp(const std::string& host) {
  return pombo::lookUp(host, 1, 2);
}

}  // namespace pombo
