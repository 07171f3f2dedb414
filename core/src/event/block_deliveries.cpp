#include "event/block_deliveries.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <future>

#include "observe/request_scope.hpp"
#include "observe/waiting.hpp"
#include "pombo/error.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kPatience{25};
constexpr Millis kStep = 20;  // of a clock that was set

std::optional<std::int64_t> numberIn(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && at == end && number > 0 && text.front() != '0'
             ? std::optional(number)
             : std::nullopt;
}

// What is no id is nobody's.
std::vector<std::int64_t> numbersIn(const std::vector<std::string>& texts) {
  std::vector<std::int64_t> numbers;
  for (const auto& text : texts)
    if (const auto number = numberIn(text)) numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

Millis millisOf(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

// The machine's two clocks are not read in the same millisecond: what is shown of a delivery must
// not change from one look to the next for that.
Moment BlockDeliveries::now() {
  Moment now = currentMoment();
  const Millis ahead = now.wall - now.sinceBoot, shown = wallAhead_;
  if (std::abs(ahead - shown) < kStep)
    now.wall = now.sinceBoot + shown;
  else
    wallAhead_ = ahead;
  return now;
}

std::vector<DeliveryRecord> BlockDeliveries::list(const std::string& block,
                                                  const InstanceId& instance,
                                                  const DeliveryQuery& query) {
  const Moment now = this->now();
  DeliveryFilter filter{.instance = instance,
                        .block = block,
                        .destination = query.destination,
                        .status = query.status,
                        .ids = numbersIn(query.ids),
                        .limit = std::clamp(query.limit, 1, 10'000)};
  if (!query.ids.empty() && filter.ids.empty()) return {};
  if (query.since) filter.since = timeline_.fromWall(millisOf(*query.since), now);
  if (!query.after.empty()) {
    const auto after = numberIn(query.after);
    if (!after) throw Error(Code::invalid, "Invalid cursor");
    filter.before = *after;
  }
  const auto wall = [&](Millis time) {
    return TimePoint(std::chrono::milliseconds(timeline_.toWall(time, now)));
  };
  const auto wallIfAny = [&](const std::optional<Millis>& time) {
    return time ? std::optional(wall(*time)) : std::nullopt;
  };
  std::vector<DeliveryRecord> records;
  for (auto& each : list_.newest(filter))
    records.push_back({.id = std::to_string(each.id),
                       .event = std::move(each.eventId),
                       .type = std::move(each.type),
                       .destination = std::move(each.destination),
                       .status = each.status,
                       .attempts = each.attempts,
                       .httpStatus = each.httpStatus,
                       .error = std::move(each.error),
                       .reason = std::move(each.reason),
                       .createdAt = wall(each.createdAt),
                       .attemptedAt = wallIfAny(each.attemptedAt),
                       .nextAt = wallIfAny(each.nextAt)});
  return records;
}

void BlockDeliveries::redeliver(const std::string& block, const InstanceId& instance,
                                const std::vector<std::string>& ids) {
  const auto deliveries = list_.find(instance, block, numbersIn(ids));
  if (deliveries.empty()) return;
  // Whoever has seen in the store that they are settled may be quicker than the writer, who has yet
  // to say so: the pipeline would take them for being attempted, and leave them alone.
  sayAndWait([](Pipeline&, Millis) {});
  sayAndWait([deliveries](Pipeline& pipeline, Millis) { pipeline.redeliver(deliveries); });
}

void BlockDeliveries::giveUp(const QueueKey& key, const std::string& reason) {
  sayAndWait([key, reason](Pipeline& pipeline, Millis) { pipeline.bury(key, reason); });
}

void BlockDeliveries::sayAndWait(PipelineThread::Saying saying) {
  const auto promise = std::make_shared<std::promise<void>>();
  auto kept = promise->get_future();
  thread_.say([this, promise, saying = std::move(saying)](Pipeline& pipeline, Millis now) {
    saying(pipeline, now);
    barriers_.add(pipeline.writesAhead(), [promise] { promise->set_value(); });
  });
  aboutToWait();
  auto deadline = std::chrono::steady_clock::now() + kPatience;
  if (const auto* const request = RequestScope::current())
    deadline = std::min(deadline, request->deadline());
  if (kept.wait_until(deadline) != std::future_status::ready)
    throw Error(Code::unavailable, "The database does not answer");
}

}  // namespace pombo
