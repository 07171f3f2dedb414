// A message between being asked for and being told of: its id, and what is known of it.
#pragma once

#include <string>

#include "pombo/instance.hpp"
#include "pombo/storage.hpp"

// "3EB0" and 18 hexadecimal digits that nobody can foretell, as WhatsApp Web has them.
std::string newMessageId();

// In the shape of the "message.exchange" that it becomes, as far as that is known before. `told`:
// what the connector is told, its `id` among it.
pombo::Json pendingExchange(const pombo::Instance&, const std::string& operation,
                            const boost::json::object& told, pombo::TimePoint now);
