// How a request becomes a WebSocket (RFC 6455, 4.2).
#pragma once

#include <optional>
#include <string>

#include "http/exchange.hpp"

namespace pombo {

// The headers of the 101; nothing when this is no upgrade to version 13.
std::optional<Headers> handshakeOf(const RequestHead&);

// The answer to the first offer of permessage-deflate that can be kept (RFC 7692, 7.1), without
// context takeover; nothing when there is none.
std::optional<std::string> deflateOf(const RequestHead&);

}  // namespace pombo
