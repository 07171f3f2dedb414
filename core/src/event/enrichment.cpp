#include "event/enrichment.hpp"

#include "event/media_part.hpp"

namespace pombo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPause{30};
constexpr int kMostFailures = 3;

// RFC 7386
void merge(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = boost::json::object();
  auto& members = target.get_object();
  for (const auto& [key, value] : patch.get_object())
    if (value.is_null())
      members.erase(key);
    else
      merge(members[key], value);
}

}  // namespace

bool Enrichment::isOffered() {
  for (const auto& [block, enricher] : enrichers_)
    if (mayAsk(block)) return true;
  return false;
}

std::shared_ptr<const Event> Enrichment::enriched(std::shared_ptr<const Event> event,
                                                  Time deadline) {
  for (const auto& [block, enricher] : enrichers_) {
    if (!mayAsk(block)) {
      metrics_.count("pombo_" + block + "_enrich_skipped_total", {});
      continue;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {  // which is no fault of this one
      metrics_.count("pombo_" + block + "_enrich_skipped_total", {});
      continue;
    }
    const auto patch = std::make_shared<Json>();
    const auto failure = around_.call(block, "enrich", left, [asked = enricher, event, patch] {
      *patch = asked->enrich(*event);
    });
    Event changed = *event;
    bool isChanged = false;
    if (failure) {
      failed(block, failure->what());
      isChanged = tellMediaError(changed.data, failure->what());
    } else {
      succeeded(block);
      isChanged = patch->is_object() && !patch->get_object().empty();
      if (isChanged) merge(changed.data, *patch);
    }
    if (isChanged) event = std::make_shared<const Event>(std::move(changed));
  }
  return event;
}

bool Enrichment::mayAsk(const std::string& block) {
  std::lock_guard lock(mutex_);
  return records_[block].askAgain <= Clock::now();
}

void Enrichment::succeeded(const std::string& block) {
  std::lock_guard lock(mutex_);
  records_[block].failures = 0;
}

void Enrichment::failed(const std::string& block, const std::string& reason) {
  metrics_.count("pombo_" + block + "_enrich_failed_total", {});
  {
    std::lock_guard lock(mutex_);
    Record& record = records_[block];
    if (++record.failures < kMostFailures) return;
    record = {.failures = 0, .askAgain = Clock::now() + kPause};
  }
  log_.write(Level::warn, "Events go on without the block for half a minute",
             {{"block", block}, {"reason", reason}});
}

}  // namespace pombo
