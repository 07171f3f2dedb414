#include "message_store.hpp"

#include <algorithm>
#include <functional>

#include "contact_store.hpp"
#include "count_store.hpp"
#include "exchange_store.hpp"
#include "pending_store.hpp"
#include "row_store.hpp"
#include "schema_store.hpp"
#include "status_store.hpp"
#include "utc_text.hpp"
#include "vote_store.hpp"

using namespace pombo;

namespace {

constexpr auto kUnavailable = "unavailable";  // a type
constexpr int kMostOwners = 64;
// Writers wait for each other: one of them takes no more rows than this, and a sweep no more turns.
constexpr int kRowsAtOnce = 5000, kTurns = 10;
constexpr std::chrono::hours kSweepPause{1};
constexpr std::chrono::minutes kFailurePause{1};
constexpr std::chrono::days kCountedDays{31};  // one by one

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

// Nothing where it is null: there is no such message, or its chat was never deleted.
std::optional<std::int64_t> numberIfAny(const std::vector<SqlRow>& rows, const char* column) {
  if (rows.empty()) return std::nullopt;
  const auto* number = std::get_if<std::int64_t>(&rows.front().at(column));
  return number ? std::optional(*number) : std::nullopt;
}

// One for each name that its chat is told by: a number, or hidden. The next event of it may have
// the other alone.
std::vector<LateMessages::Key> keysOf(const Event& event, const std::string& id) {
  const std::string& instance = event.instance.value;
  std::vector<LateMessages::Key> all{{instance, id, textAt(event.data, "/chat/jid")}};
  if (auto lid = textAt(event.data, "/chat/lid"); !lid.empty())
    all.emplace_back(instance, id, std::move(lid));
  return all;
}

Error notKeptYet() {
  return Error(Code::unavailable, "The message that this changes is not kept yet");
}

std::vector<Statement> emptying(const InstanceId& instance, const std::string& chat, TimePoint at,
                                const std::optional<std::string>& until) {
  std::vector<Statement> all{
      {"INSERT INTO messages_cleared (instance_id, chat, at) VALUES (:i, :c, :t) "
       "ON CONFLICT (instance_id, chat) DO UPDATE SET at = "
       "CASE WHEN messages_cleared.at > excluded.at THEN messages_cleared.at ELSE excluded.at END",
       {instance.value, chat, microseconds(at)}}};
  for (const char* table : {"messages_kept", "messages_votes"}) {
    Statement one{std::string("DELETE FROM ") + table + " WHERE instance_id = :i AND chat = :chat",
                  {instance.value, chat}};
    if (until) {
      one.sql += " AND at <= :until";
      one.values.emplace_back(*until);
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

bool changesAMessage(const Event& event) {
  if (event.type == "chat.update") return !textAt(event.data, "/messageId").empty();
  const std::string type = textAt(event.data, "/message/type");
  return event.type == "message.exchange" && (type == "message_edit" || type == "message_revoke");
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

// Of what was said until then, or whenever; `at`: what is told later of before is gone too.
void MessageStore::empty(const InstanceId& instance, const std::string& chat, TimePoint at,
                         const std::optional<std::string>& until) {
  std::vector<Statement> all;
  for (const auto& name : namesOf(sql_, instance, chat))
    for (auto& each : emptying(instance, name, at, until)) all.push_back(std::move(each));
  sql_.apply(all);
}

void MessageStore::removeChat(const InstanceId& instance, const std::string& chat, TimePoint at) {
  empty(instance, chat, at, std::nullopt);
}

// Of a chat only what was said until then: the phone may have been heard of late, or once more.
void MessageStore::takeDeletion(const Event& event) {
  const std::string chat = textAt(event.data, "/chat"), id = textAt(event.data, "/messageId");
  if (!id.empty()) {
    const auto names = namesOf(sql_, event.instance, chat);
    for (const auto& name : names)
      if (late_.contains({event.instance.value, id, name}, clock_.now())) throw notKeptYet();
    const auto message = find(event.instance, id, chat);
    const bool isIts =
        message && std::find(names.begin(), names.end(), message->chat) != names.end();
    return isIts ? remove(event.instance, *message) : void();
  }
  // What is said to be in the future would hide what was deleted since.
  if (const auto until = timeIn(textAt(event.data, "/deletedUntil")))
    empty(event.instance, chat, std::min<TimePoint>(*until, clock_.now()), utcText(*until));
}

void MessageStore::take(const Event& event) {
  if (event.type == "message.exchange") takeMessage(event);
  if (event.type == "message.status") takeStatus(event);
}

void MessageStore::requireKept(const Event& event, const std::string& id) {
  for (const auto& key : keysOf(event, id))
    if (late_.contains(key, clock_.now())) throw notKeptYet();
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
  const auto keys = keysOf(event, textAt(event.data, "/id"));
  try {
    keepReceived(event);
  } catch (const std::exception&) {
    for (const auto& key : keys) late_.add(key, clock_.now());
    throw;
  }
  for (const auto& key : keys) late_.remove(key);
}

// Of a history that is older than anything kept nobody knows whether it was counted before; and
// what was said before its chat was deleted may be told of at any time.
bool MessageStore::isGone(const Event& event, std::optional<std::int64_t> cleared) const {
  const auto isCleared = [&](TimePoint at) { return cleared && *cleared >= microseconds(at); };
  if (!event.data.as_object().contains("isHistory")) return isCleared(event.at);
  const auto said = timeIn(textAt(event.data, "/timestamp"));
  return said && (isCleared(*said) || *said < clock_.now() - keeping_.messages);
}

void MessageStore::keepReceived(const Event& event) {
  const std::string id = textAt(event.data, "/id"), chat = textAt(event.data, "/chat/jid");
  const auto known = sql_.query(
      {"SELECT m.counted AS counted, m.status AS status, m.type AS type, m.sender AS sender, "
       "c.at AS cleared FROM (SELECT 1 AS n) AS one "
       "LEFT JOIN messages_kept AS m ON m.instance_id = :i AND m.id = :id AND m.chat = :chat "
       "LEFT JOIN messages_cleared AS c ON c.instance_id = :of AND c.chat = :its AND c.at <= :now",
       {event.instance.value, id, chat, event.instance.value, chat, microseconds(clock_.now())}});
  if (isGone(event, numberIfAny(known, "cleared"))) return;
  if (numberIfAny(known, "counted") == 1) {
    const bool isIts = textIn(known.front(), "sender") == textAt(event.data, "/sender/jid");
    return isIts && textIn(known.front(), "type") == kUnavailable ? reveal(event) : void();
  }
  const bool isOwn = textAt(event.data, "/direction") == "outgoing";
  const auto pending = isOwn ? statusSoFar(sql_, event.instance, id) : std::nullopt;
  const auto answered = isOwn ? numberIfAny(known, "status") : std::nullopt;
  std::vector<Statement> all =
      settling(event.instance, id, pending,
               insertion(event.instance, event.data, Told::byEvent, event.mediaKey), chat);
  all.push_back(counting(event.instance, countsOf(event.data, pending, answered), 1));
  for (auto& each : meeting(event.instance, chat, textAt(event.data, "/timestamp")))
    all.push_back(std::move(each));
  for (auto& each : peopleIn(event)) all.push_back(std::move(each));
  if (textAt(event.data, "/message/type") == "poll_update") all.push_back(voting(event));
  sql_.apply(all);
}

// Nobody could read it yet when it was told of, and counted.
void MessageStore::reveal(const Event& event) {
  if (textAt(event.data, "/message/type") == kUnavailable) return;
  std::vector<Statement> all{revelation(event),
                             counting(event.instance, {std::string("type:") + kUnavailable}, -1),
                             counting(event.instance, countsOfContent(event.data), 1)};
  for (auto& each : peopleIn(event)) all.push_back(std::move(each));
  if (textAt(event.data, "/message/type") == "poll_update") all.push_back(voting(event));
  sql_.apply(all);
}

void MessageStore::takeStatus(const Event& event) {
  const auto status = statusIn(textAt(event.data, "/status"));
  if (!status) return;
  for (const auto& each : event.data.at("messageIds").as_array()) {
    const std::string id(each.as_string());
    if (!moveStatus(sql_, event, id, *status)) requireKept(event, kept(id));
  }
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
