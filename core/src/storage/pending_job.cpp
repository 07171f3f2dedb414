#include "storage/pending_job.hpp"

namespace pombo {
namespace {

void append(std::string& array, const SqlValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    array += std::to_string(*number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    array.push_back('"');
    for (const char c : *text) {
      if (c == '"' || c == '\\') array.push_back('\\');
      array.push_back(c);
    }
    array.push_back('"');
  } else {
    array += "NULL";
  }
}

}  // namespace

std::string arrayOf(const Values& values) {
  std::string array = "{";
  for (const auto& value : values) {
    if (array.size() > 1) array.push_back(',');
    append(array, value);
  }
  array.push_back('}');
  return array;
}

}  // namespace pombo
