#pragma once

#include <chrono>
#include <string>

// "2026-11-21T12:00:00Z": whole seconds, rounded down.
std::string utcText(std::chrono::system_clock::time_point);
