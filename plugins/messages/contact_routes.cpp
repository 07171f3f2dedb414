#include <algorithm>
#include <map>
#include <set>

#include "comma_list.hpp"
#include "desk_routes.hpp"
#include "letter_case.hpp"
#include "reply_shape.hpp"

using namespace pombo;
using boost::json::array;
using boost::json::object;

namespace {

object shown(const Contact& contact, bool found) {
  return {{"found", found},
          {"jid", contact.jid},
          {"lid", orNull(contact.lid)},
          {"first_name", contact.firstName},
          {"full_name", contact.fullName},
          {"push_name", contact.pushName},
          {"business_name", contact.businessName}};
}

HttpReply contactNamed(const Desk& desk, const InstanceId& id, const std::string& number) {
  const auto jids = Desk::jidsIn(Desk::addressOf(number));
  Contact contact{.jid = jids.front()};
  bool found = false;
  for (const auto& jid : jids) {
    const auto known = desk.contacts().find(id, jid);
    if (!known) continue;
    contact = *known;
    found = true;
    break;
  }
  return {.body = done("Contact retrieved successfully", {{"contact", shown(contact, found)}})};
}

HttpReply contacts(const Desk& desk, const HttpRequest& request) {
  const InstanceId& id = request.instance->id;
  if (const auto number = Fields(request.query).find<std::string>("number"))
    return contactNamed(desk, id, *number);
  array all;
  for (const auto& each : desk.contacts().list(id)) all.push_back(shown(each, true));
  const auto total = all.size();
  return {.body = done("Contacts retrieved successfully",
                       {{"contacts", std::move(all)}, {"total", total}})};
}

struct Filter {
  std::vector<std::string> ids, names;
};

Filter filterIn(const HttpRequest& request) {
  const Fields query(request.query);
  Filter filter{commaListIn(query.get<std::string>("labelIds", "")),
                commaListIn(query.get<std::string>("labelNames", ""))};
  if (filter.ids.empty() && filter.names.empty())
    throw Error(Code::invalid, "labelIds or labelNames is required");
  return filter;
}

// Ids as they were said, and those of labels that are called so; each once.
std::vector<std::string> wantedBy(Filter filter, const Desk& desk, const HttpRequest& request) {
  auto& [ids, names] = filter;
  for (const auto& label : desk.labels().list(request.instance->id))
    for (const auto& name : names)
      if (caseFolded(label.name) == caseFolded(name)) ids.push_back(label.id);
  std::set<std::string> seen;
  std::erase_if(ids, [&](const std::string& id) { return !seen.insert(id).second; });
  return ids;
}

object chatOf(const std::string& jid, const Contact& contact) {
  return {{"jid", jid},
          {"lid", orNull(contact.lid)},
          {"name", contact.name()},
          {"type", wordFor(chatTypeOf(jid))}};
}

void refresh(const Desk& desk, const Instance& instance) {
  const TimePoint now = desk.host().clock().now();
  const Json known = desk.ask(instance, "label.list", object(), "Failed to refresh the tags");
  desk.labels().replace(instance.id, known, now);
}

HttpReply contactsByLabel(const Desk& desk, const HttpRequest& request) {
  const InstanceId& id = request.instance->id;
  const bool anew = Fields(request.query).get<bool>("refresh", false);
  const Filter filter = filterIn(request);
  if (anew) refresh(desk, *request.instance);
  const auto wanted = wantedBy(filter, desk, request);
  std::map<std::string, array> labels;
  std::map<std::string, std::size_t> rows;  // that the filter has let through
  for (const auto& [chat, label] : desk.labels().chatsOf(id)) {
    labels[chat].push_back(object{{"id", label.id}, {"name", label.name}, {"color", label.color}});
    rows[chat] += std::find(wanted.begin(), wanted.end(), label.id) != wanted.end();
  }
  auto people = desk.contacts().labelled(id);
  array chats;
  std::size_t total = 0;
  for (auto& [jid, all] : labels) {
    if (rows[jid] == 0) continue;
    total += rows[jid];
    object chat = chatOf(jid, people[jid]);
    chat["labels"] = std::move(all);
    chats.push_back(std::move(chat));
  }
  const auto count = chats.size();
  return {.body = done("Chats retrieved successfully",
                       {{"chats", std::move(chats)},
                        {"total_chats", count},
                        {"total_rows", total},
                        {"refreshed", anew},
                        {"filter_label_ids", boost::json::value_from(wanted)}})};
}

Json contactSchema() {
  return objectOf({{"found", flag()},
                   {"jid", text()},
                   {"lid", textOrNull()},
                   {"first_name", text()},
                   {"full_name", text()},
                   {"push_name", text()},
                   {"business_name", text()}});
}

Json chatSchema() {
  return objectOf(
      {{"jid", text()},
       {"lid", textOrNull()},
       {"name", text()},
       {"type", text()},
       {"labels", listOf(objectOf({{"id", text()}, {"name", text()}, {"color", count()}}))}});
}

}  // namespace

std::vector<DeskRoute> contactRoutes() {
  return {{keptRoute(Method::get, "chat/contacts", "Whom an instance knows",
                     {{.name = "number", .doc = "One of them alone: digits, or a JID."}},
                     replyWith({}, {{"contacts", listOf(contactSchema())},
                                    {"total", count()},
                                    {"contact", contactSchema()}})),
           contacts},
          {askingRoute(Method::get, "chat/contactsByLabel", "Chats that have tags",
                       {{.name = "labelIds", .doc = "Ids of tags, with commas between them."},
                        {.name = "labelNames", .doc = "Names of tags, in any case, likewise."},
                        {.name = "refresh",
                         .type = Type::boolean,
                         .fallback = false,
                         .doc = "Asks the connector for all tags first."}},
                       replyWith({{"chats", listOf(chatSchema())},
                                  {"total_chats", count()},
                                  {"total_rows", count()},
                                  {"refreshed", flag()},
                                  {"filter_label_ids", listOf(text())}})),
           contactsByLabel}};
}
