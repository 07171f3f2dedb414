#include "process/placement.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pombo {
namespace {

int placeOf(const InstanceId& id, const std::map<InstanceId, int>& moved, int processes) {
  if (const auto other = moved.find(id); other != moved.end()) return other->second;
  return static_cast<int>(std::hash<std::string>()(id.value) % static_cast<unsigned>(processes));
}

}  // namespace

int Placement::locate(const InstanceId& id) const { return pombo::placeOf(id, moved_, processes_); }

int Placement::placeOf(const InstanceId& id) const {
  const std::lock_guard lock(mutex_);
  return locate(id);
}

Placement::Its Placement::itsOf(int process) const {
  const std::lock_guard lock(mutex_);
  if (processes_ == 1 && moved_.empty()) return {};
  return [process, moved = moved_, all = processes_](const InstanceId& id) {
    return pombo::placeOf(id, moved, all) == process;
  };
}

bool Placement::ask(int process, const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  if (locate(id) != process) return false;
  Place& place = places_[process];
  place.asked[id] = Clock::now();
  place.known.insert(id);
  return true;
}

// Of others it may tell what it likes, and as much.
void Placement::told(int process, const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  auto& asked = places_[process].asked;
  if (const auto found = asked.find(id); found != asked.end()) found->second = Clock::now();
}

void Placement::forget(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  const int process = locate(id);
  Place& place = places_[process];
  place.asked.erase(id);
  place.known.erase(id);
  if (moved_.erase(id) > 0) place.isSpare = place.known.empty() && !place.hasEnded;
}

std::vector<InstanceId> Placement::ended(int process, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  Place& place = places_[process];
  place.hasEnded = true;
  place.isSpare = false;
  const bool isInARow = now < std::exchange(place.inARowUntil, now + inARow_);
  std::vector<std::pair<Clock::time_point, InstanceId>> asked;
  for (const auto& [id, last] : std::exchange(place.asked, {})) asked.emplace_back(last, id);
  if (!isInARow || asked.empty()) return {};
  const std::size_t leaving = std::max<std::size_t>(1, asked.size() / 2);
  const bool isOfMany = process < processes_ && place.wasLeft;
  if (leaving == place.known.size() && !isOfMany) return {};
  std::sort(asked.rbegin(), asked.rend(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<InstanceId> all;
  for (std::size_t i = 0; i < leaving; ++i) all.push_back(asked[i].second);
  return all;
}

void Placement::move(const std::vector<InstanceId>& all, int from, int to, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  Place &left = places_[from], &other = places_[to];
  left.wasLeft = true;
  other.inARowUntil = now + inARow_;
  for (const auto& id : all) {
    if (left.known.erase(id) == 0) continue;  // deleted meanwhile
    moved_[id] = to;
    other.known.insert(id);
  }
  other.isSpare = other.known.empty() && !other.hasEnded;
}

std::optional<int> Placement::takeSpare() {
  const std::lock_guard lock(mutex_);
  for (auto& [process, place] : places_)
    if (std::exchange(place.isSpare, false)) return process;
  return std::nullopt;
}

}  // namespace pombo
