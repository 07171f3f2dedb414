#include "storage/sealer.hpp"

#include <botan/aead.h>
#include <botan/base64.h>
#include <botan/hex.h>
#include <botan/kdf.h>
#include <botan/mac.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <string_view>

#include "storage/quick_base64.hpp"

namespace pombo {
namespace {

constexpr std::size_t kNonce = 12, kTag = 16;

std::string inUrl(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(std::find(text.begin(), text.end(), '='), text.end());
  return text;
}

Botan::secure_vector<std::uint8_t> bytesOf(const std::string& text) {
  return {text.begin(), text.end()};
}

// One key for one purpose: what seals never identifies, and the reverse.
Botan::secure_vector<std::uint8_t> derived(const Secret& key, const std::string& purpose) {
  static const auto hkdf = [] { return Botan::KDF::create_or_throw("HKDF(SHA-256)"); };
  const auto secret = bytesOf(key.reveal());
  return hkdf()->derive_key(32, secret, Botan::secure_vector<std::uint8_t>(), bytesOf(purpose));
}

}  // namespace

std::string toBase64(const std::string& bytes) {
  return Botan::base64_encode(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::optional<std::string> fromBase64(const std::string& text) try {
  const auto bytes = Botan::base64_decode(text, false);
  return std::string(bytes.begin(), bytes.end());
} catch (const std::exception&) {
  return std::nullopt;  // Botan says no more than that it is not base64
}

std::string toBase64Url(const std::string& bytes) { return inUrl(toBase64(bytes)); }

std::string randomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  Botan::system_rng().randomize(reinterpret_cast<std::uint8_t*>(bytes.data()), count);
  return bytes;
}

Secret newKey() { return Secret(randomBytes(32)); }

std::string keyIdOf(const Secret& masterKey) {
  return Botan::hex_encode(derived(masterKey, "pombo key id").data(), 8, false);
}

std::string macOf(const Secret& key, const std::string& text) {
  const auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
  mac->set_key(bytesOf(key.reveal()));
  mac->update(text);
  return Botan::hex_encode(mac->final(), false);
}

// One key with its schedule. Botan's objects are for one thread at a time.
class Sealer::Cipher {
 public:
  Cipher(std::string keyId, const Secret& masterKey)
      : id(std::move(keyId)), key_(derived(masterKey, "pombo seal")) {}

  std::string seal(const std::string& owner, const std::string& plain) {
    std::lock_guard lock(mutex_);
    auto& cipher = encrypt_;
    if (!cipher) cipher = made(Botan::ENCRYPTION);
    const std::string nonce = randomBytes(kNonce);
    start(*cipher, owner, nonce);
    auto text = bytesOf(plain);
    cipher->finish(text);
    return id + ":" + quickBase64(nonce + std::string(text.begin(), text.end()));
  }

  std::optional<Secret> open(const std::string& owner, const std::string& bytes) {
    if (bytes.size() < kNonce + kTag) return std::nullopt;
    std::lock_guard lock(mutex_);
    auto& cipher = decrypt_;
    if (!cipher) cipher = made(Botan::DECRYPTION);
    start(*cipher, owner, bytes.substr(0, kNonce));
    auto text = bytesOf(bytes.substr(kNonce));
    try {
      cipher->finish(text);
    } catch (const Botan::Integrity_Failure&) {
      return std::nullopt;
    }
    return Secret(std::string(text.begin(), text.end()));
  }

  const std::string id;

 private:
  std::unique_ptr<Botan::AEAD_Mode> made(Botan::Cipher_Dir direction) const {
    auto cipher = Botan::AEAD_Mode::create_or_throw("AES-256/GCM", direction);
    cipher->set_key(key_);
    return cipher;
  }
  static void start(Botan::AEAD_Mode& cipher, const std::string& owner, const std::string& nonce) {
    cipher.set_associated_data(reinterpret_cast<const std::uint8_t*>(owner.data()), owner.size());
    cipher.start(reinterpret_cast<const std::uint8_t*>(nonce.data()), nonce.size());
  }

  const Botan::secure_vector<std::uint8_t> key_;
  std::mutex mutex_;  // guards the two below
  std::unique_ptr<Botan::AEAD_Mode> encrypt_, decrypt_;
};

namespace {

const std::string kTokenKeyOwner = "server/token_key";

std::uint64_t nextSerial() {
  static std::atomic<std::uint64_t> serial{0};
  return ++serial;
}

std::string keyIdIn(const std::string& sealed) { return sealed.substr(0, sealed.find(':')); }

std::vector<Row> serverRow(Session& session) {
  return session.rows("SELECT sealing_key, token_key FROM server", "tt");
}

}  // namespace

Sealer::Sealer(Database& database, Keyring& keyring)
    : database_(database), keyring_(keyring), serial_(nextSerial()) {
  database_.commit([&](Session& session) {
    auto rows = serverRow(session);
    if (rows.empty()) {
      session.alone();  // of two first starts, one finds the other's
      rows = serverRow(session);
    }
    if (rows.empty()) {
      current_ = keyring_.newest();
      cipher_ = std::make_shared<Cipher>(current_, *keyring_.find(current_));
      tokenKey_ = newKey();
      session.run("INSERT INTO server (one, sealing_key, token_key) VALUES (1, :key, :token)",
                  {current_, cipher_->seal(kTokenKeyOwner, tokenKey_.reveal())});
      return;
    }
    current_ = rows.front().text(0);
    auto key = keyring_.find(current_);
    if (!key)
      throw std::runtime_error(
          "the master key is not the one that this database was sealed with (key id " + current_ +
          "): give the right POMBO_MASTER_KEY or security.keyFile");
    cipher_ = std::make_shared<Cipher>(current_, *key);
    auto opened = open(kTokenKeyOwner, rows.front().text(1));
    if (!opened)
      throw std::runtime_error("the database's own key does not open: it was tampered with");
    tokenKey_ = std::move(*opened);
  });
  database_.onBegin([this](Session& session) { follow(session); });
}

Sealer::~Sealer() { database_.onBegin(nullptr); }

// Another process may have rotated the key since the last transaction.
void Sealer::follow(Session& session) {
  const auto rows = serverRow(session);
  if (rows.empty() || rows.front().text(0) == keyId()) return;
  const std::string id = rows.front().text(0);
  const auto key = keyring_.find(id);
  if (!key) throw StorageError("the database is sealed with key " + id + ", which is not here");
  std::lock_guard lock(mutex_);
  current_ = id;
  cipher_ = std::make_shared<Cipher>(id, *key);
}

std::string Sealer::keyId() const {
  std::lock_guard lock(mutex_);
  return current_;
}

std::shared_ptr<Sealer::Cipher> Sealer::cipherOf(const std::string& keyId) const {
  std::lock_guard lock(mutex_);
  if (keyId == current_) return cipher_;
  if (other_ && other_->id == keyId) return other_;
  const auto key = keyring_.find(keyId);
  if (!key) return nullptr;
  return other_ = std::make_shared<Cipher>(keyId, *key);
}

std::string Sealer::seal(const std::string& owner, const std::string& plain) const {
  return cipherOf(keyId())->seal(owner, plain);
}

std::optional<Secret> Sealer::open(const std::string& owner, const std::string& sealed) const {
  const auto colon = sealed.find(':');
  if (colon == sealed.npos) return std::nullopt;
  const auto cipher = cipherOf(keyIdIn(sealed));
  const auto bytes = fromQuickBase64(std::string_view(sealed).substr(colon + 1));
  if (!cipher || !bytes) return std::nullopt;
  return cipher->open(owner, *bytes);
}

std::string Sealer::hashOf(const std::string& token) const {
  // A MAC keeps its key schedule; making one costs as much as using it.
  thread_local std::unique_ptr<Botan::MessageAuthenticationCode> mac;
  thread_local std::uint64_t owner = 0;
  if (owner != serial_) {
    mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
    mac->set_key(bytesOf(tokenKey_.reveal()));
    owner = serial_;
  }
  mac->update(token);
  const auto tag = mac->final();
  return inUrl(quickBase64({reinterpret_cast<const char*>(tag.data()), tag.size()}));
}

Secret Sealer::keyFor(const std::string& purpose) const {
  const auto key = derived(tokenKey_, purpose);
  return Secret(std::string(key.begin(), key.end()));
}

std::string Sealer::change(const std::function<std::string()>& choose) {
  std::string id;
  database_.commit([&](Session& session) {
    session.alone();
    id = choose();
    const auto key = keyring_.find(id);
    if (!key) throw std::runtime_error("the key " + id + " is not in the key ring");
    Cipher fresh(id, *key);
    session.run("UPDATE server SET sealing_key = :key, token_key = :token",
                {id, fresh.seal(kTokenKeyOwner, tokenKey_.reveal())});
  });
  return id;
}

}  // namespace pombo
