// What a simulated phone knows of its account: pins, groups, channels, privacy. A document of the
// instance's, which operations read and change.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "perform.hpp"

using Phone = boost::json::object;

// Thrown by operations: why there is no answer.
struct PhoneRefusal {
  enum class Why { invalid, notFound, forbidden };
  Why why;
  std::string sentence;
};

using PhoneOperation = Performance (*)(const Performer&, Phone&,
                                       const boost::json::value& arguments);
using PhoneOperations = std::map<std::string_view, PhoneOperation>;

// By name: "chat.pin", "group.create", ... A file of operations adds its own.
const PhoneOperations& phoneOperations();

PhoneOperations chatOperations();
PhoneOperations changeOperations();  // of messages
PhoneOperations labelOperations();
PhoneOperations groupOperations();
PhoneOperations groupMemberOperations();
PhoneOperations communityOperations();
PhoneOperations newsletterOperations();
PhoneOperations profileOperations();

// A member that is an object, or a list; made when it is not there.
boost::json::object& objectIn(boost::json::object&, std::string_view key);
boost::json::array& arrayIn(boost::json::object&, std::string_view key);
// A text, or "".
std::string textIn(const boost::json::value&, std::string_view key);
