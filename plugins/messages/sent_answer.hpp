#pragma once

#include <boost/json.hpp>
#include <string>

// `data` of the answer to a send, made of the `data` of the "message.exchange" that it has become.
// `content`: as the answer says it, which is not for every kind as the event does.
boost::json::object sentAnswer(const boost::json::value& message, const std::string& content);
