#include "event/pipeline_thread.hpp"

#include <pthread.h>

#include <algorithm>

namespace pombo {
namespace {

// The clock goes on while the machine sleeps, waiting does not.
constexpr Millis kLongestSleep = 10'000;

}  // namespace

PipelineThread::PipelineThread(const PipelineLimits& limits, Random& random, Clock clock,
                               CarryOut carryOut)
    : pipeline_(limits, random), clock_(std::move(clock)), carryOut_(std::move(carryOut)) {}

void PipelineThread::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "pombo-pipeline");
    run();
  });
}

void PipelineThread::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void PipelineThread::say(Saying saying) {
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    first = inbox_.empty();
    inbox_.push_back(std::move(saying));
  }
  if (first) wake_.notify_one();
}

void PipelineThread::sayAfter(Millis wait, Saying saying) {
  {
    std::lock_guard lock(mutex_);
    later_.emplace(clock_() + wait, std::move(saying));
  }
  wake_.notify_one();
}

void PipelineThread::takeDue(Millis now, std::vector<Saying>& into) {
  const auto due = later_.upper_bound(now);
  for (auto each = later_.begin(); each != due; ++each) into.push_back(std::move(each->second));
  later_.erase(later_.begin(), due);
}

void PipelineThread::run() {
  std::vector<Saying> heard;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      while (!stopping_ && inbox_.empty()) {
        Millis until = wakeAt_;
        if (!later_.empty()) until = std::min(until, later_.begin()->first);
        const Millis now = clock_();
        if (until <= now) break;
        wake_.wait_for(lock, std::chrono::milliseconds(std::min(until - now, kLongestSleep)));
      }
      if (stopping_) return;
      heard.swap(inbox_);
      takeDue(clock_(), heard);
    }
    const Millis now = clock_();
    for (auto& saying : heard) saying(pipeline_, now);
    heard.clear();
    Work work = pipeline_.work(now);
    wakeAt_ = work.wakeAt;
    carryOut_(work);
  }
}

}  // namespace pombo
