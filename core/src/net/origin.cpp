#include "net/origin.hpp"

#include <algorithm>

#include "net/url.hpp"

namespace pombo {
namespace {

constexpr std::size_t kLongest = 300;

std::string lowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

bool isScheme(const std::string& text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
                  c == '.';
         });
}

}  // namespace

std::optional<std::string> originOfUrl(const std::string& url) {
  const auto parsed = parseUrl(url);
  if (!parsed) return std::nullopt;
  const bool v6 = parsed->host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + parsed->host + "]" : parsed->host;
  const bool usual = parsed->port == (parsed->scheme == "https" ? 443 : 80);
  return parsed->scheme + "://" + host + (usual ? "" : ":" + std::to_string(parsed->port));
}

std::optional<std::string> originOf(const std::string& text) {
  const auto end = text.find("://");
  if (end == text.npos || text.size() > kLongest) return std::nullopt;
  const std::string scheme = lowerCase(text.substr(0, end));
  const std::string rest = text.substr(end + 3);
  if (!isScheme(scheme) || rest.find_first_of("/?#@%*") != rest.npos) return std::nullopt;
  if (scheme == "http" || scheme == "https") return originOfUrl(scheme + "://" + rest);
  if (!isHost(rest)) return std::nullopt;
  return scheme + "://" + lowerCase(rest);
}

}  // namespace pombo
