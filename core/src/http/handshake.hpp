// How a request becomes a WebSocket (RFC 6455, 4.2).
#pragma once

#include <optional>

#include "http/exchange.hpp"

namespace pombo {

// The headers of the 101; nothing when this is no upgrade to version 13.
std::optional<Headers> handshakeOf(const RequestHead&);

}  // namespace pombo
