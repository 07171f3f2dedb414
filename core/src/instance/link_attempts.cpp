#include "instance/link_attempts.hpp"

#include <algorithm>
#include <utility>

#include "instance/link_failure.hpp"

namespace pombo {
namespace {

// Nobody is linking it any more: it cannot go back to that.
std::string restingState(const std::string& status) {
  return status == kConnecting || status == kConnected ? kDisconnected : status;
}

std::string stateBefore(const LinkAttempt& attempt, LinkLeft left) {
  const bool stays =
      left == LinkLeft::all || (left == LinkLeft::code && attempt.before == kConnecting);
  return stays ? attempt.before : restingState(attempt.before);
}

}  // namespace

LinkAttemptPointer LinkAttempts::begin(const Instance& instance, const LinkTerms& terms) {
  const auto attempt =
      std::make_shared<LinkAttempt>(LinkAttempt{.instance = instance, .listens = terms.listens});
  const InstanceId& id = instance.id;
  try {
    database_.commit([&](Session& session) {
      const auto status = InstanceStore::lockedStatus(session, id);
      if (!status) throw instanceGone();
      if (status == kConnected && !terms.evenConnected)
        throw Error(Code::conflict, "Instance is already connected");
      {
        const std::lock_guard lock(mutex_);
        auto& all = underWay_[id];
        std::erase(all, attempt);  // a transaction may be run again
        if (terms.alone && !all.empty()) throw Error(Code::conflict, "Instance is being connected");
        all.push_back(attempt);
        if (stale_.erase(id) > 0) attempt->wasStale = true;
        unsettled_.erase(id);
        attempt->before = attempt->wasStale ? restingState(*status) : *status;
      }
      InstanceStore::move(session, id, kConnecting, clock_.now());
    });
  } catch (const StorageError&) {
    giveUp(attempt, LinkLeft::all);  // it may have been committed all the same
    if (attempt->wasStale) abandon({id});
    throw;
  } catch (...) {
    end(attempt);
    throw;
  }
  return attempt;
}

void LinkAttempts::succeeded(const LinkAttemptPointer& attempt) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : underWay_.at(attempt->instance.id)) {
      if (each == attempt) break;
      each->isOver = true;
    }
  }
  end(attempt);
}

void LinkAttempts::giveUp(const LinkAttemptPointer& attempt, LinkLeft left) {
  settle(attempt->instance.id, [&] { return stateAfter(attempt, left); });
  end(attempt);
}

// One that others have spoken of is theirs; a code that waits beside it goes on waiting.
void LinkAttempts::postpone(const LinkAttemptPointer& attempt) {
  {
    const std::lock_guard lock(mutex_);
    const bool stays = decides(attempt) && attempt->before == kDisconnected;
    if (stays) stale_.insert(attempt->instance.id);
    if (stays || attempt->isSettled) attempt->isOver = true;
  }
  giveUp(attempt, LinkLeft::code);
}

bool LinkAttempts::isLost(const LinkAttemptPointer& attempt) const {
  const std::lock_guard lock(mutex_);
  return attempt->wasStale && decides(attempt);
}

bool LinkAttempts::decides(const LinkAttemptPointer& attempt) const {
  const auto all = underWay_.find(attempt->instance.id);
  return !attempt->isSettled && !attempt->isOver && all != underWay_.end() &&
         all->second.back() == attempt;
}

void LinkAttempts::settleLater(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  unsettled_.insert_or_assign(id, kDisconnected);
}

// `after` says what it is to be, inside the transaction; whoever is newer has waited for the row.
bool LinkAttempts::settle(const InstanceId& id,
                          const std::function<std::optional<std::string>()>& after) {
  std::optional<std::string> wanted;
  try {
    database_.commit([&](Session& session) {
      const auto status = InstanceStore::lockedStatus(session, id);
      wanted = after();
      if (wanted && status == kConnecting && wanted != kConnecting)
        InstanceStore::move(session, id, *wanted, clock_.now());
    });
    return true;
  } catch (const StorageError& error) {
    if (!wanted) wanted = after();
    if (!wanted || wanted == kConnecting) return false;
    log_.write(Level::warn, "Instance stays connecting for now",
               {{"instance", id.value}, {"reason", error.what()}});
    const std::lock_guard lock(mutex_);
    unsettled_.insert_or_assign(id, *wanted);
    return false;
  }
}

// Nothing: others decide. A newer attempt that has found it connecting by this one learns what it
// was before both.
std::optional<std::string> LinkAttempts::stateAfter(const LinkAttemptPointer& attempt,
                                                    LinkLeft left) {
  const std::lock_guard lock(mutex_);
  if (attempt->isOver) return {};
  const auto found = underWay_.find(attempt->instance.id);
  if (found == underWay_.end()) return {};
  const auto& all = found->second;
  const auto own = std::find(all.begin(), all.end(), attempt);
  if (own == all.end()) return {};  // it has not begun
  // A link that an event has spoken of is not what it was.
  const std::string after =
      stateBefore(*attempt, attempt->isSettled ? std::min(left, LinkLeft::code) : left);
  const auto newer = std::next(own);
  if (newer == all.end()) return after;
  if ((*newer)->before == kConnecting) (*newer)->before = after;
  return {};
}

