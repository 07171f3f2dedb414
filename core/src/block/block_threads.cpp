#include "block/block_threads.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "block/guard.hpp"
#include "observe/request_scope.hpp"
#include "observe/waiting.hpp"

namespace pombo {
namespace {

using Clock = std::chrono::steady_clock;

// A block that keeps to its deadline is heard, even if it is a moment late.
constexpr std::chrono::milliseconds kGrace{250};

// Of a call that has this budget, within a request that ends then.
Clock::time_point deadlineOf(std::chrono::milliseconds budget, Clock::time_point requestEnds) {
  const auto now = Clock::now();
  if (requestEnds == Clock::time_point::max()) return now + budget;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(requestEnds - now);
  return now + std::min(budget, left * 3 / 4);
}

}  // namespace

// What a part of a request knows of the whole, on another thread.
struct BlockThreads::Origin {
  Origin() {
    const auto* scope = RequestScope::current();
    if (!scope) return;
    request = scope->id();
    deadline = scope->deadline();
    claim = scope->claimer();
  }
  Clock::time_point patienceOf(Clock::time_point callEnds) const {
    if (deadline == Clock::time_point::max()) return callEnds + kGrace;
    return callEnds + std::min<Clock::duration>(kGrace, (deadline - callEnds) / 4);
  }

  std::string request;
  Clock::time_point deadline = Clock::time_point::max();
  std::function<bool()> claim;
};

namespace {

using Origin = BlockThreads::Origin;

// Gives the caller's turn away when a block's thread waits; not once the caller has gone on.
class Relay final : public IWaitObserver {
 public:
  explicit Relay(IWaitObserver* to) : to_(to) {}
  void waits() noexcept override {
    std::lock_guard lock(mutex_);
    if (to_) to_->waits();
  }
  void cut() {
    std::lock_guard lock(mutex_);
    to_ = nullptr;
  }

 private:
  std::mutex mutex_;  // guards to_
  IWaitObserver* to_;
};

// The calls of one run() that one thread has in hand; shared by that thread and the one that waits.
struct Batch {
  const Origin origin;
  Relay relay{waitObserver};

  std::mutex mutex;  // guards all below
  std::condition_variable ended;
  std::vector<BlockCall> calls;
  std::size_t at = 0;  // of the call under way
  std::shared_ptr<Watched> watched;
  Clock::time_point patience = Clock::now() + kGrace;  // when it is given up
  std::string late;                                    // what is said of it then
  bool over = false;                                   // every call has ended
};

void carryOut(BlockCall& call) {
  call.failure = failureOf(*call.log, call.what, [&] {
    call.standing->requireGood();
    call.result = call.run();
  });
}

// As a part of the request that this thread serves, if it does.
void carryOutInPlace(BlockCall& call) {
  const auto* const whole = RequestScope::current();
  if (!whole) {
    const RequestScope scope({}, deadlineOf(call.budget, Clock::time_point::max()));
    return carryOut(call);
  }
  const RequestScope scope(*whole, deadlineOf(call.budget, whole->deadline()));
  carryOut(call);
}

// False when one of the calls was written off, and this thread with it.
bool workThrough(Batch& batch) {
  waitObserver = &batch.relay;
  std::unique_lock lock(batch.mutex);
  for (; batch.at < batch.calls.size(); ++batch.at) {
    BlockCall call = std::move(batch.calls[batch.at]);
    const auto watched = batch.watched = std::make_shared<Watched>(call.standing);
    const auto deadline = deadlineOf(call.budget, batch.origin.deadline);
    const auto before = std::exchange(batch.patience, batch.origin.patienceOf(deadline));
    if (batch.patience < before) batch.ended.notify_one();  // whoever waits would sleep too long
    watched->begin();
    lock.unlock();
    {
      const RequestScope scope(batch.origin.request, deadline,
                               [watched, whole = batch.origin.claim] {
                                 return !watched->isWrittenOff() && (!whole || whole());
                               });
      carryOut(call);
    }
    lock.lock();
    if (!watched->end()) return false;
    batch.calls[batch.at] = std::move(call);
  }
  waitObserver = nullptr;
  batch.over = true;
  batch.ended.notify_one();
  return true;
}

// Until all calls have ended, or the one under way is given up. With the batch's mutex held.
void waitFor(Batch& batch, std::unique_lock<std::mutex>& lock) {
  while (!batch.over) {
    batch.ended.wait_until(lock, batch.patience);
    const auto now = Clock::now();
    if (batch.over || now < batch.patience) continue;
    if (!batch.watched) batch.patience = now + kGrace;  // its thread has not begun yet
    if (batch.watched && batch.watched->writeOff()) return batch.relay.cut();
  }
}

}  // namespace

class BlockThreads::Pool : public std::enable_shared_from_this<Pool> {
 public:
  // Throws std::system_error when there is no thread to be had.
  void give(std::shared_ptr<Batch> batch) {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) {
      auto seat = std::make_shared<Seat>();
      seat->batch = std::move(batch);
      std::thread([self = shared_from_this(), seat] { self->serve(*seat); }).detach();
      ++threads_;
      return;
    }
    Seat& seat = *idle_.back();
    idle_.pop_back();
    seat.batch = std::move(batch);
    seat.wake.notify_one();
  }

  void end() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (Seat* seat : idle_) seat->wake.notify_one();
    empty_.wait(lock, [&] { return threads_ == 0; });
  }

 private:
  struct Seat {
    std::condition_variable wake;
    std::shared_ptr<Batch> batch;
  };

  void serve(Seat& seat) {
    ::pthread_setname_np(::pthread_self(), "pombo-block");
    std::unique_lock lock(mutex_);
    while (seat.batch) {
      const auto batch = std::exchange(seat.batch, nullptr);
      lock.unlock();
      const bool back = workThrough(*batch);
      lock.lock();
      if (!back) break;
      idle_.push_back(&seat);
      seat.wake.wait(lock, [&] { return stopping_ || seat.batch; });
    }
    std::erase(idle_, &seat);
    if (--threads_ == 0) empty_.notify_all();
  }

  std::mutex mutex_;  // guards all below
  std::condition_variable empty_;
  std::vector<Seat*> idle_;
  int threads_ = 0;
  bool stopping_ = false;
};

BlockThreads::BlockThreads() : pool_(std::make_shared<Pool>()) {}
BlockThreads::~BlockThreads() { pool_->end(); }

void BlockThreads::run(std::vector<BlockCall>& calls) {
  for (auto first = calls.begin(); first != calls.end();) {
    if (first->inPlace) {
      carryOutInPlace(*first);
      ++first;
    } else {
      const auto last =
          std::find_if(first, calls.end(), [](const BlockCall& call) { return call.inPlace; });
      first = runApart(first, last);
    }
  }
}

BlockThreads::Calls BlockThreads::runApart(Calls first, Calls last) {
  const auto batch = std::make_shared<Batch>();
  batch->calls.assign(std::make_move_iterator(first), std::make_move_iterator(last));
  std::unique_lock lock(batch->mutex, std::defer_lock);
  try {
    pool_->give(batch);
    lock.lock();
    waitFor(*batch, lock);
  } catch (const std::system_error&) {
    std::move(batch->calls.begin(), batch->calls.end(), first);
    first->failure = std::make_shared<const Error>(Code::unavailable, "Server is busy");
    return first + 1;
  }
  std::move(batch->calls.begin(), batch->calls.end(), first);
  first += std::ptrdiff_t(batch->at);
  if (first == last) return last;
  // What it was asked is still in use; all that is known of the call is that it is late.
  first->failure = batch->watched->standing().late();
  return first + 1;
}

}  // namespace pombo
