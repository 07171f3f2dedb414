// The methods of HTTP, by their words.
#pragma once

#include <optional>
#include <string>

#include "pombo/http.hpp"

namespace pombo {

const char* wordOf(Method);  // "GET"
std::optional<Method> methodNamed(const std::string& word);

}  // namespace pombo
