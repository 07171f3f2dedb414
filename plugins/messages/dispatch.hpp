#pragma once

#include "desk_routes.hpp"

inline constexpr auto kSendFailure = "Failed to send message";

// Has the connector send it under an id that is made, and kept, before; `told` has it from then on.
// The "message.exchange" that it has become, which is kept and counted. Throws as Desk::ask: then
// it is kept as failed, or as pending when it may have been sent, or be sent yet.
pombo::Json dispatched(const Desk&, const pombo::Instance&, const std::string& operation,
                       boost::json::object& told, const std::vector<pombo::Media>& files = {});
