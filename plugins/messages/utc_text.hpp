#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// "2026-11-21T12:00:00Z": whole seconds, rounded down.
std::string utcText(std::chrono::system_clock::time_point);
std::string utcText(std::chrono::sys_seconds);

// Since 1970.
std::int64_t microseconds(std::chrono::system_clock::time_point);

// Of RFC 3339 with a zone, years 0001 to 9999; what is less than a second is left out. Nothing: it
// is no such text.
std::optional<std::chrono::sys_seconds> timeIn(std::string_view text);
