#include "contact_store.hpp"

#include <array>

#include "exchange_store.hpp"
#include "row_store.hpp"

using namespace pombo;

namespace {

constexpr auto kFields = "jid, lid, first_name, full_name, push_name, business_name";

// The columns beside the address, and where a "contact.update" has them.
struct Part {
  const char* column;
  const char* key;
};
constexpr std::array kParts{Part{"lid", "lid"}, Part{"first_name", "firstName"},
                            Part{"full_name", "fullName"}, Part{"push_name", "pushName"},
                            Part{"business_name", "businessName"}};

bool isPerson(const std::string& jid) {
  return jid.ends_with("@s.whatsapp.net") || jid.ends_with("@lid");
}

Contact contactIn(const SqlRow& row) {
  return {textIn(row, "jid"),       textIn(row, "lid"),       textIn(row, "first_name"),
          textIn(row, "full_name"), textIn(row, "push_name"), textIn(row, "business_name")};
}

// A message says nothing where it has "".
Statement meetingOf(const InstanceId& instance, const std::string& jid, const std::string& lid,
                    const std::string& pushName) {
  const auto unlessEmpty = [](const std::string& column) {
    return column + " = CASE WHEN excluded." + column + " = '' THEN messages_contacts." + column +
           " ELSE excluded." + column + " END";
  };
  return {
      "INSERT INTO messages_contacts (instance_id, " + std::string(kFields) +
          ") VALUES (:i, :j, :l, '', '', :p, '') ON CONFLICT (instance_id, jid) DO UPDATE SET " +
          unlessEmpty("lid") + ", " + unlessEmpty("push_name"),
      {instance.value, jid, lid, pushName}};
}

}  // namespace

std::string Contact::name() const {
  for (const auto* each : {&fullName, &firstName, &businessName, &pushName})
    if (!each->empty()) return *each;
  return {};
}

std::vector<Statement> peopleIn(const Event& event) {
  const auto& data = event.data;
  const std::string chat = textAt(data, "/chat/jid"), sender = textAt(data, "/sender/jid");
  std::vector<Statement> all;
  if (textAt(data, "/direction") == "incoming" && isPerson(sender))
    all.push_back(meetingOf(event.instance, sender, textAt(data, "/sender/lid"),
                            textAt(data, "/sender/name")));
  if (isPerson(chat) && (all.empty() || chat != sender))
    all.push_back(meetingOf(event.instance, chat, textAt(data, "/chat/lid"), ""));
  return all;
}

std::vector<std::string> namesOf(ISql& sql, const InstanceId& instance, const std::string& chat) {
  std::vector<std::string> all{chat};
  if (!isPerson(chat)) return all;
  for (const auto& row : sql.query({"SELECT lid AS name FROM messages_contacts "
                                    "WHERE instance_id = :i AND jid = :shown AND lid <> '' UNION "
                                    "SELECT jid AS name FROM messages_contacts "
                                    "WHERE instance_id = :its AND lid = :hidden",
                                    {instance.value, chat, instance.value, chat}}))
    all.push_back(textIn(row, "name"));
  return all;
}

std::vector<Contact> ContactStore::list(const InstanceId& instance) const {
  std::vector<Contact> all;
  for (const auto& row : sql_.query({"SELECT " + std::string(kFields) +
                                         " FROM messages_contacts WHERE instance_id = :i "
                                         "ORDER BY jid",
                                     {instance.value}}))
    all.push_back(contactIn(row));
  return all;
}

std::optional<Contact> ContactStore::find(const InstanceId& instance,
                                          const std::string& jid) const {
  for (const char* column : {"jid", "lid"}) {
    const auto rows = sql_.query({"SELECT " + std::string(kFields) +
                                      " FROM messages_contacts WHERE instance_id = :i AND " +
                                      column + " = :j ORDER BY jid LIMIT 1",
                                  {instance.value, jid}});
    if (!rows.empty()) return contactIn(rows.front());
  }
  return std::nullopt;
}

std::map<std::string, Contact> ContactStore::labelled(const InstanceId& instance) const {
  std::map<std::string, Contact> byJid, all;
  for (const auto& row : sql_.query({"SELECT " + std::string(kFields) +
                                         " FROM messages_contacts WHERE instance_id = :i AND "
                                         "(jid IN (SELECT chat FROM messages_labelled "
                                         "WHERE instance_id = :of AND labeled = 1) OR "
                                         "lid IN (SELECT chat FROM messages_labelled "
                                         "WHERE instance_id = :its AND labeled = 1)) ORDER BY jid",
                                     {instance.value, instance.value, instance.value}})) {
    const Contact contact = contactIn(row);
    if (!contact.lid.empty()) all.emplace(contact.lid, contact);
    byJid.emplace(contact.jid, contact);
  }
  for (auto& [jid, contact] : byJid) all[jid] = std::move(contact);
  return all;
}

void ContactStore::take(const Event& event) {
  const std::string jid = textAt(event.data, "/jid");
  if (!isPerson(jid)) return;
  std::string changes;
  Statement made{"INSERT INTO messages_contacts (instance_id, " + std::string(kFields) +
                     ") VALUES (:i, :jid, :lid, :first, :full, :push, :business) "
                     "ON CONFLICT (instance_id, jid) DO ",
                 {event.instance.value, jid}};
  for (const auto& [column, key] : kParts) {
    made.values.emplace_back(textAt(event.data, (std::string("/") + key).c_str()));
    if (event.data.as_object().contains(key))
      changes += (changes.empty() ? "" : ", ") + std::string(column) + " = excluded." + column;
  }
  made.sql += changes.empty() ? "NOTHING" : "UPDATE SET " + changes;
  sql_.apply({made});
}
