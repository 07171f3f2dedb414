// What is special about an IP address, in the words of the wire.
#pragma once

#include <optional>

#include "net/address.hpp"

namespace pombo {

// "loopback address", "private address", ...; null for one of the public network.
const char* classOf(const Address&);

// Where clouds hand out credentials, on addresses of which their class does not tell.
bool isMetadata(const Address&);

// The IPv4 address that NAT64 makes of it; any other address is itself.
Address translated(const Address&);

// The IPv4 address that a tunnel finds in it: 6to4, Teredo, ISATAP and what came before them.
std::optional<Address> tunnelled(const Address&);

}  // namespace pombo
