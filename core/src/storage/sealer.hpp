// Secrets at rest: AES-256-GCM under a master key, bound to the row that owns them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "storage/database.hpp"
#include "storage/keyring.hpp"

namespace pombo {

std::string toBase64(const std::string& bytes);
std::optional<std::string> fromBase64(const std::string& text);
std::string toBase64Url(const std::string& bytes);  // without padding

std::string randomBytes(std::size_t count);  // from the operating system
std::string keyIdOf(const Secret& masterKey);
std::string macOf(const Secret& key, const std::string& text);  // HMAC-SHA256, 64 hex digits

// A sealed value is "<key id>:<base64 of nonce, ciphertext and tag>". `owner` names the row and the
// column; a value moved elsewhere does not open. Thread-safe.
class Sealer {
 public:
  // Reads the server's row, or writes it on a new database. Throws std::runtime_error for the
  // operator when the keys do not open it. Registers itself with the database, so that every
  // transaction seals with the key that is current inside it.
  Sealer(Database&, Keyring&);
  ~Sealer();

  // Inside a transaction, where the key cannot change, or to be thrown away when keyId() is another
  // one there: that is what makes a rotation beside a running server safe.
  std::string seal(const std::string& owner, const std::string& plain) const;
  // Nothing when it was changed, moved, or the key is not there.
  std::optional<Secret> open(const std::string& owner, const std::string& sealed) const;

  // HMAC-SHA256 under a key of the server, base64url: how tokens are looked up.
  std::string hashOf(const std::string& token) const;

  // A key for one purpose, derived from the one that tokens are hashed with: it stays the same for
  // as long as the database does, whatever becomes of the master key.
  Secret keyFor(const std::string& purpose) const;

  std::string keyId() const;  // of the key that seals

  // Makes the key that `choose` names the one that seals, and returns its id. Rows are sealed again
  // by the caller. `choose` runs inside a transaction that no other is beside: of two
  // rotations at once, one waits for the other. Throws when there is no such key.
  std::string change(const std::function<std::string()>& choose);

 private:
  class Cipher;
  std::shared_ptr<Cipher> cipherOf(const std::string& keyId) const;
  void follow(Session&);

  Database& database_;
  Keyring& keyring_;
  const std::uint64_t serial_;  // tells sealers apart, also one after another at one address
  Secret tokenKey_;
  mutable std::mutex mutex_;  // guards current_, cipher_, others_
  std::string current_;
  std::shared_ptr<Cipher> cipher_;         // of current_
  mutable std::shared_ptr<Cipher> other_;  // the last one of another key, while rotating
};

}  // namespace pombo
