#include "net/url.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <locale.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace pombo {
namespace {

constexpr std::size_t kLongestZone = 15;

// curl takes the letters of a host for those of the locale. Ours are UTF-8, whatever the server was
// started with.
class Utf8Scope {
 public:
  Utf8Scope() : before_(::uselocale(utf8())) {}
  ~Utf8Scope() { ::uselocale(before_); }
  Utf8Scope(const Utf8Scope&) = delete;
  Utf8Scope& operator=(const Utf8Scope&) = delete;

 private:
  static locale_t utf8() {
    static const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
    return made;
  }
  const locale_t before_;
};

std::optional<std::string> partOf(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  const auto code = curl_url_get(url, part, &text, flags);
  // Also when it fails: of a host without an ASCII form, curl leaves its copy behind.
  const std::unique_ptr<char, void (*)(void*)> owned(text, curl_free);
  if (code != CURLUE_OK) return std::nullopt;
  return std::string(text);
}

bool isIpv4(const std::string& host) {
  in_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1;
}

// As resolvers take them: labels of 1 to 63, 253 in all, one dot more at the end.
bool isHostName(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    if (!good || ++label > 63) return false;
  }
  return label > 0;
}

bool isPlain(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f;
  });
}

// The name of an interface, as far as curl has room for it; "%25" is "%" to it.
bool isZone(std::string name) {
  if (name.size() > 2 && name.starts_with("25")) name.erase(0, 2);
  return name.size() <= kLongestZone && isHostName(name);
}

// With or without a zone.
bool isIpv6(const std::string& host) {
  const auto percent = host.find('%');
  in6_addr ignored{};
  return isPlain(host) &&  // which inet_pton() would read up to its first NUL
         ::inet_pton(AF_INET6, host.substr(0, percent).c_str(), &ignored) == 1 &&
         (percent == host.npos || isZone(host.substr(percent + 1)));
}

}  // namespace

std::optional<Url> parseUrl(const std::string& text) {
  if (!isPlain(text)) return std::nullopt;
  const Utf8Scope utf8;
  // Browsers take a backslash for a slash, curl does not: whoever means it finds another host.
  if (text.substr(0, text.find_first_of("?#")).find('\\') != text.npos) return std::nullopt;
  // curl takes one slash or three for the two that there must be: then what stands behind them is
  // a host to curl alone.
  const auto colon = text.find(':');
  if (text.compare(colon + 1, 2, "//") != 0 || text.compare(colon + 1, 3, "///") == 0)
    return std::nullopt;
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return std::nullopt;
  Url found;
  found.scheme = partOf(url.get(), CURLUPART_SCHEME, 0).value_or("");
  if (found.scheme != "http" && found.scheme != "https") return std::nullopt;
  auto host = partOf(url.get(), CURLUPART_HOST, CURLU_PUNYCODE);
  if (!host || host->empty()) return std::nullopt;
  // IDNA maps "。" to "." and wide digits to digits, and "%31" is "1": what comes out is read once
  // more, as a host.
  const bool respelled =
      partOf(url.get(), CURLUPART_HOST, 0) != host || text.find('%') != text.npos;
  if (respelled && host->find_first_of("[%") == host->npos)
    if (auto again = parseUrl(found.scheme + "://" + *host + "/")) host = again->host;
  std::transform(host->begin(), host->end(), host->begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (host->starts_with('[') && host->ends_with(']')) *host = host->substr(1, host->size() - 2);
  if (const auto zone = partOf(url.get(), CURLUPART_ZONEID, 0); zone && !zone->empty())
    *host = host->substr(0, host->find('%'));
  if (!isIpv6(*host) && !isHostName(*host)) return std::nullopt;
  // "127.0.0.1." and "127.1." are that address to whoever drops the dot before he dials.
  if (host->ends_with('.'))
    if (const auto again = parseUrl(found.scheme + "://" + host->substr(0, host->size() - 1) + "/");
        again && isIpv4(again->host))
      host = again->host;
  found.host = *host;
  if (const auto plain = partOf(url.get(), CURLUPART_HOST, 0); !isIpv6(*host) && plain != host)
    curl_url_set(url.get(), CURLUPART_HOST, host->c_str(), 0);
  found.dialled = partOf(url.get(), CURLUPART_URL, 0).value_or("");
  const auto port = partOf(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
  int number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  if (number < 1 || number > 65535) return std::nullopt;
  found.port = static_cast<std::uint16_t>(number);
  found.credentials = partOf(url.get(), CURLUPART_USER, 0).has_value() ||
                      partOf(url.get(), CURLUPART_PASSWORD, 0).has_value();
  return found;
}

std::optional<std::string> hostIn(const std::string& text) {
  const bool bracketed = text.starts_with('[') && text.ends_with(']');
  const bool six = !bracketed && isIpv6(text);
  if (!six && text.find_first_of(bracketed ? "/?#@" : "/?#@:[]") != text.npos) return std::nullopt;
  const auto url = parseUrl("http://" + (six ? "[" + text + "]" : text) + "/");
  return url ? std::optional(url->host) : std::nullopt;
}

bool isHost(const std::string& text) {
  if (text.starts_with('[') && text.ends_with(']')) return isIpv6(text.substr(1, text.size() - 2));
  return isIpv6(text) || isHostName(text);
}

}  // namespace pombo
