#include "overdue_store.hpp"

#include <algorithm>

#include "chat_address.hpp"
#include "exchange_store.hpp"
#include "utc_text.hpp"

using namespace pombo;

namespace {

constexpr std::chrono::minutes kTellPause{30};

Event failureOf(const Instance& instance, const PendingMessage& message, TimePoint now) {
  const Json lid = nullptr;
  boost::json::object data{
      {"timestamp", utcText(now)},
      {"status", "server_error"},
      {"messageIds", boost::json::array{Json(message.id)}},
      {"chat", {{"jid", message.chat}, {"lid", lid}, {"type", wordFor(chatTypeOf(message.chat))}}},
      {"recipient", {{"jid", message.chat}, {"lid", lid}, {"name", ""}}}};
  if (chatTypeOf(message.chat) == ChatType::group) data["messageSender"] = instance.numberJid;
  return {.type = "message.status",
          .instance = instance.id,
          .chat = message.chat,
          .data = std::move(data)};
}

}  // namespace

void OverdueStore::giveUp() try {
  const auto overdue = pending_.overdue();
  std::erase_if(told_, [&](const auto& told) {
    return std::none_of(overdue.begin(), overdue.end(), [&](const PendingMessage& each) {
      return told.first == std::pair(each.instance.value, each.id);
    });
  });
  for (const auto& each : overdue) giveUp(each);
} catch (const std::exception& error) {
  host_.log().write(Level::warn, "Pending messages were not given up", {{"reason", error.what()}});
}

void OverdueStore::giveUp(const PendingMessage& message) {
  const std::pair which(message.instance.value, message.id);
  const TimePoint now = host_.clock().now();
  if (const auto told = told_.find(which); told != told_.end()) {
    if (now - told->second < kTellPause) return;  // what was told is on its way
    if (mayBeIgnored(message.chat)) return pending_.drop(message);
  }
  // What is told changes it as well.
  if (const auto instance = host_.instances().find(message.instance))
    host_.events().publish({failureOf(*instance, message, now)});
  else
    pending_.fail(message.instance, message.id);
  told_[which] = now;
  host_.metrics().count("given_up", 1);
}
