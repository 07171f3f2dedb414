#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct Mute {
  std::int64_t seconds = 0;  // 0: for ever
  const char* said = "";     // of it, in the answer
};

// "8h", "1 week", "always", ...; empty is for ever. Nothing: it is none of the durations that
// phones offer.
std::optional<Mute> muteFor(const std::string& duration);
