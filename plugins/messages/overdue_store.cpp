#include "overdue_store.hpp"

#include "chat_address.hpp"
#include "exchange_store.hpp"
#include "utc_text.hpp"

using namespace pombo;

namespace {

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

void giveUpOverdue(IHost& host, PendingStore& pending) try {
  for (const auto& each : pending.overdue()) {
    // Nobody is told of a chat that the instance may be ignoring: it may well have been sent.
    if (mayBeIgnored(each.chat)) {
      pending.drop(each);
      continue;
    }
    // What is told changes it as well.
    if (const auto instance = host.instances().find(each.instance))
      host.events().publish({failureOf(*instance, each, host.clock().now())});
    else
      pending.fail(each.instance, each.id);
    host.metrics().count("given_up", 1);
  }
} catch (const std::exception& error) {
  host.log().write(Level::warn, "Pending messages were not given up", {{"reason", error.what()}});
}
