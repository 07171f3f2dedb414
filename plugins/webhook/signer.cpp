#include "signer.hpp"

#include <botan/base64.h>
#include <botan/mac.h>

std::string signaturesOf(const std::vector<std::string>& keys, const std::string& id,
                         std::int64_t timestamp, const std::string& body) {
  static const std::string mark = "whsec_";
  const auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
  std::string all;
  for (const auto& key : keys) {
    mac->set_key(Botan::base64_decode(key.substr(mark.size())));
    mac->update(id + "." + std::to_string(timestamp) + ".");
    mac->update(body);
    all += (all.empty() ? "v1," : " v1,") + Botan::base64_encode(mac->final());
  }
  return all;
}
