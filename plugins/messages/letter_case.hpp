#pragma once

#include <string>

// As it compares with others whatever their case, in any script; as it is when it is not UTF-8.
std::string caseFolded(const std::string& text);
