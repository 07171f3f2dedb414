#include "integration_identity.hpp"

#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/system_rng.h>

#include <array>
#include <cstdint>

namespace {

// From the highest bit to the lowest, `bits` at a time; what does not fill the last one is zero.
template <class Bytes>
std::string digitsOf(const Bytes& bytes, const char* alphabet, int bits, int pending) {
  std::string text;
  std::uint32_t window = 0;
  for (const std::uint8_t byte : bytes) {
    window = (window << 8) | byte;
    for (pending += 8; pending >= bits;) {
      pending -= bits;
      text.push_back(alphabet[(window >> pending) & ((1U << bits) - 1)]);
    }
  }
  if (pending > 0) text.push_back(alphabet[(window << (bits - pending)) & ((1U << bits) - 1)]);
  return text;
}

}  // namespace

std::string newIntegrationId(std::chrono::system_clock::time_point now) {
  std::array<std::uint8_t, 16> bytes;  // 48 bits of milliseconds, 80 random ones
  Botan::system_rng().randomize(bytes.data(), bytes.size());
  auto time = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  for (int at = 5; at >= 0; --at, time >>= 8)
    bytes[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(time);
  // 128 bits in digits of five: a ULID begins with two zero bits.
  return "int_" + digitsOf(bytes, "0123456789abcdefghjkmnpqrstvwxyz", 5, 2);
}

std::string newCallbackSecret() {
  const auto bytes = Botan::system_rng().random_vec(32);
  return digitsOf(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6, 0);
}

std::string digestOf(const std::string& secret) {
  return Botan::hex_encode(Botan::HashFunction::create_or_throw("SHA-256")->process(secret), false);
}
