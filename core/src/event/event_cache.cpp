#include "event/event_cache.hpp"

namespace pombo {
namespace {

// As measured: a parsed text takes four times as much, the rest of an event some 700 bytes.
std::int64_t inMemory(std::int64_t textBytes) { return 4 * textBytes + 700; }

}  // namespace

void EventCache::add(std::int64_t seq, Entry event, std::int64_t bytes) {
  keep(seq, std::move(event), bytes, false);
}

void EventCache::put(std::int64_t seq, Entry event, std::int64_t bytes) {
  keep(seq, std::move(event), bytes, true);
}

void EventCache::keep(std::int64_t seq, Entry event, std::int64_t bytes, bool replacing) {
  std::lock_guard lock(mutex_);
  const auto [at, isNew] = kept_.try_emplace(seq);
  if (!isNew && !replacing) return;
  bytes_ += inMemory(bytes) - at->second.bytes;
  at->second = {std::move(event), inMemory(bytes)};
  if (isNew) order_.push_back(seq);
  while (bytes_ > most_ && order_.size() > 1) {
    const auto oldest = kept_.find(order_.front());
    bytes_ -= oldest->second.bytes;
    kept_.erase(oldest);
    order_.pop_front();
  }
}

EventCache::Entry EventCache::find(std::int64_t seq, std::int64_t bytes) {
  {
    std::lock_guard lock(mutex_);
    if (const auto at = kept_.find(seq); at != kept_.end()) return at->second.event;
  }
  auto stored = store_.find(seq);
  if (!stored) return nullptr;
  auto event = std::make_shared<const Event>(std::move(*stored));
  put(seq, event, bytes);
  return event;
}

}  // namespace pombo
