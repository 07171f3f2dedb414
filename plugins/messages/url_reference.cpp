#include "url_reference.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace {

bool hasScheme(std::string_view reference) {
  const auto colon = reference.find(':');
  if (colon == reference.npos || colon == 0) return false;
  const auto scheme = reference.substr(0, colon);
  return std::isalpha(static_cast<unsigned char>(scheme[0])) &&
         std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '+' || c == '-' || c == '.';
         });
}

// An absolute path without "." and "..".
std::string withoutDots(std::string_view path) {
  std::string made;
  while (!path.empty()) {
    const auto end = std::min(path.find('/', 1), path.size());
    const auto segment = path.substr(0, end);
    path.remove_prefix(end);
    const bool up = segment == "/..";
    if (up) made.erase(std::min(made.rfind('/'), made.size()));
    if (!up && segment != "/.")
      made += segment;
    else if (path.empty())
      made += '/';
  }
  return made;
}

}  // namespace

std::string resolved(const std::string& base, const std::string& reference) {
  const std::string to = reference.substr(0, reference.find('#'));
  if (hasScheme(to)) return to;
  const std::string from = base.substr(0, base.find('#'));
  const auto authority = from.find("://") + 3;
  if (to.starts_with("//")) return from.substr(0, authority - 2) + to;
  const std::string origin = from.substr(0, from.find_first_of("/?", authority));
  const std::string rest = from.substr(origin.size()), path = rest.substr(0, rest.find('?'));
  if (to.empty()) return from;
  if (to.starts_with('?')) return origin + (path.empty() ? "/" : path) + to;
  const std::string query = to.substr(std::min(to.find('?'), to.size()));
  const std::string named = to.substr(0, to.size() - query.size());
  const std::string folder = path.empty() ? "/" : path.substr(0, path.rfind('/') + 1);
  return origin + withoutDots(named.starts_with('/') ? named : folder + named) + query;
}
