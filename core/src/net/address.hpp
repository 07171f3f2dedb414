// IP addresses and blocks of them.
#pragma once

#include <netinet/in.h>

#include <optional>
#include <string>

namespace pombo {

// An IPv4 address is kept as ::ffff:a.b.c.d.
using Address = in6_addr;
std::optional<Address> addressOf(const std::string& text);  // no names, no zone
std::optional<Address> addressOf(const sockaddr&);          // of either family
std::string textOf(const Address&);                         // "192.0.2.1", "2001:db8::1"

// A block of addresses: "10.0.0.0/8", "::1", "fd00::/8".
struct Cidr {
  Address first{};
  int bits = 128;
  bool contains(const Address&) const;
};
std::optional<Cidr> cidrOf(const std::string& text);

}  // namespace pombo
