#include "simulated_group.hpp"
#include "synthetic.hpp"

using namespace boost::json;

namespace {

object& communityAskedFor(const Performer& self, Phone& phone, const value& arguments) {
  object& community = groupNamed(phone, textIn(arguments, "community"));
  if (!community.contains("isCommunity"))
    throw PhoneRefusal{PhoneRefusal::Why::notFound, "Group not found"};
  requireAdmin(community, self);
  return community;
}

// A community comes with a group for what is announced in it.
Performance create(const Performer& self, Phone& phone, const value& arguments) {
  object community = newGroup(self, textIn(arguments, "name"));
  community["isCommunity"] = true;
  community["description"] = arguments.at("description");
  objectIn(community, "groupSettings")["requireAdminApproval"] =
      arguments.at("membershipApprovalMode") == "request_required";
  object announcements = newGroup(self, textIn(arguments, "name"));
  announcements["isDefaultSubGroup"] = true;
  announcements["community"] = community.at("jid");
  const object answer{
      {"jid", community.at("jid")}, {"name", community.at("name")}, {"isCommunity", true}};
  kept(phone, std::move(announcements));
  const object& made = kept(phone, std::move(community));
  return {answer, {flowOf(self, made, "joined", nullptr, {value(self.jid)})}, {}};
}

// "": it can be.
std::string problemOf(const Performer& self, const object* group, const std::string& community,
                      bool link) {
  if (!group) return "Group not found";
  if (!isAdmin(*group, self.jid)) return "The instance is not an admin of this group";
  const std::string parent = textIn(*group, "community");
  if (group->contains("isCommunity") || group->contains("isDefaultSubGroup"))
    return "Not a group of its own";
  if (link) return parent.empty() ? "" : "Already in a community";
  return parent == community ? "" : "Not in this community";
}

Performance move(const Performer& self, Phone& phone, const value& arguments, bool link) {
  const object community = communityAskedFor(self, phone, arguments);
  const std::string jid = textIn(community, "jid");
  array linked, failed;
  Performance told;
  for (const auto& each : arguments.at("groups").as_array()) {
    auto* found = objectIn(phone, "groups").if_contains(each.as_string());
    auto* group = found ? found->if_object() : nullptr;
    if (const auto problem = problemOf(self, group, jid, link); !problem.empty()) {
      failed.push_back({{"jid", each}, {"error", problem}});
      continue;
    }
    if (link)
      (*group)["community"] = jid;
    else
      group->erase("community");
    linked.push_back(each);
    told.happenings.push_back(
        flowOf(self, community, link ? "link" : "unlink",
               object{{"jid", each}, {"name", group->at("name")}, {"linkType", "sub_group"}}));
  }
  told.answer = object{{"linked", std::move(linked)}, {"failed", std::move(failed)}};
  return told;
}

Performance link(const Performer& self, Phone& phone, const value& arguments) {
  return move(self, phone, arguments, true);
}

Performance unlink(const Performer& self, Phone& phone, const value& arguments) {
  return move(self, phone, arguments, false);
}

Performance listSubGroups(const Performer& self, Phone& phone, const value& arguments) {
  const std::string jid = textIn(communityAskedFor(self, phone, arguments), "jid");
  array rows;
  for (const auto& [name, each] : objectIn(phone, "groups"))
    if (textIn(each, "community") == jid)
      rows.push_back({{"jid", each.at("jid")},
                      {"name", each.at("name")},
                      {"isDefaultSubGroup", each.as_object().contains("isDefaultSubGroup")}});
  return {object{{"subgroups", std::move(rows)}}, {}, {}};
}

}  // namespace

PhoneOperations communityOperations() {
  return {{"community.create", create},
          {"community.link", link},
          {"community.unlink", unlink},
          {"community.listSubGroups", listSubGroups}};
}
