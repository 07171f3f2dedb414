#include "late_messages.hpp"

namespace {

constexpr std::chrono::minutes kLongest{15};  // a little more than the longest pause between two
constexpr std::size_t kMost = 65'536;

}  // namespace

void LateMessages::add(const Key& key, Time now) {
  const std::lock_guard lock(mutex_);
  if (since_.size() >= kMost) dropOld(now);
  if (since_.size() < kMost) since_[key] = now;
}

void LateMessages::remove(const Key& key) {
  const std::lock_guard lock(mutex_);
  since_.erase(key);
}

bool LateMessages::contains(const Key& key, Time now) {
  const std::lock_guard lock(mutex_);
  const auto it = since_.find(key);
  return it != since_.end() && now - it->second < kLongest;
}

void LateMessages::dropOld(Time now) {
  std::erase_if(since_, [now](const auto& each) { return now - each.second >= kLongest; });
}
