#include "signer.hpp"

#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/mac.h>

#include <cctype>
#include <ctime>
#include <utility>

namespace s3 {
namespace {

// "20130524T000000Z"; its first eight characters are the day.
std::string stampOf(Time now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[20]{};
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return text;
}

Botan::secure_vector<std::uint8_t> hmac(const Botan::secure_vector<std::uint8_t>& key,
                                        const std::string& text) {
  const auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
  mac->set_key(key);
  mac->update(text);
  return mac->final();
}

std::string hexOf(const Botan::secure_vector<std::uint8_t>& bytes) {
  return Botan::hex_encode(bytes, false);
}

// Blanks around a value and repeated ones inside do not count.
std::string collapsed(const std::string& value) {
  std::string out;
  for (const char c : value)
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

const char* wordOf(Verb verb) {
  switch (verb) {
    case Verb::get:
      return "GET";
    case Verb::put:
      return "PUT";
    case Verb::del:
      return "DELETE";
  }
  return "";
}

std::string sha256Hex(const std::string& bytes) {
  const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
  hash->update(bytes);
  return hexOf(hash->final());
}

std::string encodedPath(const std::string& path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte)) || std::string("-._~/").find(c) != std::string::npos)
      out += c;
    else
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

Signer::Signer(std::string region, std::string accessKey, std::string secretKey)
    : region_(std::move(region)),
      accessKey_(std::move(accessKey)),
      secretKey_(std::move(secretKey)) {}

std::string Signer::signatureOf(const std::string& text, const std::string& day) const {
  const std::string first = "AWS4" + secretKey_;
  Botan::secure_vector<std::uint8_t> key(first.begin(), first.end());
  for (const auto& part : {day, region_, std::string("s3"), std::string("aws4_request")})
    key = hmac(key, part);
  return hexOf(hmac(key, text));
}

Headers Signer::sign(const Signable& request, Time now) const {
  const std::string stamp = stampOf(now), day = stamp.substr(0, 8);
  Headers headers = request.headers;
  headers["host"] = request.host;
  headers["x-amz-content-sha256"] = request.bodyHash;
  headers["x-amz-date"] = stamp;
  std::string lines, names;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + collapsed(value) + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical = std::string(wordOf(request.verb)) + "\n" + request.path + "\n" +
                                request.query + "\n" + lines + "\n" + names + "\n" +
                                request.bodyHash;
  const std::string scope = day + "/" + region_ + "/s3/aws4_request";
  const std::string signature =
      signatureOf("AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + sha256Hex(canonical), day);
  headers["authorization"] = "AWS4-HMAC-SHA256 Credential=" + accessKey_ + "/" + scope +
                             ",SignedHeaders=" + names + ",Signature=" + signature;
  return headers;
}

}  // namespace s3
