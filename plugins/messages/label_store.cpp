#include "label_store.hpp"

#include <algorithm>
#include <charconv>

#include "exchange_store.hpp"
#include "row_store.hpp"
#include "utc_text.hpp"

using namespace pombo;

namespace {

Label labelIn(const SqlRow& row) {
  return {textIn(row, "id"), textIn(row, "name"), numberIn(row, "color")};
}

// `at`: of the change, in microseconds since 1970.
Statement saving(const InstanceId& instance, const Label& label, std::int64_t at) {
  return {
      "INSERT INTO messages_labels (instance_id, id, name, color, deleted, changed) "
      "VALUES (:i, :l, :n, :c, 0, :t) ON CONFLICT (instance_id, id) DO UPDATE SET "
      "name = excluded.name, color = excluded.color, deleted = 0, changed = excluded.changed "
      "WHERE excluded.changed >= messages_labels.changed",
      {instance.value, label.id, label.name, label.color, at}};
}

std::vector<Statement> removing(const InstanceId& instance, const std::string& id,
                                std::int64_t at) {
  return {{"UPDATE messages_labels SET deleted = 1, changed = :t "
           "WHERE instance_id = :i AND id = :l AND changed <= :now",
           {at, instance.value, id, at}},
          {"UPDATE messages_labelled SET labeled = 0, changed = :t "
           "WHERE instance_id = :i AND label = :l AND changed <= :now",
           {at, instance.value, id, at}}};
}

Statement assigning(const InstanceId& instance, const std::string& id, const std::string& chat,
                    bool on, std::int64_t at) {
  return {
      "INSERT INTO messages_labelled (instance_id, label, chat, labeled, changed) "
      "VALUES (:i, :l, :c, :on, :t) ON CONFLICT (instance_id, label, chat) DO UPDATE SET "
      "labeled = excluded.labeled, changed = excluded.changed "
      "WHERE excluded.changed >= messages_labelled.changed",
      {instance.value, id, chat, std::int64_t{on}, at}};
}

}  // namespace

std::vector<Label> LabelStore::list(const InstanceId& instance) const {
  std::vector<Label> all;
  for (const auto& row :
       sql_.query({"SELECT id, name, color FROM messages_labels "
                   "WHERE instance_id = :i AND deleted = 0 ORDER BY length(id), id",
                   {instance.value}}))
    all.push_back(labelIn(row));
  return all;
}

std::optional<Label> LabelStore::find(const InstanceId& instance, const std::string& id) const {
  const auto rows =
      sql_.query({"SELECT id, name, color FROM messages_labels "
                  "WHERE instance_id = :i AND id = :l AND deleted = 0",
                  {instance.value, kept(id)}});
  return rows.empty() ? std::nullopt : std::optional(labelIn(rows.front()));
}

std::vector<LabelledChat> LabelStore::chatsOf(const InstanceId& instance) const {
  std::vector<LabelledChat> all;
  for (const auto& row :
       sql_.query({"SELECT c.chat AS chat, l.id AS id, l.name AS name, l.color AS color "
                   "FROM messages_labelled c JOIN messages_labels l "
                   "ON l.instance_id = c.instance_id AND l.id = c.label "
                   "WHERE c.instance_id = :i AND c.labeled = 1 AND l.deleted = 0 "
                   "ORDER BY c.chat, length(l.id), l.id",
                   {instance.value}}))
    all.push_back({textIn(row, "chat"), labelIn(row)});
  return all;
}

std::string LabelStore::nextId(const InstanceId& instance) const {
  std::int64_t last = 0;
  for (const auto& row :
       sql_.query({"SELECT id FROM messages_labels WHERE instance_id = :i", {instance.value}})) {
    const std::string id = textIn(row, "id");
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (error == std::errc() && end == id.data() + id.size() && number < INT32_MAX)
      last = std::max(last, number);
  }
  return std::to_string(last + 1);
}

Label LabelStore::create(const InstanceId& instance, const std::string& name, std::int64_t color) {
  Label label{.name = kept(name), .color = color};
  const std::lock_guard lock(mutex_);
  for (const auto& each : list(instance))
    if (each.name == label.name) throw Error(Code::conflict, "Tag already exists");
  label.id = nextId(instance);
  sql_.apply({saving(instance, label, microseconds(clock_.now()))});
  return label;
}

std::int64_t LabelStore::timeOfChange(const InstanceId& instance, const std::string& id) const {
  const auto rows =
      sql_.query({"SELECT (SELECT MAX(changed) FROM messages_labels "
                  "WHERE instance_id = :i AND id = :l) AS label, "
                  "(SELECT MAX(changed) FROM messages_labelled "
                  "WHERE instance_id = :of AND label = :its) AS chats",
                  {instance.value, id, instance.value, id}});
  const std::int64_t now = microseconds(clock_.now());
  if (rows.empty()) return now;
  return std::max({now, numberIn(rows.front(), "label") + 1, numberIn(rows.front(), "chats") + 1});
}

void LabelStore::remove(const InstanceId& instance, const std::string& id) {
  sql_.apply(removing(instance, id, timeOfChange(instance, id)));
}

void LabelStore::assign(const InstanceId& instance, const std::string& id, const std::string& chat,
                        bool on) {
  sql_.apply({assigning(instance, id, chat, on, timeOfChange(instance, id))});
}

void LabelStore::replace(const InstanceId& instance, const Json& known, TimePoint asked) {
  const std::int64_t at = microseconds(asked);
  std::vector<Statement> all{{"UPDATE messages_labels SET deleted = 1, changed = :t "
                              "WHERE instance_id = :i AND changed <= :asked",
                              {at, instance.value, at}},
                             {"UPDATE messages_labelled SET labeled = 0, changed = :t "
                              "WHERE instance_id = :i AND changed <= :asked",
                              {at, instance.value, at}}};
  for (const auto& each : known.at("labels").as_array())
    all.push_back(saving(
        instance,
        {textAt(each, "/id"), textAt(each, "/name"), Fields(each).get<std::int64_t>("color", 0)},
        at));
  for (const auto& each : known.at("chats").as_array())
    all.push_back(assigning(instance, textAt(each, "/id"), textAt(each, "/chat"), true, at));
  sql_.apply(all);
}

void LabelStore::take(const Event& event) {
  const Fields data(event.data);
  const std::string id = textAt(event.data, "/labelId"), type = textAt(event.data, "/type");
  const std::int64_t at = microseconds(event.at);
  if (type == "chat")
    sql_.apply({assigning(event.instance, id, textAt(event.data, "/chatJid"),
                          data.get<bool>("labeled", false), at)});
  if (type != "edit") return;
  if (data.get<bool>("deleted", false))
    sql_.apply(removing(event.instance, id, at));
  else
    sql_.apply({saving(event.instance,
                       {id, textAt(event.data, "/name"), data.get<std::int64_t>("color", 0)}, at)});
}
