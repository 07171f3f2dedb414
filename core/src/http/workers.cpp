#include "http/workers.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "observe/waiting.hpp"

namespace pombo {
namespace {

using Clock = std::chrono::steady_clock;

// A task that has run for so long without saying that it waits is waiting all the same.
constexpr std::chrono::milliseconds kQuick{20};
constexpr std::chrono::milliseconds kLook{10};

struct Job {
  Workers::Task task, overrun;
  Clock::time_point posted, deadline;
};

}  // namespace

// Shared with its threads: one that was written off may outlive everything else.
//
// There are many threads, because most of them wait for a commit, but only as many as there are
// processors are let run at once: sixty on two would only stand in each other's locks.
class Workers::Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(std::size_t longestQueue, Clock::duration longestWait)
      : longestQueue_(longestQueue),
        longestWait_(longestWait),
        most_(std::max(2u, std::thread::hardware_concurrency())) {}

  void begin(int threads) {
    std::lock_guard lock(mutex_);
    for (int i = 0; i < threads; ++i) addThread();
    watch_ = std::thread([this] { watch(); });
  }

  bool post(Job job) {
    std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= longestQueue_ + seats_.size() - busy_) return false;
    if (!queue_.empty() && job.posted - queue_.front().posted >= longestWait_) return false;
    queue_.push_back(std::move(job));
    wakeNext();
    if (watchRests_) watchWake_.notify_one();
    return true;
  }

  void end() {
    {
      std::unique_lock lock(mutex_);
      stopping_ = true;
      for (auto& seat : seats_) seat->wake.notify_one();
      watchWake_.notify_one();
      empty_.wait(lock, [&] { return seats_.empty(); });
    }
    watch_.join();
  }

  int writtenOff() const {
    std::lock_guard lock(mutex_);
    return writtenOff_;
  }
  int strays() const {
    std::lock_guard lock(mutex_);
    return strays_;
  }

 private:
  struct Seat final : IWaitObserver {
    explicit Seat(Pool& owner) : pool(owner) {}
    void waits() noexcept override { pool.leave(*this); }

    Pool& pool;
    std::condition_variable wake;
    bool busy = false, writtenOff = false;
    bool running = false;  // counted among those that use a processor
    Job job;
    Clock::time_point began;
  };

  // All below: with the mutex held, unless said otherwise.

  void give(Seat& seat) {
    seat.job = std::move(queue_.front());
    queue_.pop_front();
    seat.began = Clock::now();
    seat.busy = seat.running = true;
    ++busy_;
    ++running_;
  }

  // The one that has slept the shortest: its stack and its caches are still warm.
  void wakeNext() {
    if (queue_.empty() || idle_.empty() || running_ >= most_) return;
    Seat& seat = *idle_.back();
    idle_.pop_back();
    give(seat);
    seat.wake.notify_one();
  }

  void stopRunning(Seat& seat) {
    if (!std::exchange(seat.running, false)) return;
    --running_;
  }

  // Without the mutex: the seat's own thread is about to wait.
  void leave(Seat& seat) noexcept {
    std::lock_guard lock(mutex_);
    stopRunning(seat);
    wakeNext();
  }

  void addThread() {
    auto seat = std::make_shared<Seat>(*this);
    seats_.push_back(seat);
    std::thread([self = shared_from_this(), seat] { self->serve(*seat); }).detach();
  }

  // A thread's life; without the mutex.
  void serve(Seat& seat) {
    ::pthread_setname_np(::pthread_self(), "pombo-worker");
    waitObserver = &seat;
    std::unique_lock lock(mutex_);
    while (next(seat, lock)) {
      Task task = std::move(seat.job.task);
      lock.unlock();
      task();
      lock.lock();
      const bool writtenOff = seat.writtenOff;
      stopRunning(seat);
      seat.busy = false;
      if (!writtenOff) --busy_;
      Task overrun = std::move(seat.job.overrun);
      lock.unlock();
      task = overrun = nullptr;  // what they hold may take its time to go, and may post
      lock.lock();
      if (writtenOff) {  // someone else has answered, and sits in its place
        --strays_;
        return;
      }
    }
    std::erase_if(seats_, [&](const auto& each) { return each.get() == &seat; });
    if (seats_.empty()) empty_.notify_all();
  }

  // Waits for work; false when there will be none.
  bool next(Seat& seat, std::unique_lock<std::mutex>& lock) {
    if (!queue_.empty() && (running_ < most_ || stopping_)) {
      give(seat);
      return true;
    }
    if (stopping_) return false;
    idle_.push_back(&seat);
    seat.wake.wait(lock, [&] { return seat.busy || stopping_; });
    if (seat.busy) return true;
    std::erase(idle_, &seat);
    return next(seat, lock);
  }

  void watch() {
    std::unique_lock lock(mutex_);
    while (!seats_.empty()) {
      rest(lock);
      const auto now = Clock::now();
      std::vector<Task> overruns;
      std::erase_if(queue_, [&](Job& job) {
        if (now <= job.deadline) return false;
        overruns.push_back(std::move(job.overrun));
        return true;
      });
      for (auto& seat : std::vector(seats_)) {
        if (!seat->busy || now - seat->began < kQuick) continue;
        stopRunning(*seat);
        if (now > seat->job.deadline) overruns.push_back(writeOff(seat));
        wakeNext();
      }
      if (overruns.empty()) continue;
      lock.unlock();
      for (const auto& overrun : overruns) overrun();
      lock.lock();
    }
  }

  // A moment while there is something to watch, for as long as it takes otherwise.
  void rest(std::unique_lock<std::mutex>& lock) {
    const bool nothing = queue_.empty() && idle_.size() == seats_.size() && !stopping_;
    if (!nothing) {
      watchWake_.wait_for(lock, kLook);
      return;
    }
    watchRests_ = true;
    watchWake_.wait(lock);
    watchRests_ = false;
  }

  Task writeOff(const std::shared_ptr<Seat>& seat) {
    seat->writtenOff = true;
    --busy_;
    ++writtenOff_;
    ++strays_;
    std::erase(seats_, seat);
    if (!stopping_)
      addThread();
    else if (seats_.empty())
      empty_.notify_all();
    return std::move(seat->job.overrun);
  }

  const std::size_t longestQueue_;
  const Clock::duration longestWait_;
  const unsigned most_;       // that run at once
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable empty_, watchWake_;
  std::deque<Job> queue_;
  std::vector<std::shared_ptr<Seat>> seats_;  // of threads that are not written off
  std::vector<Seat*> idle_;
  std::size_t busy_ = 0;  // of seats_
  unsigned running_ = 0;
  bool stopping_ = false;
  bool watchRests_ = false;
  int writtenOff_ = 0, strays_ = 0;
  std::thread watch_;
};

Workers::Workers(int threads, std::size_t longestQueue, std::chrono::milliseconds longestWait)
    : pool_(std::make_shared<Pool>(longestQueue, longestWait)) {
  pool_->begin(threads);
}

Workers::~Workers() { pool_->end(); }

bool Workers::post(Task task, std::chrono::milliseconds budget, Task overrun) {
  const auto now = Clock::now();
  return pool_->post({std::move(task), std::move(overrun), now, now + budget});
}

int Workers::writtenOff() const { return pool_->writtenOff(); }
int Workers::strays() const { return pool_->strays(); }

}  // namespace pombo
