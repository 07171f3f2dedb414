#pragma once

#include "links_side.hpp"

// The instance of a request, which is one of ours; throws Error{invalid}.
const pombo::Instance& simulated(const pombo::HttpRequest&);
// The JSON Schema of a success that says `message` and has, if there is a `key`, a value of this
// type under it.
pombo::Json simulatedReply(const char* message, const char* key = nullptr,
                           const char* type = "string");

// What can be made to happen to an instance's phone, its link, and the WhatsApp behind both:
// POST /api/simulator/disconnect, logout, ban, network, profile, call
// and contact. The links outlive them.
void addPhoneRoutes(pombo::IHost&, SimulatedLinks&);
