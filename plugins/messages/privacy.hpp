// Who may see and do what: {"visibility": {...}, "privacy": {...}, "permissions": {...}}.
#pragma once

#include <boost/json.hpp>
#include <string>

// A value that a setting cannot have: `path` is "visibility.lastSeen".
struct BadPrivacy {
  std::string path;
  std::string value;
};

// The known settings of what was given, in their groups. Throws BadPrivacy.
boost::json::object privacyIn(const boost::json::object& given);
boost::json::object privacySchema();
