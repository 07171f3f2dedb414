#include "waiting_codes.hpp"

#include <utility>

WaitingCodes::WaitingCodes(std::function<void(const std::string&)> over)
    : over_(std::move(over)), thread_([this] { work(); }) {}

void WaitingCodes::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void WaitingCodes::show(const std::string& id, const std::string& number,
                        std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  const auto until = Clock::now() + time;
  codes_[id] = {number, until};
  if (until < sleepsUntil_) changed_.notify_one();
}

std::optional<std::string> WaitingCodes::numberOf(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = codes_.find(id);
  if (it == codes_.end() || it->second.until <= Clock::now()) return std::nullopt;
  return it->second.number;
}

void WaitingCodes::drop(const std::string& id) {
  const std::lock_guard lock(mutex_);
  codes_.erase(id);
}

bool WaitingCodes::dropIfOver(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto it = codes_.find(id);
  if (it == codes_.end() || it->second.until > Clock::now()) return false;
  codes_.erase(it);
  return true;
}

void WaitingCodes::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto first = next();
    sleepsUntil_ = first == codes_.end() ? Clock::time_point::max() : first->second.until;
    if (first == codes_.end()) {
      changed_.wait(lock);
    } else if (const auto until = sleepsUntil_; until > Clock::now()) {
      changed_.wait_until(lock, until);
    } else {
      first->second.isTold = true;
      const std::string id = first->first;
      lock.unlock();
      over_(id);
      lock.lock();
    }
  }
}

WaitingCodes::Codes::iterator WaitingCodes::next() {
  auto first = codes_.end();
  for (auto it = codes_.begin(); it != codes_.end(); ++it)
    if (!it->second.isTold && (first == codes_.end() || it->second.until < first->second.until))
      first = it;
  return first;
}
