#include "group_answers.hpp"

#include <string>

#include "group_identifier.hpp"
#include "reply_shape.hpp"

using namespace boost::json;

namespace {

constexpr const char* kSettings[] = {"membersCanEditInfo", "membersCanSendMessages",
                                     "membersCanAddOthers", "requireAdminApproval"};
constexpr const char* kFlags[] = {"isEphemeral", "isIncognito", "isSuspended", "isDefaultSubGroup"};
constexpr const char* kMetadata[] = {"nameSetBy", "nameSetAt", "descriptionSetBy",
                                     "descriptionSetAt"};

value knownIn(const value& from, const char* key, value otherwise = nullptr) {
  const auto* members = from.if_object();
  const auto* found = members ? members->if_contains(key) : nullptr;
  return found && !found->is_null() ? *found : otherwise;
}

object participantIn(const value& one, bool withLid) {
  object shown{{"jid", knownIn(one, "jid", "")},
               {"isAdmin", knownIn(one, "isAdmin", false)},
               {"isSuperAdmin", knownIn(one, "isSuperAdmin", false)}};
  if (withLid) shown["lid"] = knownIn(one, "lid");
  return shown;
}

array participantsIn(const value& group, bool withLid) {
  const value members = knownIn(group, "participants", array());
  array shown;
  for (const auto& one : members.as_array()) shown.push_back(participantIn(one, withLid));
  return shown;
}

value countIn(const value& group) {
  return knownIn(group, "participantCount",
                 knownIn(group, "participants", array()).as_array().size());
}

// Of a group that says nothing: all members may do all, and nobody is asked.
object settingsIn(const value& group) {
  const value settings = knownIn(group, "groupSettings");
  object shown;
  for (const char* key : kSettings)
    shown[key] = knownIn(settings, key, std::string_view(key) != "requireAdminApproval");
  return shown;
}

value participantSchema(bool withLid) {
  object members{{"jid", text()}, {"isAdmin", flag()}, {"isSuperAdmin", flag()}};
  if (withLid) members["lid"] = textOrNull();
  return objectOf(std::move(members));
}

object infoMembers(bool withLid) {
  return {{"name", text()},
          {"jid", text()},
          {"description", text()},
          {"inviteCode", textOrNull()},
          {"inviteLink", textOrNull()},
          {"createdBy", textOrNull()},
          {"participantCount", count()},
          {"participants", listOf(participantSchema(withLid))},
          {"groupSettings", groupSettingsSchema()}};
}

}  // namespace

object groupInfo(const value& group) {
  const value code = knownIn(group, "inviteCode");
  return {{"name", knownIn(group, "name", "")},
          {"jid", group.at("jid")},
          {"description", knownIn(group, "description", "")},
          {"inviteCode", code},
          {"inviteLink",
           code.is_string() ? value(inviteLinkOf(std::string(code.get_string()))) : value()},
          {"createdBy", knownIn(group, "createdBy")},
          {"participantCount", countIn(group)},
          {"participants", participantsIn(group, false)},
          {"groupSettings", settingsIn(group)}};
}

object groupDetail(const value& group, bool withParticipants) {
  object shown = groupInfo(group);
  shown["participants"] = withParticipants ? participantsIn(group, true) : array();
  shown["image"] = knownIn(group, "image");
  shown["createdAt"] = knownIn(group, "createdAt");
  const value metadata = knownIn(group, "metadata");
  auto& set = shown["metadata"].emplace_object();
  for (const char* key : kMetadata) set[key] = knownIn(metadata, key);
  for (const char* key : kFlags) shown[key] = knownIn(group, key, false);
  return shown;
}

object groupRow(const value& group, bool withMembers) {
  object shown{{"groupJid", group.at("jid")},
               {"name", knownIn(group, "name", "")},
               {"memberCount", countIn(group)},
               {"isAdmin", knownIn(group, "isAdmin", false)}};
  if (withMembers) shown["participants"] = participantsIn(group, false);
  return shown;
}

object channel(const value& channel) {
  object shown{{"jid", channel.at("jid")},
               {"state", knownIn(channel, "state", "active")},
               {"name", knownIn(channel, "name", "")},
               {"description", knownIn(channel, "description", "")},
               {"subscriberCount", knownIn(channel, "subscriberCount", 0)}};
  const value code = knownIn(channel, "inviteCode");
  if (code.is_string())
    shown["inviteLink"] = "https://whatsapp.com/channel/" + std::string(code.get_string());
  shown["pictureUrl"] = knownIn(channel, "pictureUrl");
  return shown;
}

value groupSettingsSchema() {
  object members;
  for (const char* key : kSettings) members[key] = flag();
  return objectOf(std::move(members));
}

value groupInfoSchema() { return objectOf(infoMembers(false)); }

value groupDetailSchema() {
  object members = infoMembers(true);
  members["image"] = textOrNull();
  members["createdAt"] = textOrNull();
  object metadata;
  for (const char* key : kMetadata) metadata[key] = textOrNull();
  members["metadata"] = objectOf(std::move(metadata));
  for (const char* key : kFlags) members[key] = flag();
  return objectOf(std::move(members));
}

value groupRowSchema() {
  return objectOf(
      {{"groupJid", text()}, {"name", text()}, {"memberCount", count()}, {"isAdmin", flag()}},
      {{"participants", listOf(participantSchema(false))}});
}

value channelSchema() {
  return objectOf({{"jid", text()},
                   {"state", text()},
                   {"name", text()},
                   {"description", text()},
                   {"subscriberCount", count()}},
                  {{"inviteLink", text()}, {"pictureUrl", textOrNull()}});
}
