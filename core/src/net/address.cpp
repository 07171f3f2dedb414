#include "net/address.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstdint>
#include <cstring>

namespace pombo {
namespace {

Address mapped(const in_addr& four) {
  Address address{};
  address.s6_addr[10] = address.s6_addr[11] = 0xff;
  std::memcpy(address.s6_addr + 12, &four, 4);
  return address;
}

}  // namespace

std::optional<Address> addressOf(const std::string& text) {
  if (text.find('\0') != text.npos) return std::nullopt;  // inet_pton() would stop there
  Address address{};
  if (::inet_pton(AF_INET6, text.c_str(), &address) == 1) return address;
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) != 1) return std::nullopt;
  return mapped(four);
}

std::optional<Address> addressOf(const sockaddr& address) {
  if (address.sa_family == AF_INET)
    return mapped(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.sa_family == AF_INET6)
    return reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return std::nullopt;
}

std::string textOf(const Address& address) {
  char text[INET6_ADDRSTRLEN];
  if (IN6_IS_ADDR_V4MAPPED(&address))
    return ::inet_ntop(AF_INET, address.s6_addr + 12, text, sizeof text);
  return ::inet_ntop(AF_INET6, &address, text, sizeof text);
}

bool Cidr::contains(const Address& address) const {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (std::memcmp(first.s6_addr, address.s6_addr, whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00 >> (bits % 8));
  return (first.s6_addr[whole] & mask) == (address.s6_addr[whole] & mask);
}

std::optional<Cidr> cidrOf(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = addressOf(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int most = text.find(':') == text.npos ? 32 : 128;
  int bits = most;
  if (slash != text.npos) {
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc() || at != end || bits < 0 || bits > most) return std::nullopt;
  }
  return Cidr{*address, bits + 128 - most};
}

}  // namespace pombo
