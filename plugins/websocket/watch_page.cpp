#include "watch_page.hpp"

#include <string_view>

namespace {

// For an attribute.
std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '"')
      safe += "&quot;";
    else if (c == '<')
      safe += "&lt;";
    else
      safe += c;
  }
  return safe;
}

void put(std::string& page, std::string_view mark, std::string_view text) {
  page.replace(page.find(mark), mark.size(), escaped(text));
}

}  // namespace

std::string watchPageOf(const std::string& baseUrl) {
  const auto host = baseUrl.find("://");
  const auto path = host == baseUrl.npos ? host : baseUrl.find('/', host + 3);
  std::string page = kWatchPage;
  // A browser may have come by another name than the server's own: its paths are what they share.
  put(page, "{base}", path == baseUrl.npos ? "" : baseUrl.substr(path));
  put(page, "{server}", baseUrl);
  return page;
}
