#include "block/manifest.hpp"

#include <botan/hash.h>
#include <botan/hex.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "pombo/abi.hpp"

namespace pombo {
namespace {

std::string sha256Of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
  char bytes[64 * 1024];
  while (in.read(bytes, sizeof bytes) || in.gcount() > 0)
    hash->update(reinterpret_cast<const std::uint8_t*>(bytes),
                 static_cast<std::size_t>(in.gcount()));
  if (!in.eof()) throw std::runtime_error(file + ": cannot be read");
  return Botan::hex_encode(hash->final(), false);
}

}  // namespace

Origin originOf(const std::string& library, const std::string& manifest) {
  std::ifstream in(manifest);
  if (!in) return Origin::foreign;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  boost::json::error_code error;
  const Json all = boost::json::parse(text, error);
  const auto* known = error ? nullptr : all.if_object();
  if (!known) throw std::runtime_error(manifest + ": is no manifest");
  const auto* entry = known->if_contains(std::filesystem::path(library).filename().string());
  if (!entry) return Origin::foreign;
  const auto* digest = entry->if_string();
  return digest && std::string_view(*digest) == sha256Of(library) ? Origin::shipped
                                                                  : Origin::changed;
}

}  // namespace pombo
