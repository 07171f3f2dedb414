#include "comma_list.hpp"

#include <algorithm>

std::vector<std::string> commaListIn(const std::string& text) {
  constexpr auto kBlanks = " \t\r\n";
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const auto first = part.find_first_not_of(kBlanks);
    if (first != part.npos)
      parts.push_back(part.substr(first, part.find_last_not_of(kBlanks) + 1 - first));
    at = end + 1;
  }
  return parts;
}
