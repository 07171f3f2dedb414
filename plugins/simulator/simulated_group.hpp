// Groups of a simulated phone: each a document with the keys that are answered.
#pragma once

#include <optional>
#include <string>

#include "phone.hpp"

// Throws PhoneRefusal when the phone is in no such group.
boost::json::object& groupNamed(Phone&, const std::string& jid);
// The group that the arguments name; throws PhoneRefusal when there is none.
boost::json::object& groupAskedFor(Phone&, const boost::json::value& arguments);
boost::json::object newGroup(const Performer&, const std::string& name);
boost::json::object& kept(Phone&, boost::json::object group);

// What others have made: an invitation that this phone has not sent leads to one of those. Nothing:
// the code begins with "Gone".
std::optional<boost::json::object> groupOfStrangers(const Performer&, const std::string& code);

boost::json::object memberOf(const std::string& jid, bool isAdmin);
boost::json::object* findMember(boost::json::object& group, const std::string& jid);
bool isAdmin(const boost::json::object& group, const std::string& jid);
void requireAdmin(const boost::json::object& group, const Performer&);

// As the instance is told of it: with no invitation that it may not read.
boost::json::object shownTo(const Performer&, const boost::json::object& group);

// A "group.flow": what the instance itself has done to a group.
Performance::Happening flowOf(const Performer&, const boost::json::object& group, const char* type,
                              boost::json::value what = nullptr,
                              const boost::json::array& jids = {});
