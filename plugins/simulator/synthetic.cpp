#include "synthetic.hpp"

#include <botan/base64.h>
#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/system_rng.h>

#include <ctime>
#include <string_view>

namespace {

std::string randomBase64(std::size_t bytes) {
  return Botan::base64_encode(Botan::system_rng().random_vec(bytes));
}

std::string randomFrom(std::string_view alphabet, std::size_t length) {
  std::string text;
  for (const auto byte : Botan::system_rng().random_vec(length))
    text.push_back(alphabet[byte % alphabet.size()]);
  return text;
}

std::string randomDigits(std::size_t length) { return randomFrom("0123456789", length); }

}  // namespace

std::string syntheticQr() {
  std::string text = "2@" + randomBase64(66);
  for (int key = 0; key < 3; ++key) text += "," + randomBase64(32);
  return text;
}

std::string syntheticPairingCode() { return randomFrom("123456789ABCDEFGHJKLMNPQRSTVWXYZ", 8); }

std::string syntheticCallId() { return randomFrom("0123456789ABCDEF", 8); }

std::string syntheticNumber() { return "55119" + randomDigits(8); }

std::string syntheticLid() { return randomFrom("123456789", 1) + randomDigits(14) + "@lid"; }

std::string syntheticMessageId() { return "3EB0" + randomFrom("0123456789ABCDEF", 16); }

std::string syntheticGroupJid() { return "120363" + randomDigits(12) + "@g.us"; }

std::string syntheticChannelJid() { return "120363" + randomDigits(12) + "@newsletter"; }

std::string syntheticInviteCode() {
  return randomFrom("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 22);
}

std::string syntheticPictureId() { return "17" + randomDigits(8); }

std::string syntheticPiece() {
  std::string piece;
  for (int line = 0; line < 4096; ++line) piece += "Made by Pombo's simulator.\n";
  return piece;
}

std::string decodedBase64(const std::string& text) {
  const auto bytes = Botan::base64_decode(text);
  return {bytes.begin(), bytes.end()};
}

std::string encodedBase64(const std::string& bytes) {
  return Botan::base64_encode(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

struct Sha256::State {
  std::unique_ptr<Botan::HashFunction> hash = Botan::HashFunction::create_or_throw("SHA-256");
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  state_->hash->update(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string Sha256::hex() { return Botan::hex_encode(state_->hash->final(), false); }

std::string timeText(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[sizeof "2026-11-21T12:00:00Z"];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}
