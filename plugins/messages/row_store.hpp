// Reading what a query has found.
#pragma once

#include <string>

#include "pombo/storage.hpp"

// "" unless there is a text.
inline std::string textIn(const pombo::SqlRow& row, const char* column) {
  const auto* text = std::get_if<std::string>(&row.at(column));
  return text ? *text : std::string();
}

// 0 unless there is a number.
inline std::int64_t numberIn(const pombo::SqlRow& row, const char* column) {
  const auto* number = std::get_if<std::int64_t>(&row.at(column));
  return number ? *number : 0;
}
