// URLs and hosts as libcurl reads them: what is checked here is what is dialled later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pombo {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; a number is in its usual form, a name in its ASCII form; no []
  std::uint16_t port = 0;
  bool credentials = false;  // there is user info
  std::string dialled;       // the whole of it, its host as above: what a client is to be given
};

// Nothing for anything but a well-formed http or https URL with a host.
std::optional<Url> parseUrl(const std::string& text);

// The host of a text that is a host alone, as in Url: "[::1]" is "::1" and "127.1" is "127.0.0.1".
std::optional<std::string> hostIn(const std::string& text);

// An IP address, with or without brackets, or a host name: letters, digits, "-", "_" and dots.
bool isHost(const std::string& text);

}  // namespace pombo
