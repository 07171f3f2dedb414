#include "status_store.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "count_store.hpp"
#include "exchange_store.hpp"
#include "row_store.hpp"

using namespace pombo;

namespace {

constexpr std::array<const char*, 7> kWords{"error",    "pending", "sent",  "delivered",
                                            "received", "read",    "played"};

// Never backwards; what was delivered did not fail.
bool follows(std::int64_t next, std::int64_t now) {
  return next == kFailedStatus ? now == kPendingStatus || now == kSentStatus : next > now;
}

// A chat may be told by another name than that which it has here: by a number, or hidden.
std::vector<SqlRow> rowsNamed(ISql& sql, const Event& event, const std::string& id) {
  const std::string& instance = event.instance.value;
  const std::string chat = textAt(event.data, "/chat/jid"), lid = textAt(event.data, "/chat/lid");
  return sql.query(
      {"SELECT chat, status, outgoing, counted FROM messages_kept "
       "WHERE instance_id = :i AND id = :id AND (counted = -1 OR chat IN (:chat, :lid) "
       "OR chat IN (SELECT lid FROM messages_contacts "
       "WHERE instance_id = :of AND jid = :shown AND lid <> '') "
       "OR chat IN (SELECT jid FROM messages_contacts WHERE instance_id = :its AND lid = :hidden)) "
       "ORDER BY CASE WHEN chat = :best THEN 0 ELSE 1 END, chat LIMIT 1",
       {instance, kept(id), chat, lid.empty() ? chat : lid, instance, chat, instance, chat, chat}});
}

bool isCounted(const SqlRow& row) {
  const auto status = numberIn(row, "status");
  return numberIn(row, "counted") == static_cast<std::int64_t>(Told::byEvent) ||
         (status != kPendingStatus && status != kSentStatus);
}

}  // namespace

std::string statusWord(std::int64_t status) {
  const auto place = std::clamp<std::int64_t>(status + 1, 0, std::int64_t(kWords.size()) - 1);
  return kWords.at(static_cast<std::size_t>(place));
}

std::optional<std::int64_t> statusIn(const std::string& receipt) {
  static const std::map<std::string, std::int64_t> all{
      {"delivered", 2}, {"read", 4},        {"read_self", 4},
      {"played", 5},    {"played_self", 5}, {"server_error", kFailedStatus}};
  const auto it = all.find(receipt);
  return it == all.end() ? std::nullopt : std::optional(it->second);
}

bool moveStatus(ISql& sql, const Event& event, const std::string& id, std::int64_t status) {
  const auto rows = rowsNamed(sql, event, id);
  if (rows.empty()) return false;
  const SqlRow& row = rows.front();
  const auto now = numberIn(row, "status");
  if (!follows(status, now)) return true;
  std::vector<Statement> all{
      {"UPDATE messages_kept SET status = :s WHERE instance_id = :i AND id = :id AND chat = :chat",
       {status, event.instance.value, kept(id), textIn(row, "chat")}}};
  if (numberIn(row, "outgoing") != 0) {
    if (isCounted(row)) all.push_back(counting(event.instance, {statusCount(now)}, -1));
    all.push_back(counting(event.instance, {statusCount(status)}, 1));
  }
  sql.apply(all);
  return true;
}

std::vector<std::string> countsOf(const Json& exchange, std::optional<std::int64_t> pending,
                                  std::optional<std::int64_t> answered) {
  std::vector<std::string> all = countsFor(exchange);
  // Pending then, and not any more: it was answered between the two questions.
  const bool wasAnswered = answered == kPendingStatus;
  const bool isSent = pending ? *pending <= kSentStatus
                              : wasAnswered || answered.value_or(kSentStatus) == kSentStatus;
  if (!isSent) std::erase(all, statusCount(kSentStatus));
  return all;
}
