#include "http/handshake.hpp"

#include <botan/hash.h>

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

}  // namespace pombo
