#include "media/received_media.hpp"

#include "event/media_size.hpp"
#include "observe/request_scope.hpp"

namespace pombo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLate = "Media did not come in time";
constexpr std::chrono::seconds kPatience{30}, kPause{30};
constexpr int kMostLate = 3;
// With less, it would be the connector's fault that the event has waited: calls that do not end in
// their time are held against all of it.
constexpr std::chrono::seconds kLeast{5};

std::chrono::milliseconds leftUntil(Clock::time_point deadline) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
}

Clock::time_point deadlineOfRequest() {
  const auto* const request = RequestScope::current();
  return request ? request->deadline() : Clock::time_point::max();
}

}  // namespace

void ReceivedMedia::keep(const Event& event, Time deadline) try {
  const MediaId id = links_.idOf(event.instance, event.mediaKey);
  if (spool_.renew(id)) return;
  // Or it would be fetched for nothing.
  spool_.requireFits(saidMediaSize(event).value_or(0));
  requireAnswering(event.instance);
  const auto left = leftUntil(deadline);
  if (left < kLeast) throw Error(Code::timedOut, kLate);
  spool_.put(event.instance, id, fetch(event.instance, event.mediaKey, left));
  metrics_.count("pombo_media_stored_total", {});
  // It may have been deleted meanwhile, and its folder with it.
  if (!knows_(event.instance)) spool_.forget(event.instance);
} catch (...) {
  metrics_.count("pombo_media_failed_total", {});
  throw;
}

Media ReceivedMedia::fetch(const InstanceId& instance, const std::string& mediaKey,
                           std::chrono::milliseconds budget) {
  requireAnswering(instance);
  const bool isFair = leftUntil(deadlineOfRequest()) >= kLeast;
  try {
    Media media = fetch_(instance, mediaKey, budget);
    answered(instance, true);
    return media;
  } catch (const Error& error) {
    if (error.code == Code::timedOut && isFair) answered(instance, false);
    throw;
  }
}

// One whose connector, or proxy, hangs would keep threads from all others.
void ReceivedMedia::requireAnswering(const InstanceId& instance) {
  std::lock_guard lock(mutex_);
  const auto record = records_.find(instance);
  if (record != records_.end() && Clock::now() < record->second.askAgain)
    throw Error(Code::unavailable, kLate);
}

void ReceivedMedia::answered(const InstanceId& instance, bool inTime) {
  std::lock_guard lock(mutex_);
  if (inTime) {
    records_.erase(instance);
    return;
  }
  Record& record = records_[instance];
  if (++record.late >= kMostLate) record = {.late = 0, .askAgain = Clock::now() + kPause};
}

// Who waits for that holds up others, of all instances.
Media ReceivedMedia::of(const Event& event) {
  boost::json::error_code none;
  const bool hasFailed = event.data.find_pointer("/message/media/error", none) != nullptr;
  return of(event.instance, event.mediaKey, hasFailed ? kLeast : kPatience);
}

Media ReceivedMedia::of(const InstanceId& instance, const std::string& mediaKey) {
  return of(instance, mediaKey, kPatience);
}

Media ReceivedMedia::of(const InstanceId& instance, const std::string& mediaKey,
                        std::chrono::milliseconds patience) {
  if (auto media = spool_.find(links_.idOf(instance, mediaKey))) return std::move(*media);
  return fetch(instance, mediaKey, patience);
}

std::optional<std::string> ReceivedMedia::linkTo(const Event& event) const {
  const MediaId id = links_.idOf(event.instance, event.mediaKey);
  const auto end = spool_.endOf(id);
  return end ? std::optional(links_.to(id, *end)) : std::nullopt;
}

void ReceivedMedia::forget(const InstanceId& instance) {
  spool_.forget(instance);
  std::lock_guard lock(mutex_);
  records_.erase(instance);
}

void ReceivedMedia::collect(Metrics& metrics) const {
  metrics.observe("pombo_media_bytes", {}, static_cast<double>(spool_.bytes()));
  metrics.observe("pombo_media_files", {}, static_cast<double>(spool_.files()));
}

}  // namespace pombo
