#include <algorithm>

#include "simulated_group.hpp"
#include "synthetic.hpp"

using namespace boost::json;

namespace {

void removeNamed(array& list, const std::string& jid) {
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&](const value& each) { return textIn(each, "jid") == jid; }),
             list.end());
}

bool hasAsked(object& group, const std::string& jid) {
  const array& requests = arrayIn(group, "requests");
  return std::any_of(requests.begin(), requests.end(),
                     [&](const value& each) { return textIn(each, "jid") == jid; });
}

// Each changes one member, and says why it cannot; "": it has.
const char* add(object& group, const std::string& jid) {
  if (findMember(group, jid)) return "Already a member";
  arrayIn(group, "participants").push_back(memberOf(jid, false));
  return "";
}

const char* remove(object& group, const std::string& jid) {
  const object* member = findMember(group, jid);
  if (!member) return "Not a member";
  if (member->at("isSuperAdmin").as_bool()) return "The creator of a group stays";
  removeNamed(arrayIn(group, "participants"), jid);
  return "";
}

const char* raise(object& group, const std::string& jid) {
  object* member = findMember(group, jid);
  if (!member) return "Not a member";
  (*member)["isAdmin"] = true;
  return "";
}

const char* lower(object& group, const std::string& jid) {
  object* member = findMember(group, jid);
  if (!member) return "Not a member";
  if (member->at("isSuperAdmin").as_bool()) return "The creator of a group stays an admin";
  (*member)["isAdmin"] = false;
  return "";
}

const char* reject(object& group, const std::string& jid) {
  if (!hasAsked(group, jid)) return "Has not asked to join";
  removeNamed(arrayIn(group, "requests"), jid);
  return "";
}

const char* approve(object& group, const std::string& jid) {
  const char* problem = reject(group, jid);
  return *problem ? problem : add(group, jid);
}

struct Action {
  std::string_view name;
  const char* (*act)(object& group, const std::string& jid);
  const char* event;  // that tells of those it has worked for
};
constexpr Action kActions[] = {{"add", add, "joined"},         {"remove", remove, "left"},
                               {"promote", raise, "promoted"}, {"demote", lower, "demoted"},
                               {"approve", approve, "joined"}, {"reject", reject, nullptr}};

Performance participants(const Performer& self, Phone& phone, const value& arguments) {
  object& group = groupAskedFor(phone, arguments);
  const std::string name = textIn(arguments, "action");
  const bool anyone = group.at("groupSettings").at("membersCanAddOthers").as_bool();
  if (name != "add" || !anyone) requireAdmin(group, self);
  const auto* action = std::find_if(std::begin(kActions), std::end(kActions),
                                    [&](const Action& each) { return each.name == name; });
  array rows, changed;
  for (const auto& each : arguments.at("participants").as_array()) {
    const char* problem = action->act(group, std::string(each.as_string()));
    rows.push_back({{"jid", each}, {"error", *problem ? value(problem) : value()}});
    if (!*problem) changed.push_back(each);
  }
  Performance told{object{{"participants", std::move(rows)}}, {}, {}};
  if (!changed.empty() && action->event)
    told.happenings.push_back(flowOf(self, group, action->event, nullptr, changed));
  return told;
}

Performance resetLink(const Performer& self, Phone& phone, const value& arguments) {
  object& group = groupAskedFor(phone, arguments);
  requireAdmin(group, self);
  const std::string code = syntheticInviteCode();
  group["inviteCode"] = code;
  return {object{{"inviteCode", code}},
          {flowOf(self, group, "new_invite_link", value("https://chat.whatsapp.com/" + code))},
          {}};
}

Performance requests(const Performer& self, Phone& phone, const value& arguments) {
  object& group = groupAskedFor(phone, arguments);
  requireAdmin(group, self);
  return {object{{"requests", arrayIn(group, "requests")}}, {}, {}};
}

}  // namespace

PhoneOperations groupMemberOperations() {
  return {{"group.participants", participants},
          {"group.resetLink", resetLink},
          {"group.requests", requests}};
}
