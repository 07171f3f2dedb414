#include "message_store.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "contact_store.hpp"
#include "count_store.hpp"
#include "exchange_store.hpp"
#include "pending_store.hpp"
#include "row_store.hpp"
#include "schema_store.hpp"
#include "utc_text.hpp"
#include "vote_store.hpp"

using namespace pombo;

namespace {

constexpr int kMostOwners = 64;
// Writers wait for each other: one of them takes no more rows than this, and a sweep no more turns.
constexpr int kRowsAtOnce = 5000, kTurns = 10;
constexpr std::chrono::hours kSweepPause{1};
constexpr std::chrono::minutes kFailurePause{1};
constexpr std::chrono::days kCountedDays{31};  // one by one
constexpr std::array<const char*, 7> kWords{"error",    "pending", "sent",  "delivered",
                                            "received", "read",    "played"};

Json jsonIn(const SqlRow& row, const char* column) {
  const std::string text = textIn(row, column);
  return text.empty() ? Json() : boost::json::parse(text);
}

StoredMessage messageIn(const SqlRow& row) {
  return {.id = textIn(row, "id"),
          .chat = textIn(row, "chat"),
          .sender = textIn(row, "sender"),
          .type = textIn(row, "type"),
          .isOutgoing = numberIn(row, "outgoing") != 0,
          .content = textIn(row, "content"),
          .at = textIn(row, "at"),
          .status = numberIn(row, "status"),
          .mediaType = textIn(row, "media_type"),
          .mimeType = textIn(row, "mime_type"),
          .fileName = textIn(row, "file_name"),
          .reply = jsonIn(row, "reply"),
          .extra = jsonIn(row, "extra"),
          .isEdited = numberIn(row, "edited") != 0,
          .isDeleted = numberIn(row, "deleted") != 0};
}

// What a receipt says of the messages; nothing: that they stay as they are.
std::optional<std::int64_t> statusIn(const std::string& receipt) {
  static const std::map<std::string, std::int64_t> all{
      {"delivered", 2}, {"read", 4},        {"read_self", 4},
      {"played", 5},    {"played_self", 5}, {"server_error", kFailedStatus}};
  const auto it = all.find(receipt);
  return it == all.end() ? std::nullopt : std::optional(it->second);
}

LateMessages::Key keyOf(const Event& event, const std::string& id) {
  return {event.instance.value, id, textAt(event.data, "/chat/jid")};
}

// Never backwards; what was delivered did not fail.
bool follows(std::int64_t next, std::int64_t now) {
  return next == kFailedStatus ? now == kPendingStatus || now == kSentStatus : next > now;
}

}  // namespace

std::string statusWord(std::int64_t status) {
  const auto place = std::clamp<std::int64_t>(status + 1, 0, std::int64_t(kWords.size()) - 1);
  return kWords.at(static_cast<std::size_t>(place));
}

MessageStore::MessageStore(ISql& sql, const IClock& clock, Keeping keeping)
    : sql_(sql), clock_(clock), keeping_(keeping) {}

std::optional<StoredMessage> MessageStore::find(const InstanceId& instance, const std::string& id,
                                                const std::string& chat) const {
  const auto rows = sql_.query(
      {"SELECT " + std::string(kColumns) +
           " FROM messages_kept WHERE instance_id = :i AND id = :id "
           "ORDER BY CASE WHEN chat = :chat THEN 0 ELSE 1 END, outgoing DESC, at, chat LIMIT 1",
       {instance.value, kept(id), kept(chat)}});
  return rows.empty() ? std::nullopt : std::optional(messageIn(rows.front()));
}

std::string MessageStore::mediaKeyOf(const InstanceId& instance,
                                     const StoredMessage& message) const {
  const auto rows =
      sql_.query({"SELECT media_key FROM messages_kept "
                  "WHERE instance_id = :i AND id = :id AND chat = :chat",
                  {instance.value, message.id, message.chat}});
  return rows.empty() ? "" : textIn(rows.front(), "media_key");
}

std::vector<InstanceId> MessageStore::ownersOf(const std::string& id) const {
  std::vector<InstanceId> all;
  for (const auto& row :
       sql_.query({"SELECT DISTINCT instance_id FROM messages_kept WHERE id = :id LIMIT " +
                       std::to_string(kMostOwners),
                   {kept(id)}}))
    all.push_back({textIn(row, "instance_id")});
  return all;
}

std::vector<StoredMessage> MessageStore::history(const InstanceId& instance,
                                                 const std::string& chat,
                                                 const Stretch& stretch) const {
  std::vector<StoredMessage> all;
  for (const auto& row :
       sql_.query({"SELECT " + std::string(kColumns) +
                       " FROM messages_kept WHERE instance_id = :i AND chat = :chat "
                       "AND at >= :first AND at <= :last ORDER BY at DESC, id DESC LIMIT :most",
                   {instance.value, chat, stretch.from, stretch.to, stretch.most}}))
    all.push_back(messageIn(row));
  return all;
}

