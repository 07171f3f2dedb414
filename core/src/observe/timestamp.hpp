// Points in time as log lines show them.
#pragma once

#include <chrono>
#include <string>

namespace pombo {

// "2026-11-21T10:30:00.123Z"
std::string timestamp(std::chrono::system_clock::time_point);

}  // namespace pombo
