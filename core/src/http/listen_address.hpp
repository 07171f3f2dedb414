// What "HOST:PORT" in the configuration means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pombo {

struct ListenAddress {
  std::string host;  // "::", "127.0.0.1", "localhost"; no brackets
  std::uint16_t port = 0;
  bool operator==(const ListenAddress&) const = default;
};

// "[::]:8080", "127.0.0.1:0", "localhost:8080". Throws std::runtime_error that says what is wrong.
ListenAddress parseListenAddress(std::string_view text);

}  // namespace pombo
