#include "simulated_group.hpp"
#include "synthetic.hpp"

using namespace boost::json;

namespace {

// GroupInfo, as "group.flow" carries it.
object infoOf(const Performer& self, const object& group) {
  object info;
  for (const char* key :
       {"name", "jid", "description", "inviteCode", "createdBy", "participants", "groupSettings"})
    info[key] = group.at(key);
  for (auto& member : info.at("participants").as_array()) member.as_object().erase("lid");
  info["participantCount"] = info.at("participants").as_array().size();
  if (!isAdmin(group, self.jid)) info["inviteCode"] = nullptr;
  const std::string code = textIn(info, "inviteCode");
  info["inviteLink"] = code.empty() ? value() : value("https://chat.whatsapp.com/" + code);
  return info;
}

Performance::Happening joinedBy(const Performer& self, const object& group) {
  return flowOf(self, group, "joined", infoOf(self, group), {value(self.jid)});
}

Performance create(const Performer& self, Phone& phone, const value& arguments) {
  object made = newGroup(self, textIn(arguments, "name"));
  if (const auto community = textIn(arguments, "community"); !community.empty()) {
    requireAdmin(groupNamed(phone, community), self);
    made["community"] = community;
  }
  object& group = kept(phone, std::move(made));
  for (const auto& jid : arguments.at("participants").as_array())
    if (const std::string each(jid.as_string()); !findMember(group, each))
      arrayIn(group, "participants").push_back(memberOf(each, false));
  return {shownTo(self, group), {joinedBy(self, group)}, {}};
}

Performance list(const Performer& self, Phone& phone, const value&) {
  array groups;
  for (const auto& [jid, group] : objectIn(phone, "groups"))
    groups.push_back(shownTo(self, group.as_object()));
  return {object{{"groups", std::move(groups)}}, {}, {}};
}

object* withCode(Phone& phone, const std::string& code) {
  for (auto& [jid, group] : objectIn(phone, "groups"))
    if (textIn(group, "inviteCode") == code) return &group.as_object();
  return nullptr;
}

object strangersOr404(const Performer& self, const std::string& code) {
  auto group = groupOfStrangers(self, code);
  if (!group) throw PhoneRefusal{PhoneRefusal::Why::notFound, "Group not found"};
  return *std::move(group);
}

Performance info(const Performer& self, Phone& phone, const value& arguments) {
  const std::string code = textIn(arguments, "inviteCode");
  if (code.empty()) return {shownTo(self, groupAskedFor(phone, arguments)), {}, {}};
  if (const auto* own = withCode(phone, code)) return {shownTo(self, *own), {}, {}};
  return {shownTo(self, strangersOr404(self, code)), {}, {}};
}

Performance join(const Performer& self, Phone& phone, const value& arguments) {
  const std::string code = textIn(arguments, "inviteCode");
  if (const auto* own = withCode(phone, code)) return {object{{"jid", own->at("jid")}}, {}, {}};
  object found = strangersOr404(self, code);
  object answer{{"jid", found.at("jid")}};
  if (code.starts_with("Approval")) {
    answer["pending"] = true;
    return {std::move(answer), {}, {}};
  }
  object& group = kept(phone, std::move(found));
  arrayIn(group, "participants").push_back(memberOf(self.jid, false));
  auto joined = joinedBy(self, group);
  joined.data.as_object()["reason"] = "invite";
  return {std::move(answer), {std::move(joined)}, {}};
}

Performance leave(const Performer& self, Phone& phone, const value& arguments) {
  const object group = groupAskedFor(phone, arguments);
  objectIn(phone, "groups").erase(textIn(group, "jid"));
  return {nullptr, {flowOf(self, group, "left", nullptr, {value(self.jid)})}, {}};
}

// Somebody comes to the door as soon as there is one.
void letOneAsk(const Performer& self, object& group) {
  array& requests = arrayIn(group, "requests");
  if (requests.empty())
    requests.push_back({{"jid", syntheticNumber() + "@s.whatsapp.net"},
                        {"lid", syntheticLid()},
                        {"requestedAt", timeText(self.now)}});
}

struct Setting {
  const char* key;
  const char* event;  // that tells of it
  bool inverted;      // the event says the opposite
};
constexpr Setting kSettings[] = {
    {"membersCanEditInfo", "locked", true},
    {"membersCanSendMessages", "announce", true},
    {"requireAdminApproval", "membership_approval_mode", false},
};

void changeSettings(const Performer& self, object& group, const value& wanted, Performance& told) {
  requireAdmin(group, self);
  object& settings = objectIn(group, "groupSettings");
  const object before = settings;
  for (const auto& [key, on] : wanted.as_object()) settings[key] = on;
  for (const auto& [key, event, inverted] : kSettings) {
    if (settings.at(key) == before.at(key)) continue;
    const bool on = settings.at(key).as_bool();
    told.happenings.push_back(flowOf(self, group, event, on != inverted));
  }
  if (settings.at("requireAdminApproval").as_bool()) letOneAsk(self, group);
}

void changePicture(const Performer& self, object& group, const value& image, Performance& told) {
  const bool removed = image.is_null();
  const std::string id = syntheticPictureId();
  group["image"] = removed ? value() : value("https://pictures.invalid/" + id + ".jpg");
  told.happenings.push_back(
      flowOf(self, group, "picture",
             object{{"removed", removed}, {"pictureId", removed ? value() : value(id)}}));
}

Performance update(const Performer& self, Phone& phone, const value& arguments) {
  object& group = groupAskedFor(phone, arguments);
  const object& wanted = arguments.as_object();
  if (!group.at("groupSettings").at("membersCanEditInfo").as_bool()) requireAdmin(group, self);
  Performance told;
  object& metadata = objectIn(group, "metadata");
  for (const auto& [key, event] : {std::pair("name", "name"), std::pair("description", "topic")}) {
    const auto* text = wanted.if_contains(key);
    if (!text) continue;
    group[key] = *text;
    metadata[std::string(key) + "SetBy"] = self.jid;
    metadata[std::string(key) + "SetAt"] = timeText(self.now);
    told.happenings.push_back(flowOf(self, group, event, *text));
  }
  if (const auto* settings = wanted.if_contains("groupSettings"))
    changeSettings(self, group, *settings, told);
  if (const auto* image = wanted.if_contains("image")) changePicture(self, group, *image, told);
  told.answer = shownTo(self, group);
  return told;
}

}  // namespace

PhoneOperations groupOperations() {
  return {{"group.create", create}, {"group.list", list}, {"group.info", info},
          {"group.update", update}, {"group.join", join}, {"group.leave", leave}};
}
