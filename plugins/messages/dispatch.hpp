#pragma once

#include "desk_routes.hpp"

inline constexpr auto kSendFailure = "Failed to send message";

// Has the connector send it; the "message.exchange" that it has become, which is kept and counted.
// Throws as Desk::ask.
pombo::Json dispatched(const Desk&, const pombo::Instance&, const std::string& operation,
                       const pombo::Json& told);
