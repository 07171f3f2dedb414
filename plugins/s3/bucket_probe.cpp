#include "bucket_probe.hpp"

#include <botan/hex.h>
#include <botan/system_rng.h>

#include <optional>

namespace s3 {
namespace {

const std::string kByte = "1";

}  // namespace

std::string keyUnder(const std::string& prefix, const std::string& name) {
  return prefix.empty() || prefix.ends_with('/') ? prefix + name : prefix + "/" + name;
}

void probe(const BucketClient& client, const std::string& prefix) {
  const auto random = Botan::hex_encode(Botan::system_rng().random_vec(8), false);
  const std::string key = keyUnder(prefix, ".pombo-" + random);
  client.put(key, kByte, "application/octet-stream");
  std::optional<BucketError> unreadable;
  try {
    if (client.get(key) != kByte) unreadable = BucketError("what was written is not what is read");
  } catch (const BucketError& error) {
    unreadable = error;
  }
  // What could be written is not left behind, readable or not.
  try {
    client.remove(key);
  } catch (const BucketError&) {
    if (!unreadable) throw;
  }
  if (unreadable) throw *unreadable;
}

}  // namespace s3
