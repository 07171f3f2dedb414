#include "simulated_group.hpp"

#include <algorithm>

#include "synthetic.hpp"

using namespace boost::json;

namespace {

constexpr std::string_view kGone = "Gone";

object person(const std::string& jid, const Performer& self) {
  const bool own = jid == self.jid;
  return {{"jid", jid},
          {"lid", own ? value(self.lid) : value()},
          {"name", own ? self.name : std::string()}};
}

// The same code leads to the same group every time.
std::string jidBehind(const std::string& code) {
  std::uint64_t hash = 1469598103934665603u;  // FNV-1a
  for (const unsigned char c : code) hash = (hash ^ c) * 1099511628211u;
  return "120363" + std::to_string(100'000'000'000 + hash % 100'000'000'000) + "@g.us";
}

}  // namespace

object& groupNamed(Phone& phone, const std::string& jid) {
  auto* group = objectIn(phone, "groups").if_contains(jid);
  if (!group) throw PhoneRefusal{PhoneRefusal::Why::notFound, "Group not found"};
  return group->as_object();
}

object& groupAskedFor(Phone& phone, const value& arguments) {
  return groupNamed(phone, textIn(arguments, "group"));
}

object newGroup(const Performer& self, const std::string& name) {
  const std::string now = timeText(self.now);
  object creator = memberOf(self.jid, true);
  creator["isSuperAdmin"] = true;
  return {{"jid", syntheticGroupJid()},
          {"name", name},
          {"description", ""},
          {"inviteCode", syntheticInviteCode()},
          {"createdBy", self.jid},
          {"createdAt", now},
          {"image", nullptr},
          {"participants", {creator}},
          {"requests", array()},
          {"metadata", {{"nameSetBy", self.jid}, {"nameSetAt", now}}},
          {"groupSettings",
           {{"membersCanEditInfo", true},
            {"membersCanSendMessages", true},
            {"membersCanAddOthers", true},
            {"requireAdminApproval", false}}}};
}

object& kept(Phone& phone, object group) {
  const std::string jid = textIn(group, "jid");
  return (objectIn(phone, "groups")[jid] = std::move(group)).as_object();
}

std::optional<object> groupOfStrangers(const Performer& self, const std::string& code) {
  if (code.starts_with(kGone)) return std::nullopt;
  Performer founder = self;
  founder.jid = "5511900000001@s.whatsapp.net";
  object group = newGroup(founder, "Group of others");
  group["jid"] = jidBehind(code);
  group["inviteCode"] = code;
  return group;
}

object memberOf(const std::string& jid, bool isAdmin) {
  return {{"jid", jid}, {"lid", nullptr}, {"isAdmin", isAdmin}, {"isSuperAdmin", false}};
}

object* findMember(object& group, const std::string& jid) {
  for (auto& member : arrayIn(group, "participants"))
    if (textIn(member, "jid") == jid) return &member.as_object();
  return nullptr;
}

bool isAdmin(const object& group, const std::string& jid) {
  const auto& members = group.at("participants").as_array();
  return std::any_of(members.begin(), members.end(), [&](const value& member) {
    return textIn(member, "jid") == jid && member.at("isAdmin").as_bool();
  });
}

void requireAdmin(const object& group, const Performer& self) {
  if (!isAdmin(group, self.jid))
    throw PhoneRefusal{PhoneRefusal::Why::forbidden, "The instance is not an admin"};
}

object shownTo(const Performer& self, const object& group) {
  object shown = group;
  shown.erase("requests");
  const bool admin = isAdmin(group, self.jid);
  shown["isAdmin"] = admin;
  if (!admin) shown["inviteCode"] = nullptr;
  return shown;
}

Performance::Happening flowOf(const Performer& self, const object& group, const char* type,
                              value what, const array& jids) {
  array people;
  bool isSelf = false;
  for (const auto& jid : jids) {
    const std::string text(jid.as_string());
    isSelf = isSelf || text == self.jid;
    people.push_back(person(text, self));
  }
  const std::string jid = textIn(group, "jid");
  return {"group.flow", jid,
          object{{"type", type},
                 {"groupJid", jid},
                 {"groupName", group.at("name")},
                 {"timestamp", timeText(self.now)},
                 {"participants", std::move(people)},
                 {"actor", person(self.jid, self)},
                 {"reason", nullptr},
                 {"isSelf", isSelf},
                 {"value", std::move(what)}}};
}
