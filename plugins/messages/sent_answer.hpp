#pragma once

#include <boost/json.hpp>
#include <string>

// `data` of the answer to a send. `exchange`: the `data` of the "message.exchange" that it has
// become. `told`: what the connector was told, of which an answer repeats the media, the mentions
// and what is answered. `content`: as the answer says it, which is not for every kind as the event
// does. Never throws for what is missing in `exchange`.
boost::json::object sentAnswer(const boost::json::value& exchange, const boost::json::object& told,
                               const std::string& content);
// The schema of a whole answer that has it.
boost::json::value sentSchema();
