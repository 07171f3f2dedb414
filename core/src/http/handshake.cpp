#include "http/handshake.hpp"

#include <botan/hash.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "http/deflate.hpp"
#include "storage/quick_base64.hpp"

namespace pombo {
namespace {

constexpr auto kSalt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeyBytes = 16;

std::string acceptanceOf(const std::string& key) {
  const auto sha1 = Botan::HashFunction::create_or_throw("SHA-1");
  sha1->update(key);
  sha1->update(kSalt);
  const auto digest = sha1->final();
  return quickBase64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string_view trimmed(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// No value that has a meaning here holds a separator, quoted or not.
std::vector<std::string_view> partsOf(std::string_view list, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= list.size();) {
    const auto end = std::min(list.find(separator, at), list.size());
    parts.push_back(trimmed(list.substr(at, end - at)));
    at = end + 1;
  }
  return parts;
}

// 8 to 15, or 0.
int windowBitsIn(std::string_view value) {
  if (value.size() > 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  for (int bits = 8; bits <= 15; ++bits)
    if (value == std::to_string(bits)) return bits;
  return 0;
}

struct Offer {
  bool isGood = true;
  bool limitsUs = false;

  void read(std::string_view parameter) {
    const auto equals = std::min(parameter.find('='), parameter.size());
    const auto name = trimmed(parameter.substr(0, equals));
    const bool hasValue = equals < parameter.size();
    const int bits = hasValue ? windowBitsIn(trimmed(parameter.substr(equals + 1))) : 0;
    if (!names_.insert(name).second) isGood = false;
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover")
      isGood = isGood && !hasValue;
    else if (name == "client_max_window_bits")
      isGood = isGood && (!hasValue || bits > 0);
    else if (name == "server_max_window_bits")
      isGood = isGood && (limitsUs = bits >= kDeflateWindowBits);
    else
      isGood = false;
  }

 private:
  std::set<std::string_view> names_;
};

}  // namespace

std::optional<Headers> handshakeOf(const RequestHead& head) {
  if (!head.upgrade || head.method != "GET") return std::nullopt;
  const auto version = head.headers.find("sec-websocket-version");
  const auto key = head.headers.find("sec-websocket-key");
  if (version == head.headers.end() || version->second != "13" || key == head.headers.end())
    return std::nullopt;
  const auto nonce = fromQuickBase64(key->second);
  if (!nonce || nonce->size() != kKeyBytes) return std::nullopt;
  return Headers{{"upgrade", "websocket"}, {"sec-websocket-accept", acceptanceOf(key->second)}};
}

std::optional<std::string> deflateOf(const RequestHead& head) {
  const auto offers = head.headers.find("sec-websocket-extensions");
  if (offers == head.headers.end()) return std::nullopt;
  for (const auto each : partsOf(offers->second, ',')) {
    const auto parts = partsOf(each, ';');
    if (parts.front() != "permessage-deflate") continue;
    Offer offer;
    for (std::size_t i = 1; i < parts.size(); ++i) offer.read(parts[i]);
    if (!offer.isGood) continue;
    std::string answer =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    if (offer.limitsUs) answer += "; server_max_window_bits=" + std::to_string(kDeflateWindowBits);
    return answer;
  }
  return std::nullopt;
}

}  // namespace pombo
