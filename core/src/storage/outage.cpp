#include "storage/outage.hpp"

#include <algorithm>

#include "observe/waiting.hpp"

namespace pombo {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{50};
constexpr std::chrono::milliseconds kBetweenLooks{500};

}  // namespace

bool Outage::mayTry() {
  if (!away_) return true;
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now > since_ + kPatience && now < tried_ + kBetweenLooks) return false;
  tried_ = now;
  return true;
}

bool Outage::waits(Time deadline) {
  std::unique_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!away_) {
    // Perhaps it was this connection only: the next attempt comes at once.
    away_ = true;
    since_ = now;
    return now < deadline;
  }
  const auto end = std::min(deadline, since_ + kPatience);
  if (now >= end) return false;
  lock.unlock();
  pause(end);
  return true;
}

void Outage::pause(Time end) {
  aboutToWait();
  std::unique_lock lock(mutex_);
  const auto next = std::chrono::steady_clock::now() + kBetweenTries;
  back_.wait_until(lock, std::min(end, Time(next)), [this] { return !away_; });
}

void Outage::ended() {
  if (!away_) return;
  {
    std::lock_guard lock(mutex_);
    away_ = false;
  }
  back_.notify_all();
}

}  // namespace pombo
