#include "pending_store.hpp"

#include "count_store.hpp"
#include "exchange_store.hpp"
#include "row_store.hpp"
#include "utc_text.hpp"

using namespace pombo;

namespace {

// A connector sends no message that is older than half of this.
constexpr std::chrono::minutes kLongest{30};
constexpr int kMostAtOnce = 1000;

}  // namespace

void PendingStore::keep(const InstanceId& instance, const Json& exchange) {
  sql_.apply({insertion(instance, exchange, Told::byAsking)});
}

void PendingStore::fail(const InstanceId& instance, const std::string& id) {
  const std::string which = " WHERE instance_id = :i AND id = :id AND counted = -1 AND status = 0";
  if (sql_.query({"SELECT id FROM messages_kept" + which, {instance.value, id}}).empty()) return;
  sql_.apply({{"UPDATE messages_kept SET status = -1" + which, {instance.value, id}},
              counting(instance, {statusCount(kFailedStatus)}, 1)});
}

// In the order of their index: by time alone, a database may look through all that is kept.
std::vector<PendingMessage> PendingStore::overdue() const {
  const TimePoint before = clock_.now() - kLongest;
  if (before < started_) return {};
  std::vector<PendingMessage> all;
  for (const auto& row :
       sql_.query({"SELECT instance_id, id, chat FROM messages_kept WHERE counted = -1 "
                   "AND status = 0 AND at < :t ORDER BY instance_id, at LIMIT " +
                       std::to_string(kMostAtOnce),
                   {utcText(before)}}))
    all.push_back({{textIn(row, "instance_id")}, textIn(row, "id"), textIn(row, "chat")});
  return all;
}

void PendingStore::drop(const PendingMessage& message) {
  sql_.apply({pendingRemoval(message.instance, message.id)});
}

std::optional<std::int64_t> statusSoFar(ISql& sql, const InstanceId& instance,
                                        const std::string& id) {
  const auto rows =
      sql.query({"SELECT status FROM messages_kept "
                 "WHERE instance_id = :i AND id = :id AND counted = -1",
                 {instance.value, kept(id)}});
  return rows.empty() ? std::nullopt : std::optional(numberIn(rows.front(), "status"));
}

std::vector<Statement> settling(const InstanceId& instance, const std::string& id,
                                std::optional<std::int64_t> soFar, Statement insertion,
                                const std::string& chat) {
  if (!soFar) return {std::move(insertion)};
  std::vector<Statement> all{pendingRemoval(instance, id)};
  // It was given up, and has arrived after all.
  if (*soFar == kFailedStatus) all.push_back(counting(instance, {statusCount(kFailedStatus)}, -1));
  all.push_back(std::move(insertion));
  if (*soFar > kSentStatus)
    all.push_back(
        {"UPDATE messages_kept SET status = :s "
         "WHERE instance_id = :i AND id = :id AND chat = :chat AND status < :than",
         {*soFar, instance.value, kept(id), kept(chat), *soFar}});
  return all;
}
