// Times as clients write and read them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

// "2026-11-21T12:00:00Z": whole seconds, rounded down.
std::string rfc3339(std::chrono::system_clock::time_point);
// With any offset and fraction, which counts to the millisecond; nothing when it is no such time.
std::optional<std::chrono::system_clock::time_point> timeIn(const std::string& text);
