// The master keys: where they come from, and which is which.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/secret.hpp"

namespace pombo {

// A master key: 32 bytes, and an id that tells it from others without telling anything of it.
struct MasterKey {
  std::string id;  // 16 hexadecimal digits, derived from the key
  Secret bytes;
};

struct KeySource {
  std::string environment;  // base64 keys, comma separated; wins over the file when not empty
  std::string file;         // one base64 key a line; the first is the newest
};

// Thread-safe. Throws std::runtime_error with a sentence for the operator, never with a key.
class Keyring {
 public:
  // Reads the keys; makes the file, with one key, when `mayCreate` and there is none.
  Keyring(KeySource, bool mayCreate);

  std::string newest() const;  // its id
  // The key of that id. Reads the file again before it gives up: another process may have added it.
  // One that was taken out of the file is still found: what it has sealed may have been read
  // before.
  std::optional<Secret> find(const std::string& id);
  std::vector<std::string> ids() const;

  bool fromFile() const { return source_.environment.empty(); }
  const std::string& file() const { return source_.file; }

  // Puts a fresh key before the others, in the file. [file only]
  std::string add();
  // Keeps that one only, in the file. [file only]
  void keepOnly(const std::string& id);

 private:
  std::vector<MasterKey> read() const;
  void write(const std::vector<MasterKey>&) const;
  void take(std::vector<MasterKey> keys);  // under mutex_, as all there are now

  KeySource source_;
  mutable std::mutex mutex_;     // guards both below
  std::vector<MasterKey> keys_;  // as they are in the file
  std::vector<MasterKey> gone_;  // out of it, since this was made
};

// 32 random bytes.
Secret newKey();

}  // namespace pombo