void MessageStore::keepSent(const InstanceId& instance, const std::string& id,
                            const Json& exchange) {
  const std::string chat = textAt(exchange, "/chat/jid");
  if (!chat.empty() && mayBeIgnored(chat)) return sql_.apply({pendingRemoval(instance, id)});
  const bool isTold = !textAt(exchange, "/id").empty() && !chat.empty() &&
                      valueAt(exchange, "/message", nullptr).is_object();
  if (!isTold)  // it was sent, whatever else: what was asked for is what is known
    return sql_.apply(
        {{"UPDATE messages_kept SET status = :s WHERE instance_id = :i AND id = :id "
          "AND counted = -1 AND status = 0",
          {kSentStatus, instance.value, id}}});
  sql_.apply(settling(instance, id, statusSoFar(sql_, instance, id),
                      insertion(instance, exchange, Told::byAnswer), chat));
}

void MessageStore::edit(const InstanceId& instance, const StoredMessage& message,
                        const std::string& content) {
  const std::int64_t now = microseconds(clock_.now());
  sql_.apply(
      {{"UPDATE messages_kept SET content = :c, "
        "edited = CASE WHEN edited >= :now THEN edited + 1 ELSE :at END "
        "WHERE instance_id = :i AND id = :id AND chat = :chat",
        {kept(content), now, now, instance.value, message.id, message.chat}}});
}

void MessageStore::remove(const InstanceId& instance, const StoredMessage& message) {
  sql_.apply(
      {{"UPDATE messages_kept SET deleted = 1 "
        "WHERE instance_id = :i AND id = :id AND chat = :chat",
        {instance.value, message.id, message.chat}}});
}

void MessageStore::removeChat(const InstanceId& instance, const std::string& chat, TimePoint at) {
  std::vector<Statement> all{
      {"INSERT INTO messages_cleared (instance_id, chat, at) VALUES (:i, :c, :t) "
       "ON CONFLICT (instance_id, chat) DO UPDATE SET at = excluded.at",
       {instance.value, chat, microseconds(at)}}};
  for (const char* table : {"messages_kept", "messages_votes"})
    all.push_back({std::string("DELETE FROM ") + table + " WHERE instance_id = :i AND chat = :chat",
                   {instance.value, chat}});
  sql_.apply(all);
}

void MessageStore::take(const Event& event) {
  if (event.type == "message.exchange") takeMessage(event);
  if (event.type == "message.status") takeStatus(event);
}

void MessageStore::requireKept(const Event& event, const std::string& id) {
  if (late_.contains(keyOf(event, id), clock_.now()))
    throw Error(Code::unavailable, "The message that this changes is not kept yet");
}

void MessageStore::takeMessage(const Event& event) {
  const std::string type = textAt(event.data, "/message/type");
  if (type == "message_edit") {
    requireKept(event, textAt(event.data, "/message/edit/original_id"));
    return sql_.apply({editOf(event)});
  }
  if (type == "message_revoke") {
    requireKept(event, textAt(event.data, "/message/revoke/original_id"));
    return sql_.apply({revocationOf(event)});
  }
  const auto key = keyOf(event, textAt(event.data, "/id"));
  try {
    keepReceived(event);
  } catch (const std::exception&) {
    late_.add(key, clock_.now());
    throw;
  }
  late_.remove(key);
}

void MessageStore::keepReceived(const Event& event) {
  const std::string chat = textAt(event.data, "/chat/jid");
  const auto known =
      sql_.query({"SELECT (SELECT counted FROM messages_kept "
                  "WHERE instance_id = :i AND id = :id AND chat = :chat) AS counted, "
                  "(SELECT at FROM messages_cleared WHERE instance_id = :of AND chat = :its "
                  "AND at <= :now) AS cleared",
                  {event.instance.value, textAt(event.data, "/id"), chat, event.instance.value,
                   chat, microseconds(clock_.now())}});
  if (!known.empty() && (numberIn(known.front(), "counted") == 1 ||
                         numberIn(known.front(), "cleared") >= microseconds(event.at)))
    return;
  const std::string id = textAt(event.data, "/id");
  const bool isOwn = textAt(event.data, "/direction") == "outgoing";
  std::vector<Statement> all =
      settling(event.instance, id, isOwn ? statusSoFar(sql_, event.instance, id) : std::nullopt,
               insertion(event.instance, event.data, Told::byEvent, event.mediaKey), chat);
  all.push_back(counting(event.instance, countsFor(event.data), 1));
  for (auto& each : meeting(event.instance, chat, textAt(event.data, "/timestamp")))
    all.push_back(std::move(each));
  for (auto& each : peopleIn(event)) all.push_back(std::move(each));
  if (textAt(event.data, "/message/type") == "poll_update") all.push_back(voting(event));
  sql_.apply(all);
}

