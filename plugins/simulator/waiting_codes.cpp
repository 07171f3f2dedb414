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

void WaitingCodes::show(const std::string& id, Shown shown) {
  const std::lock_guard lock(mutex_);
  const auto until = Clock::now() + shown.first;
  codes_[id] = {std::move(shown), until};
  if (until < sleepsUntil_) changed_.notify_one();
}

std::optional<std::string> WaitingCodes::numberOf(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = codes_.find(id);
  if (it == codes_.end() || it->second.until <= Clock::now()) return std::nullopt;
  return it->second.shown.number;
}

void WaitingCodes::drop(const std::string& id) {
  const std::lock_guard lock(mutex_);
  codes_.erase(id);
}

std::optional<std::vector<std::string>> WaitingCodes::next(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto it = codes_.find(id);
  if (it == codes_.end() || it->second.until > Clock::now()) return std::nullopt;
  auto& [shown, until, isTold] = it->second;
  shown.codes.erase(shown.codes.begin());
  const auto left = shown.codes;
  if (left.empty()) {
    codes_.erase(it);
  } else {
    until += shown.other;
    isTold = false;
    if (until < sleepsUntil_) changed_.notify_one();
  }
  return left;
}

void WaitingCodes::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto first = earliest();
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

WaitingCodes::Codes::iterator WaitingCodes::earliest() {
  auto first = codes_.end();
  for (auto it = codes_.begin(); it != codes_.end(); ++it)
    if (!it->second.isTold && (first == codes_.end() || it->second.until < first->second.until))
      first = it;
  return first;
}