void LinkAttempts::end(const LinkAttemptPointer& attempt) {
  const std::lock_guard lock(mutex_);
  const auto all = underWay_.find(attempt->instance.id);
  if (all == underWay_.end()) return;
  std::erase(all->second, attempt);
  if (all->second.empty()) underWay_.erase(all);
}

std::optional<LinkOutcome> LinkAttempts::park(const LinkAttemptPointer& attempt,
                                              std::chrono::steady_clock::time_point until,
                                              LinkAttempt::Tell tell) {
  const std::lock_guard lock(mutex_);
  if (closed_) throw shuttingDown();
  if (attempt->isGone) throw instanceGone();
  if (attempt->isSuperseded) throw superseded();
  if (attempt->heard) return attempt->heard;
  attempt->tell = std::move(tell);
  attempt->until = until;
  return std::nullopt;
}

void LinkAttempts::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

std::vector<LinkAttempts::Told> LinkAttempts::take(
    const std::function<bool(const LinkAttempt&)>& which) {
  std::vector<Told> taken;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, all] : underWay_)
    for (const auto& each : all)
      if (each->tell && which(*each)) taken.push_back({each, std::exchange(each->tell, nullptr)});
  return taken;
}

std::vector<LinkAttempts::Told> LinkAttempts::gone(const InstanceId& id) {
  std::vector<Told> taken;
  const std::lock_guard lock(mutex_);
  const auto all = underWay_.find(id);
  if (all == underWay_.end()) return taken;
  for (const auto& each : all->second) {
    each->isGone = true;
    if (each->tell) taken.push_back({each, std::exchange(each->tell, nullptr)});
  }
  return taken;
}

// One that is inside of its connector still learns of it when it comes back.
std::vector<LinkAttempts::Told> LinkAttempts::supersede(const LinkAttemptPointer& newer) {
  std::vector<Told> taken;
  const std::lock_guard lock(mutex_);
  for (const auto& each : underWay_.at(newer->instance.id)) {
    if (each == newer) break;
    each->isSuperseded = true;
    if (each->tell) taken.push_back({each, std::exchange(each->tell, nullptr)});
  }
  return taken;
}

std::optional<LinkAttempts::Told> LinkAttempts::hear(const InstanceId& id,
                                                     const LinkOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  const auto all = underWay_.find(id);
  if (all == underWay_.end()) return std::nullopt;
  const auto newest = std::find_if(all->second.rbegin(), all->second.rend(),
                                   [](const auto& each) { return each->listens; });
  if (newest == all->second.rend() || (*newest)->heard) return std::nullopt;
  (*newest)->heard = outcome;
  if (!(*newest)->tell) return std::nullopt;
  return Told{*newest, std::exchange((*newest)->tell, nullptr)};
}

void LinkAttempts::settled(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  unsettled_.erase(id);
  stale_.erase(id);
  if (const auto all = underWay_.find(id); all != underWay_.end())
    for (const auto& each : all->second) each->isSettled = true;
}

bool LinkAttempts::isUnderWay(const InstanceId& id) const {
  const std::lock_guard lock(mutex_);
  return underWay_.contains(id);
}

bool LinkAttempts::isSuperseded(const LinkAttemptPointer& attempt) const {
  const std::lock_guard lock(mutex_);
  return attempt->isSuperseded;
}

bool LinkAttempts::isPast(const LinkAttemptPointer& attempt) const {
  const std::lock_guard lock(mutex_);
  return attempt->isSuperseded || attempt->isOver;
}

std::optional<std::chrono::steady_clock::time_point> LinkAttempts::waitsUntil(
    const InstanceId& id) const {
  const std::lock_guard lock(mutex_);
  const auto all = underWay_.find(id);
  if (all == underWay_.end()) return std::nullopt;
  for (const auto& each : all->second)
    if (each->tell) return each->until;
  return std::nullopt;
}

void LinkAttempts::abandon(const std::vector<InstanceId>& ids) {
  const std::lock_guard lock(mutex_);
  for (const auto& id : ids) {
    const auto all = underWay_.find(id);
    if (all == underWay_.end()) {
      stale_.insert(id);
      continue;
    }
    for (const auto& each : all->second) {
      each->wasStale = true;
      each->isSettled = false;
      each->before = restingState(each->before);
    }
  }
}

void LinkAttempts::sweep() {
  std::map<InstanceId, std::string> all;
  {
    const std::lock_guard lock(mutex_);
    all = unsettled_;
  }
  for (const auto& [id, wanted] : all) {
    // Whoever has begun since, or heard of it, has taken it off the list.
    const auto still = [&, each = id]() -> std::optional<std::string> {
      const std::lock_guard lock(mutex_);
      const auto it = unsettled_.find(each);
      return it == unsettled_.end() ? std::nullopt : std::optional(it->second);
    };
    if (!settle(id, still)) return;
    settled(id);
  }
}

}  // namespace pombo
