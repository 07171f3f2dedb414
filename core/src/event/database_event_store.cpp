#include "event/database_event_store.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "event/delivery_writer.hpp"
#include "event/kill_point.hpp"
#include "pombo/error.hpp"

namespace pombo {
namespace {

constexpr auto kDepth = 1024;                 // of JSON that we have written ourselves
constexpr std::int64_t kIdsPerMillis = 1000;  // more than can be given: ids of two runs never meet

Millis wallOf(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::string textOf(const Json& json, const char* name) {
  const auto* const member = json.is_object() ? json.get_object().if_contains(name) : nullptr;
  return member && member->is_string() ? std::string(member->get_string()) : "";
}

// Of what makes a message the same: nothing for what is none.
std::optional<std::pair<std::string, std::string>> messageIn(const Event& event) {
  if (event.type != kWireEvents[0]) return std::nullopt;
  auto id = textOf(event.data, "id");
  if (id.empty()) return std::nullopt;
  const auto* const message = event.data.get_object().if_contains("message");
  return std::pair{std::move(id), message ? textOf(*message, "type") : ""};
}

void requireTexts(const Event& event, const std::string& data) {
  for (const auto* each :
       {&event.id, &event.type, &event.instance.value, &event.chat, &data, &event.mediaKey})
    if (!isText(*each)) throw Error(Code::invalid, "An event must be UTF-8 without NUL");
}

// The id of the first, when the message was seen before.
std::optional<std::string> seenAs(Session& session, const Event& event, bool isInner, Millis now) {
  auto message = messageIn(event);
  if (!message) return std::nullopt;
  if (isInner) message->second += " inner";
  const Values key{event.instance.value, event.chat, message->first, message->second};
  Values row = key;
  row.insert(row.end(), {now, event.id});
  if (session.run("INSERT INTO event_seen (instance_id, chat, message, kind, at, event) "
                  "VALUES (:instance, :chat, :message, :kind, :at, :event) ON CONFLICT DO NOTHING",
                  row) > 0)
    return std::nullopt;
  return session
      .rows(
          "SELECT event FROM event_seen WHERE instance_id = :instance AND chat = :chat "
          "AND message = :message AND kind = :kind",
          "t", key)
      .at(0)
      .text(0);
}

void insert(Session& session, const Event& event, const std::string& data, std::int64_t seq) {
  session.run(
      "INSERT INTO event (seq, id, instance_id, type, chat, at, data, media_key, routed) "
      "VALUES (:seq, :id, :instance, :type, :chat, :at, :data, :media, 0)",
      {seq, event.id, event.instance.value, event.type, event.chat, wallOf(event.at), data,
       event.mediaKey});
}

std::int64_t newest(Session& session, const char* column, const char* table) {
  return session.rows(std::string("SELECT COALESCE(MAX(") + column + "), 0) FROM " + table, "n")
      .front()
      .number(0);
}

// Inside a transaction: what has been named since is nobody's either.
void disown(Session& session, const std::string& instance) {
  session.run(
      "INSERT INTO event_erased (instance_id, queue) SELECT instance_id, id FROM delivery_queue "
      "WHERE instance_id = :instance ON CONFLICT DO NOTHING",
      {instance});
  session.run("DELETE FROM delivery_queue WHERE instance_id = :instance", {instance});
}

// How many rows of each kind went, of that which had the most. In the order of an index, so that
// PostgreSQL does not collect all that there are first.
std::size_t removeEvents(Session& session, const std::string& instance, std::int64_t most) {
  const auto events = session.run(
      "DELETE FROM event WHERE seq IN "
      "(SELECT seq FROM event WHERE instance_id = :instance ORDER BY seq LIMIT :most)",
      {instance, most});
  const auto seen = session.run(
      "DELETE FROM event_seen WHERE (instance_id, chat, message, kind) IN (SELECT instance_id, "
      "chat, message, kind FROM event_seen WHERE instance_id = :instance "
      "ORDER BY chat, message, kind LIMIT :most)",
      {instance, most});
  return static_cast<std::size_t>(std::max(events, seen));
}

std::size_t removeDeliveries(Session& session, std::int64_t queue, std::int64_t most) {
  return static_cast<std::size_t>(
      session.run("DELETE FROM delivery WHERE id IN "
                  "(SELECT id FROM delivery WHERE queue = :queue ORDER BY status, id LIMIT :most)",
                  {queue, most}));
}

PendingDelivery pendingOf(const Row& row) {
  return {.id = row.number(0),
          .place = row.number(1),
          .event = row.number(2),
          .bytes = row.number(3),
          .attempts = static_cast<int>(row.number(4)),
          .dueAt = row.number(5)};
}

constexpr auto kPending =
    "SELECT id, place, event, bytes, attempts, next_at FROM delivery "
    "WHERE queue = :queue AND status = 0 AND ";

using Pending = std::vector<PendingDelivery>;

Pending pendingIn(Session& session, const std::string& order, const Load& load) {
  Pending found;
  for (const auto& row : session.rows(kPending + order + " LIMIT :most", "nnnnnn",
                                      {load.queue, static_cast<std::int64_t>(load.limit)}))
    found.push_back(pendingOf(row));
  return found;
}

// Each half has an index that knows which rows they are.
Pending oldestIn(Session& session, const Load& load) {
  const auto retries = pendingIn(session, "attempts > 0 ORDER BY place, id", load);
  const auto firsts = pendingIn(session, "attempts = 0 ORDER BY place, id", load);
  Pending all;
  std::merge(retries.begin(), retries.end(), firsts.begin(), firsts.end(), std::back_inserter(all),
             [](const auto& a, const auto& b) { return a.place < b.place; });
  if (all.size() > load.limit) all.resize(load.limit);
  return all;
}

std::size_t pruneSeen(Session& session, Millis before, std::size_t most) {
  return static_cast<std::size_t>(session.run(
      "DELETE FROM event_seen WHERE (instance_id, chat, message, kind) IN (SELECT instance_id, "
      "chat, message, kind FROM event_seen WHERE at < :before ORDER BY at LIMIT :most)",
      {before, static_cast<std::int64_t>(most)}));
}

// With the events that nobody has a delivery of any more.
std::size_t pruneSettled(Session& session, DeliveryStatus status, Millis before, std::size_t most) {
  const auto rows = session.rows(
      "SELECT id, event, queue FROM delivery WHERE status = :status AND status <> 0 "
      "AND settled_at < :before ORDER BY settled_at LIMIT :most",
      "nnn", {static_cast<std::int64_t>(status), before, static_cast<std::int64_t>(most)});
  std::map<std::int64_t, std::int64_t> dead;  // by queue
  for (const auto& row : rows) {
    if (status == DeliveryStatus::dead) ++dead[row.number(2)];
    session.run("DELETE FROM delivery WHERE id = :id", {row.number(0)});
    session.run(
        "DELETE FROM event WHERE seq = :seq AND routed <> 0 "
        "AND NOT EXISTS (SELECT 1 FROM delivery WHERE event = :event)",
        {row.number(1), row.number(1)});
  }
  for (const auto& [queue, count] : dead)
    session.run("UPDATE delivery_queue SET dead = dead - :count WHERE id = :id", {count, queue});
  return rows.size();
}

}  // namespace

bool isFinite(const Json& value) {
  if (const auto* const number = value.if_double()) return std::isfinite(*number);
  if (const auto* const object = value.if_object())
    return std::all_of(object->begin(), object->end(),
                       [](const auto& member) { return isFinite(member.value()); });
  const auto* const array = value.if_array();
  return !array || std::all_of(array->begin(), array->end(), isFinite);
}

Acceptance DatabaseEventStore::accept(const std::vector<Event>& events, Millis now) {
  std::vector<std::string> texts;
  for (const auto& event : events) {
    texts.push_back(boost::json::serialize(event.data));
    requireTexts(event, texts.back());
  }
  Acceptance made;
  database_.commit([&](Session& session) {
    made = {};
    std::vector<Event> fresh;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const Event& event = events[i];
      const auto seen = seenAs(session, event, isInner_ && isInner_(event), now);
      made.ids.push_back(seen.value_or(event.id));
      if (seen) continue;
      made.accepted.push_back(
          {++lastSeq_, event.instance, event.chat, static_cast<std::int64_t>(texts[i].size())});
      insert(session, event, texts[i], made.accepted.back().seq);
      if (alongside_) fresh.push_back(event);
    }
    if (!fresh.empty()) alongside_(session, fresh);
    killPoint("accept.before_commit");
  });
  killPoint("accept.after_commit");
  return made;
}

NoEffect DatabaseEventStore::write(const Write& write) {
  NoEffect refused;
  database_.commit([&](Session& session) {
    refused = DeliveryWriter(session).write(write);
    killPoint("write.before_commit");
  });
  killPoint("write.after_commit");
  return refused;
}

std::vector<PendingDelivery> DatabaseEventStore::load(const Load& load) {
  return database_.read([&](Session& session) {
    switch (load.what) {
      case Load::What::firsts:
        return pendingIn(session, "attempts = 0 ORDER BY place, id", load);
      case Load::What::retries:
        return pendingIn(session, "attempts > 0 ORDER BY next_at, id", load);
      default:
        return oldestIn(session, load);
    }
  });
}

std::vector<AcceptedEvent> DatabaseEventStore::unrouted(std::size_t limit) {
  return database_.read([&](Session& session) {
    std::vector<AcceptedEvent> found;
    for (const auto& row :
         session.rows("SELECT seq, instance_id, chat, LENGTH(data) FROM event WHERE routed = 0 "
                      "AND NOT EXISTS (SELECT 1 FROM event_erased e "
                      "WHERE e.instance_id = event.instance_id) "
                      "ORDER BY seq LIMIT :most",
                      "nttn", {static_cast<std::int64_t>(limit)}))
      found.push_back({row.number(0), {row.text(1)}, row.text(2), row.number(3)});
    return found;
  });
}

StoredQueues DatabaseEventStore::restore(Millis now) {
  return database_.read([&](Session& session) {
    StoredQueues standing;
    const std::int64_t floor = now * kIdsPerMillis;
    standing.lastPlace = floor;
    for (const auto& row : session.rows(
             "SELECT id, instance_id, block, destination, pending, bytes, failures, buried, "
             "burial, newest FROM delivery_queue "
             "WHERE NOT EXISTS (SELECT 1 FROM event_erased e "
             "WHERE e.instance_id = delivery_queue.instance_id) ORDER BY id",
             "ntttnnnntn")) {
      standing.queues.push_back({{row.number(0), {{row.text(1)}, row.text(2), row.text(3)}},
                                 row.number(4),
                                 row.number(5),
                                 static_cast<int>(row.number(6)),
                                 row.number(7),
                                 row.text(8)});
      standing.lastPlace = std::max({standing.lastPlace, row.number(7), row.number(9)});
    }
    standing.lastQueue =
        std::max(newest(session, "id", "delivery_queue"), newest(session, "queue", "event_erased"));
    standing.lastDelivery = std::max(floor, newest(session, "id", "delivery"));
    lastSeq_ = std::max(floor, newest(session, "seq", "event"));
    return standing;
  });
}

std::optional<Event> DatabaseEventStore::find(std::int64_t seq) {
  return database_.read([&](Session& session) -> std::optional<Event> {
    const auto rows = session.rows(
        "SELECT id, instance_id, type, chat, at, data, media_key FROM event WHERE seq = :seq",
        "ttttntt", {seq});
    if (rows.empty()) return std::nullopt;
    const Row& row = rows.front();
    boost::json::parse_options options;
    options.max_depth = kDepth;
    return Event{.id = row.text(0),
                 .type = row.text(2),
                 .instance = {row.text(1)},
                 .at = TimePoint(std::chrono::milliseconds(row.number(4))),
                 .chat = row.text(3),
                 .data = boost::json::parse(row.text(5), {}, options),
                 .mediaKey = row.text(6)};
  });
}

std::optional<TimeAnchor> DatabaseEventStore::anchor() {
  return database_.read([](Session& session) -> std::optional<TimeAnchor> {
    const auto rows = session.rows("SELECT time, since_boot, boot FROM event_clock", "nnt");
    if (rows.empty()) return std::nullopt;
    return TimeAnchor{rows[0].number(0), rows[0].number(1), rows[0].text(2)};
  });
}

void DatabaseEventStore::keep(const TimeAnchor& anchor) {
  database_.commit([&](Session& session) {
    session.run(
        "INSERT INTO event_clock (one, time, since_boot, boot) VALUES (1, :time, :since, :boot) "
        "ON CONFLICT (one) DO UPDATE SET time = excluded.time, since_boot = excluded.since_boot, "
        "boot = excluded.boot",
        {anchor.time, anchor.sinceBoot, anchor.boot});
  });
}

std::size_t DatabaseEventStore::prune(const Retention& retention, Millis now, std::size_t most) {
  std::size_t pruned = 0;
  database_.commit([&](Session& session) {
    pruned =
        std::max({pruneSeen(session, now - retention.seen, most),
                  pruneSettled(session, DeliveryStatus::delivered, now - retention.delivered, most),
                  pruneSettled(session, DeliveryStatus::dead, now - retention.dead, most)});
  });
  return pruned;
}

// Queue 0 comes first: without its events, no delivery of the instance is made any more.
bool DatabaseEventStore::sweep(std::size_t most) {
  constexpr auto kNext =
      "SELECT instance_id, queue FROM event_erased ORDER BY instance_id, queue LIMIT 1";
  const auto next = database_.read([&](Session& session) { return session.rows(kNext, "tn"); });
  if (next.empty()) return false;
  const std::string instance = next.front().text(0);
  const std::int64_t queue = next.front().number(1), limit = static_cast<std::int64_t>(most);
  database_.commit([&](Session& session) {
    const auto gone = queue == 0 ? removeEvents(session, instance, limit)
                                 : removeDeliveries(session, queue, limit);
    if (gone >= most) return;
    if (queue == 0) disown(session, instance);
    session.run("DELETE FROM event_erased WHERE instance_id = :instance AND queue = :queue",
                {instance, queue});
  });
  return true;
}

void DatabaseEventStore::erase(Session& session, const InstanceId& instance) {
  session.run(
      "INSERT INTO event_erased (instance_id, queue) VALUES (:instance, 0) ON CONFLICT DO NOTHING",
      {instance.value});
  disown(session, instance.value);
}

}  // namespace pombo
