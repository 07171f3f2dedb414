#include "instance/link_ends.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kPatience{10};  // with what is being ended

}  // namespace

LinkEnds::LinkEnds(LinkTimer& timer, std::function<void(const Instance&)> close)
    : timer_(timer),
      close_(std::move(close)),
      closer_([this](const InstanceId& id) { closeNow(id); }) {}

void LinkEnds::hold(const InstanceId& id) {
  std::unique_lock lock(mutex_);
  ended_.wait_for(lock, kPatience, [&] { return !ending_.contains(id); });
  closing_.erase(id);
  ++held_[id];
}

void LinkEnds::release(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  if (--held_.at(id) > 0) return;
  held_.erase(id);
  wake(id);
}

bool LinkEnds::isBusy(const InstanceId& id) const {
  return held_.contains(id) || ending_.contains(id);
}

// What was left while it was busy.
void LinkEnds::wake(const InstanceId& id) {
  if (closing_.contains(id)) closer_.set(id, Clock::now());
  if (const auto it = shown_.find(id); it != shown_.end()) timer_.set(id, it->second.until);
}

void LinkEnds::show(const Instance& instance, Clock::time_point until) {
  const std::lock_guard lock(mutex_);
  shown_.insert_or_assign(instance.id, Shown{instance, until});
  timer_.set(instance.id, until);
}

void LinkEnds::showLater(const Instance& instance, Clock::time_point until) {
  const std::lock_guard lock(mutex_);
  if (shown_.emplace(instance.id, Shown{instance, until}).second) timer_.set(instance.id, until);
}

bool LinkEnds::isShown(const InstanceId& id) const {
  const std::lock_guard lock(mutex_);
  return shown_.contains(id);
}

void LinkEnds::takenBack(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  shown_.erase(id);
}

void LinkEnds::scanned(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  shown_.erase(id);
  closing_.erase(id);
  if (const auto it = ending_.find(id); it != ending_.end()) it->second = true;
}

void LinkEnds::keep(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  closing_.erase(id);
}

void LinkEnds::forget(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  shown_.erase(id);
  closing_.erase(id);
}

void LinkEnds::goOn(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  if (!isBusy(id)) wake(id);
}

void LinkEnds::close(const Instance& instance, const std::function<bool()>& isPast) {
  const std::lock_guard lock(mutex_);
  if (isPast()) return;
  shown_.erase(instance.id);
  closing_.insert_or_assign(instance.id, instance);
  if (!isBusy(instance.id)) wake(instance.id);
}

void LinkEnds::endUnscanned(const InstanceId& id, const std::function<bool()>& isLinking,
                            const std::function<bool(const Instance&)>& tell) {
  std::unique_lock lock(mutex_);
  const auto it = shown_.find(id);
  if (it == shown_.end() || isBusy(id) || isLinking()) return;
  if (it->second.until > Clock::now()) return wake(id);
  const Instance instance = std::move(shown_.extract(it).mapped().instance);
  ending_.emplace(id, false);
  lock.unlock();
  const bool closes = tell(instance);
  lock.lock();
  const bool isScanned = ending_.extract(id).mapped();
  ended_.notify_all();
  if (closes && !isScanned) closing_.insert_or_assign(id, instance);
  wake(id);
}

// Whoever keeps it from that wakes us again.
void LinkEnds::closeNow(const InstanceId& id) {
  std::unique_lock lock(mutex_);
  if (isBusy(id)) return;
  const auto closing = closing_.extract(id);
  if (!closing) return;
  ending_.emplace(id, false);
  lock.unlock();
  close_(closing.mapped());
  lock.lock();
  ending_.erase(id);
  ended_.notify_all();
  wake(id);
}

}  // namespace pombo
