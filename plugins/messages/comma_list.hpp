#pragma once

#include <string>
#include <vector>

// "a, b,," is a and b.
std::vector<std::string> commaListIn(const std::string& text);
