#include "event/byte_budget.hpp"

#include <future>
#include <utility>
#include <vector>

namespace pombo {

void ByteBudget::take(const InstanceId& whose, std::uint64_t bytes, Go go) {
  {
    std::unique_lock lock(mutex_);
    if (closed_ || bytes <= kSmall) {
      auto share = closed_ ? nullptr : shareOf(whose, bytes);
      lock.unlock();
      return go(std::move(share));
    }
    const auto [line, isNew] = waiting_.try_emplace(whose);
    line->second.push_back({bytes, std::move(go)});
    if (isNew) turns_.push_back(whose);
  }
  letGo();
}

std::shared_ptr<ByteBudget::Share> ByteBudget::await(const InstanceId& whose, std::uint64_t bytes) {
  std::promise<std::shared_ptr<Share>> taken;
  take(whose, bytes, [&](std::shared_ptr<Share> share) { taken.set_value(std::move(share)); });
  return taken.get_future().get();
}

void ByteBudget::close() {
  std::map<InstanceId, std::deque<Waiting>> waiting;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    waiting.swap(waiting_);
    turns_.clear();
  }
  for (const auto& [whose, line] : waiting)
    for (const auto& each : line) each.go(nullptr);
}

void ByteBudget::give(const Share& share) {
  {
    std::lock_guard lock(mutex_);
    taken_ -= share.bytes_;
    if (share.isLarge_) {
      --largeCount_;
      const auto its = large_.find(share.whose_);
      its->second.bytes -= share.bytes_;
      if (--its->second.count == 0) large_.erase(its);
    }
  }
  letGo();
}

void ByteBudget::resize(Share& share, std::uint64_t bytes) {
  {
    std::lock_guard lock(mutex_);
    taken_ += bytes - share.bytes_;
    if (share.isLarge_) {
      large_.at(share.whose_).bytes += bytes - share.bytes_;
    } else if (bytes > kSmall) {
      share.isLarge_ = true;
      addLarge(share.whose_, bytes);
    }
    share.bytes_ = bytes;
  }
  letGo();
}

// Whoever finds no room keeps those behind it from taking what it waits for; one that has had its
// part waits for nobody else.
void ByteBudget::letGo() {
  std::vector<std::pair<Go, std::shared_ptr<Share>>> going;
  {
    std::lock_guard lock(mutex_);
    for (Turn turn = turns_.begin(); turn != turns_.end();) {
      Waiting& first = waiting_.at(*turn).front();
      if (fits(*turn, first.bytes)) {
        going.emplace_back(std::move(first.go), shareOf(*turn, first.bytes));
        turn = afterOneOf(turn);
      } else if (isBeyondIts(*turn, first.bytes)) {
        ++turn;
      } else {
        break;
      }
    }
  }
  for (auto& [go, share] : going) go(std::move(share));
}

// Whose turn is next; this one, if it has more, comes after all others.
ByteBudget::Turn ByteBudget::afterOneOf(Turn turn) {
  const auto line = waiting_.find(*turn);
  line->second.pop_front();
  if (line->second.empty()) {
    waiting_.erase(line);
    return turns_.erase(turn);
  }
  const Turn next = std::next(turn);
  if (next == turns_.end()) return turn;
  turns_.splice(turns_.end(), turns_, turn);
  return next;
}

bool ByteBudget::fits(const InstanceId& whose, std::uint64_t bytes) const {
  return largeCount_ == 0 || (taken_ + bytes <= most_ && !isBeyondIts(whose, bytes));
}

bool ByteBudget::isBeyondIts(const InstanceId& whose, std::uint64_t bytes) const {
  const auto its = large_.find(whose);
  return its != large_.end() && its->second.bytes + bytes > most_ / 4;
}

std::shared_ptr<ByteBudget::Share> ByteBudget::shareOf(const InstanceId& whose,
                                                       std::uint64_t bytes) {
  auto share = std::make_shared<Share>(*this, whose, bytes);
  taken_ += bytes;
  if (bytes > kSmall) addLarge(whose, bytes);
  return share;
}

void ByteBudget::addLarge(const InstanceId& whose, std::uint64_t bytes) {
  ++largeCount_;
  Large& its = large_[whose];
  ++its.count;
  its.bytes += bytes;
}

}  // namespace pombo
