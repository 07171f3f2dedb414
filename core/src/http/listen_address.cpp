#include "http/listen_address.hpp"

#include <charconv>
#include <limits>
#include <stdexcept>

namespace pombo {
namespace {

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw std::runtime_error("Cannot listen on '" + std::string(text) + "': " + why);
}

std::uint16_t portOf(std::string_view text, std::string_view port) {
  unsigned value = 0;
  const auto* end = port.data() + port.size();
  const auto [stopped, error] = std::from_chars(port.data(), end, value);
  if (error != std::errc{} || stopped != end || port.size() > 5 ||
      value > std::numeric_limits<std::uint16_t>::max()) {
    refuse(text, "the port must be a number from 0 to 65535");
  }
  return static_cast<std::uint16_t>(value);
}

}  // namespace

ListenAddress parseListenAddress(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text, "it must be HOST:PORT");
  auto host = text.substr(0, colon);
  const auto port = portOf(text, text.substr(colon + 1));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) refuse(text, "brackets are for IPv6 addresses");
  } else if (host.find_first_of("[]:") != std::string_view::npos) {
    refuse(text, "an IPv6 address must be in brackets, such as [::]:8080");
  }
  if (host.empty()) refuse(text, "the host is missing; [::] takes every address");
  return {std::string(host), port};
}

}  // namespace pombo
