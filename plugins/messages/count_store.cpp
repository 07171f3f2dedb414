#include "count_store.hpp"

#include "exchange_store.hpp"
#include "row_store.hpp"

using namespace pombo;

Tally tallyOf(ISql& sql, const InstanceId& instance) {
  Tally all;
  for (const auto& row :
       sql.query({"SELECT what, n FROM messages_counts WHERE instance_id = :i", {instance.value}}))
    all.counts[textIn(row, "what")] = numberIn(row, "n");
  for (const auto& row : sql.query({"SELECT COUNT(*) AS n FROM messages_kept "
                                    "WHERE instance_id = :i AND counted = -1 AND status = 0",
                                    {instance.value}}))
    all.counts[statusCount(kPendingStatus)] = numberIn(row, "n");
  for (const auto& row :
       sql.query({"SELECT jid FROM messages_chats WHERE instance_id = :i", {instance.value}}))
    all.chats.push_back(textIn(row, "jid"));
  for (const auto& row :
       sql.query({"SELECT first_at, last_at FROM messages_spans WHERE instance_id = :i",
                  {instance.value}})) {
    all.first = textIn(row, "first_at");
    all.last = textIn(row, "last_at");
  }
  return all;
}

std::string statusCount(std::int64_t status) { return "status:" + std::to_string(status); }

Statement counting(const InstanceId& instance, const std::vector<std::string>& all,
                   std::int64_t by) {
  Statement adding{"INSERT INTO messages_counts (instance_id, what, n) VALUES ", {}};
  for (const auto& what : all) {
    const std::string number = std::to_string(adding.values.size());
    adding.sql += (adding.values.empty() ? "(:i" : ", (:i") + number + ", :w" + number + ", :n" +
                  number + ")";
    adding.values.insert(adding.values.end(), {instance.value, what, by});
  }
  adding.sql += " ON CONFLICT (instance_id, what) DO UPDATE SET n = messages_counts.n + excluded.n";
  return adding;
}

std::vector<Statement> meeting(const InstanceId& instance, const std::string& chat,
                               const std::string& at) {
  return {{"INSERT INTO messages_chats (instance_id, jid) VALUES (:i, :j) "
           "ON CONFLICT (instance_id, jid) DO NOTHING",
           {instance.value, chat}},
          {"INSERT INTO messages_spans (instance_id, first_at, last_at) VALUES (:i, :f, :l) "
           "ON CONFLICT (instance_id) DO UPDATE SET "
           "first_at = CASE WHEN excluded.first_at < messages_spans.first_at "
           "THEN excluded.first_at ELSE messages_spans.first_at END, "
           "last_at = CASE WHEN excluded.last_at > messages_spans.last_at "
           "THEN excluded.last_at ELSE messages_spans.last_at END",
           {instance.value, at, at}}};
}

Statement forgettingDays(const std::string& before) {
  return {"DELETE FROM messages_counts WHERE what LIKE 'day:%' AND what < :d", {"day:" + before}};
}
