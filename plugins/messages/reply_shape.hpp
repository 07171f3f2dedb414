// What the routes of this block answer, and how it is described.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

// {"success": true, "message": ..., more...}
boost::json::object done(std::string_view message, boost::json::object more = {});

// Null when there is no text.
boost::json::value orNull(const std::string&);

// Schemas of members.
boost::json::value text();
boost::json::value textOrNull();
boost::json::value flag();
boost::json::value count();
boost::json::value listOf(boost::json::value items);
// Of an object with all of these; `optional` ones may be absent.
boost::json::value objectOf(boost::json::object members, boost::json::object optional = {});
// Of an answer with these beside `success` and `message`.
boost::json::value replyWith(boost::json::object members, boost::json::object optional = {});
