// When a receiver wants to be asked again.
#pragma once

#include <chrono>
#include <optional>
#include <string>

// Of the value of a Retry-After header: seconds, or a date in any of the three forms of HTTP. At
// most a day from now; nothing when it is neither, or over already.
std::optional<std::chrono::system_clock::time_point> retryAt(
    const std::string& retryAfter, std::chrono::system_clock::time_point now);
