// Messages of a simulated phone, as events tell of them.
#pragma once

#include <string>

#include "perform.hpp"

// The `data` of what the instance sends to the chat among `arguments`, under the id among them, or
// a new one. `message`: its type, its content and what else there is of it.
boost::json::value exchangeOf(const Performer&, const boost::json::value& arguments,
                              boost::json::object message);
// What has become of it: no one receives that as a message of its own.
Performance::Happening changeOf(boost::json::value exchange);
// What the instance itself has done with a message of others: "read_self".
Performance::Happening receiptBy(const Performer&, const std::string& chat,
                                 const boost::json::value& messageId, const std::string& author,
                                 const char* status);
// It is sent, and whoever it is for has it and reads it at once.
Performance sentMessage(const Performer&, const boost::json::value& arguments,
                        boost::json::object message);
