#include "group_fields.hpp"

using namespace pombo;

Field identifierField(const char* name) {
  return {.name = name,
          .doc = "The group: its JID, the code of an invitation, or its link.",
          .need = Need::always};
}

Field nameField() {
  return {.name = "name", .doc = "What it is called.", .need = Need::always, .maxLength = 100};
}

Field imageField() {
  return {.name = "image", .doc = "Its picture: a URL, a data URI, or base64."};
}

Field participantsField(Need need) {
  return {.name = "participants",
          .type = Type::strings,
          .fallback = need == Need::always ? Json() : boost::json::array(),
          .doc = "Numbers or JIDs.",
          .need = need,
          .distinct = true};
}

GroupIdentifier identifierOf(const std::string& value) {
  if (auto identifier = groupIdentifierIn(value)) return *std::move(identifier);
  throw Error(Code::invalid, "Invalid group identifier: " + value);
}

GroupIdentifier identifierOf(const Fields& fields, const char* name) {
  return identifierOf(fields.require<std::string>(name));
}

std::string groupJidIn(const std::string& value) {
  const auto identifier = identifierOf(value);
  if (identifier.jid.empty()) throw Error(Code::invalid, "Invalid group identifier: " + value);
  return identifier.jid;
}

Json askOfGroup(const Desk& desk, const Instance& instance, const std::string& operation,
                const Json& arguments) {
  try {
    return desk.ask(instance, operation, arguments, "Group operation failed");
  } catch (const Error& error) {
    if (error.code == Code::notFound) throw Error(Code::notFound, "Group not found");
    if (error.code == Code::forbidden)
      throw Error(Code::forbidden, "Not allowed: the instance is not an admin of this group");
    throw;
  }
}

std::string groupJidOf(const Desk& desk, const Instance& instance,
                       const GroupIdentifier& identifier) {
  if (!identifier.jid.empty()) return identifier.jid;
  const Json found =
      askOfGroup(desk, instance, "group.info", {{"inviteCode", identifier.inviteCode}});
  return Fields(found).require<std::string>("jid");
}

boost::json::array jidsOf(const Desk& desk, const Instance& instance,
                          const std::vector<std::string>& numbers) {
  std::vector<ChatAddress> addresses;
  for (const auto& number : numbers) addresses.push_back(Desk::addressOf(number));
  Desk::requireConnected(instance);
  boost::json::array jids;
  for (const auto& jid : desk.jidsOf(instance, addresses)) {
    if (!jid) throw Error(Code::invalid, kNotRegistered);
    jids.emplace_back(*jid);
  }
  return jids;
}