void MessageStore::takeStatus(const Event& event) {
  const auto status = statusIn(textAt(event.data, "/status"));
  if (!status) return;
  for (const auto& id : event.data.at("messageIds").as_array())
    moveStatus(event, std::string(id.as_string()), *status);
}

void MessageStore::moveStatus(const Event& event, const std::string& id, std::int64_t status) {
  // A chat may be told by another name than that under which a message to it was asked for.
  const std::string chat = textAt(event.data, "/chat/jid");
  const auto rows =
      sql_.query({"SELECT chat, status, outgoing, counted FROM messages_kept "
                  "WHERE instance_id = :i AND id = :id AND (chat = :chat OR counted = -1) "
                  "ORDER BY CASE WHEN chat = :best THEN 0 ELSE 1 END LIMIT 1",
                  {event.instance.value, kept(id), chat, chat}});
  if (rows.empty()) return requireKept(event, kept(id));
  const auto now = numberIn(rows.front(), "status");
  if (!follows(status, now)) return;
  std::vector<Statement> all{
      {"UPDATE messages_kept SET status = :s WHERE instance_id = :i AND id = :id AND chat = :chat",
       {status, event.instance.value, kept(id), textIn(rows.front(), "chat")}}};
  if (numberIn(rows.front(), "outgoing") != 0) {
    // What is pending is counted when it is asked for; and its event counts it as sent.
    if (now != kPendingStatus)
      all.push_back(counting(event.instance, {"status:" + std::to_string(now)}, -1));
    if (now < kSentStatus && status > kSentStatus && numberIn(rows.front(), "counted") == -1)
      all.push_back(counting(event.instance, {"status:" + std::to_string(kSentStatus)}, -1));
    all.push_back(counting(event.instance, {"status:" + std::to_string(status)}, 1));
  }
  sql_.apply(all);
}

void MessageStore::forget(const InstanceId& instance) {
  std::vector<Statement> all;
  for (const char* table : kTableNames)
    all.push_back(
        {std::string("DELETE FROM ") + table + " WHERE instance_id = :i", {instance.value}});
  sql_.apply(all);
}

std::vector<InstanceId> MessageStore::owners() const {
  std::vector<InstanceId> all;
  std::string tables;  // messages have been counted: theirs is the one that is large
  for (const char* table : kTableNames)
    if (std::string_view(table) != "messages_kept")
      tables += std::string(tables.empty() ? "" : " UNION ") + "SELECT instance_id FROM " + table;
  for (const auto& row : sql_.query({tables, {}})) all.push_back({textIn(row, "instance_id")});
  return all;
}

// By the time that a slice ends with: what databases lack is a DELETE with a limit.
bool MessageStore::sweepSome(const std::string& table, const std::string& change,
                             const std::string& which, const std::string& before) {
  const auto last =
      sql_.query({"SELECT at FROM " + table + " WHERE at < :t" + which +
                      " ORDER BY at LIMIT 1 OFFSET " + std::to_string(kRowsAtOnce - 1),
                  {before}});
  const bool isLast = last.empty();
  sql_.apply({{change + (isLast ? " WHERE at < :t" : " WHERE at <= :t") + which,
               {isLast ? before : textIn(last.front(), "at")}}});
  return isLast;
}

bool MessageStore::sweep() {
  const TimePoint now = clock_.now();
  const auto at = [](TimePoint time) { return time.time_since_epoch().count(); };
  auto due = nextSweep_.load();
  if (at(now) < due || !nextSweep_.compare_exchange_strong(due, at(now + kSweepPause)))
    return false;
  try {
    const std::string old = utcText(now - keeping_.messages);
    std::vector<std::function<bool()>> left{
        [&] { return sweepSome("messages_kept", "DELETE FROM messages_kept", "", old); },
        [&] { return sweepSome("messages_votes", "DELETE FROM messages_votes", "", old); },
        [&] {
          return sweepSome("messages_kept", "UPDATE messages_kept SET media_key = ''",
                           " AND media_key <> ''", utcText(now - keeping_.media));
        }};
    for (int turn = 0; turn < kTurns && !left.empty(); ++turn)
      std::erase_if(left, [](const auto& sweepMore) { return sweepMore(); });
    if (!left.empty()) {
      nextSweep_ = at(now);
      return false;
    }
    sql_.apply({forgettingDays(utcText(now - kCountedDays).substr(0, 10))});
    return true;
  } catch (const std::exception&) {
    nextSweep_ = at(now + kFailurePause);
    throw;
  }
}
