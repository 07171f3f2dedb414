#include "net/names.hpp"

#include <array>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>

namespace pombo {
namespace {

using Instant = std::chrono::steady_clock::time_point;

constexpr std::chrono::seconds kFresh{60};
constexpr std::chrono::seconds kFailed{5};
constexpr std::chrono::minutes kKept{10};  // without an answer
constexpr std::size_t kMost = 16'384;      // names, before those that are stale are forgotten

// How the last look-up went: whoever has resolved goes first.
enum Standing { kProven, kUnknown, kDoubtful };

struct Entry {
  Names::Addresses addresses;
  Instant until{};     // what is said of it holds
  Instant provenAt{};  // when it had addresses
  Standing standing = kUnknown;
  bool isAsked = false;
};

}  // namespace

struct Names::State {
  State(LookUp how, Told listener, int threads, Now clock)
      : lookUp(std::move(how)), now(std::move(clock)), most(threads), told(std::move(listener)) {}

  // The next one that may be looked up, and how it stands.
  std::optional<std::pair<std::string, Standing>> next() {
    const std::lock_guard lock(mutex);
    for (const auto standing : {kProven, kUnknown, kDoubtful}) {
      auto& queue = queues[standing];
      if (queue.empty() || (standing != kProven && unproven >= mostFor(standing))) continue;
      auto host = std::move(queue.front());
      queue.pop_front();
      if (standing != kProven) ++unproven;
      return std::pair(std::move(host), standing);
    }
    --running;
    return std::nullopt;
  }

  void note(const std::string& host, Standing was, Addresses found) {
    const std::lock_guard lock(mutex);
    if (was != kProven) --unproven;
    if (!told) return;  // they are gone for whom it was
    auto& entry = entries[host];
    entry.isAsked = false;
    const auto at = now();
    if (!found.empty()) {
      entry = {std::move(found), at + kFresh, at, kProven, false};
    } else {
      if (at - entry.provenAt > kKept) entry.addresses.clear();
      entry.until = at + kFailed;
      entry.standing = kDoubtful;
    }
    if (entries.size() > sweepAt) sweep(at);
    told(host);
  }

  void sweep(Instant at) {
    std::erase_if(entries,
                  [&](const auto& each) { return !each.second.isAsked && each.second.until < at; });
    sweepAt = std::max(kMost, 2 * entries.size());
  }

  int mostFor(Standing standing) const {
    return standing == kProven ? most : most - (most + 7) / 8;
  }

  // One more thread, which ends when there is nothing left to do.
  bool hire(const std::shared_ptr<State>& self) {
    try {
      std::thread(work, self).detach();
    } catch (const std::system_error&) {
      return false;
    }
    ++running;
    return true;
  }

  static void work(const std::shared_ptr<State>& self) {
    while (auto job = self->next()) self->note(job->first, job->second, self->lookUp(job->first));
  }

  const LookUp lookUp;
  const Now now;
  const int most;
  std::mutex mutex;  // guards the rest
  Told told;         // empty when there is nobody to be told any more
  std::unordered_map<std::string, Entry> entries;
  std::array<std::deque<std::string>, 3> queues;  // by standing
  int running = 0;                                // threads
  int unproven = 0;                               // look-ups under way of names that are not proven
  std::size_t sweepAt = kMost;
};

Names::Names(LookUp lookUp, Told told, int threads, Now now)
    : state_(std::make_shared<State>(std::move(lookUp), std::move(told), threads, std::move(now))) {
}

Names::~Names() {
  const std::lock_guard lock(state_->mutex);
  state_->told = nullptr;
  for (auto& queue : state_->queues) queue.clear();
}

std::optional<Names::Addresses> Names::known(const std::string& host) {
  const std::lock_guard lock(state_->mutex);
  auto& entry = state_->entries[host];
  if (state_->now() < entry.until) return entry.addresses;
  if (entry.isAsked) return std::nullopt;
  if (state_->running < state_->mostFor(entry.standing) && !state_->hire(state_) &&
      state_->running == 0)
    return entry.addresses;  // there is nobody who could look it up
  entry.isAsked = true;
  state_->queues[entry.standing].push_back(host);
  return std::nullopt;
}

}  // namespace pombo
