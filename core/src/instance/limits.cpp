#include "instance/limits.hpp"

#include <algorithm>
#include <utility>

namespace pombo {
namespace {

// A bucket of a million calls is saved in steps of 100 ms, rounded to the later side: never in the
// client's favour.
constexpr std::size_t kExact = 600;
constexpr std::int64_t kStep = 100;

}  // namespace

void Limits::Window::forgetBefore(std::int64_t time) {
  while (!calls.empty() && calls.front().first <= time) {
    total -= calls.front().second;
    calls.pop_front();
    changed = true;
  }
}

Allowance Limits::take(const std::string& bucket, int limit, std::int64_t now) {
  Shard& shard = shardOf(bucket);
  std::lock_guard lock(shard.mutex);
  Window& window = shard.windows[bucket];
  window.forgetBefore(now - kWindow);
  Allowance answer{window.total < limit, limit, 0, {}};
  if (answer.passes) {
    if (!window.calls.empty() && window.calls.back().first == now)
      ++window.calls.back().second;
    else
      window.calls.emplace_back(now, 1);
    ++window.total;
    window.changed = true;
  }
  answer.remaining = std::max(0, limit - window.total);
  // With none left: when so many are forgotten that one more passes. A limit may have been lowered
  // below what is counted.
  int over = window.total - limit;
  auto oldest = window.calls.begin();
  for (; oldest != window.calls.end() && over >= oldest->second; ++oldest) over -= oldest->second;
  if (oldest == window.calls.end()) oldest = window.calls.begin();
  const auto until = oldest == window.calls.end() ? kWindow : oldest->first + kWindow - now;
  answer.reset = std::chrono::milliseconds(until);
  return answer;
}

std::vector<Limits::Saved> Limits::changes(std::int64_t now) {
  std::vector<Saved> all;
  for (auto& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    for (auto it = shard.windows.begin(); it != shard.windows.end();) {
      Window& window = it->second;
      window.forgetBefore(now - kWindow);
      if (std::exchange(window.changed, false)) {
        Saved saved{it->first, {}};
        for (const auto& [time, count] : window.calls) {
          auto age = now - time;
          if (window.calls.size() > kExact) age = age / kStep * kStep;
          if (!saved.calls.empty() && saved.calls.back().first == age)
            saved.calls.back().second += count;
          else
            saved.calls.emplace_back(age, count);
        }
        all.push_back(std::move(saved));
      }
      it = window.calls.empty() ? shard.windows.erase(it) : std::next(it);
    }
  }
  return all;
}

void Limits::changedStill(const std::vector<Saved>& unsaved) {
  for (const auto& saved : unsaved) {
    Shard& shard = shardOf(saved.bucket);
    std::lock_guard lock(shard.mutex);
    shard.windows[saved.bucket].changed = true;
  }
}

void Limits::restore(const Saved& saved, std::int64_t now) {
  Shard& shard = shardOf(saved.bucket);
  std::lock_guard lock(shard.mutex);
  Window& window = shard.windows[saved.bucket];
  for (const auto& [age, count] : saved.calls) {
    window.calls.emplace_back(now - age, count);
    window.total += count;
  }
  window.changed = window.calls.empty();  // to be told once, and forgotten where it was kept
}

}  // namespace pombo
