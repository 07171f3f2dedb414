// What the routes of groups and of communities have in common.
#pragma once

#include <string>
#include <vector>

#include "desk_routes.hpp"
#include "group_identifier.hpp"

inline constexpr std::uint64_t kPictureBody = 64 << 20;  // bytes

pombo::Field identifierField(const char* name = "identifier");
pombo::Field nameField();
pombo::Field imageField();
pombo::Field participantsField(pombo::Need);

// Throws Error{invalid} "Invalid group identifier: <value>".
GroupIdentifier identifierOf(const std::string& value);
GroupIdentifier identifierOf(const pombo::Fields&, const char* name = "identifier");
// Of what must be the JID of a group.
std::string groupJidIn(const std::string& value);

// Asks about groups: what a connector refuses is told in the words of these routes.
pombo::Json askOfGroup(const Desk&, const pombo::Instance&, const std::string& operation,
                       const pombo::Json& arguments);
// Asks the connector when there is an invitation alone.
std::string groupJidOf(const Desk&, const pombo::Instance&, const GroupIdentifier&);

// JIDs of numbers; a malformed one throws before anybody is asked.
boost::json::array jidsOf(const Desk&, const pombo::Instance&,
                          const std::vector<std::string>& numbers);
