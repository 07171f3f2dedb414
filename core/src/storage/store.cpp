#include "storage/store.hpp"

#include "storage/migrations.hpp"

namespace pombo {
namespace {

const DatabaseOptions& withKey(const StoreOptions& options) {
  const bool hasNoFile = options.database.url.starts_with("postgres");
  if (hasNoFile && options.keys.empty() && options.keyFile.empty())
    throw std::runtime_error(
        "on PostgreSQL there is no file to keep the master key beside: give POMBO_MASTER_KEY (32 "
        "bytes in base64) or security.keyFile");
  return options.database;
}

}  // namespace

Store::Store(const StoreOptions& options) : database_(withKey(options)) {
  migrate(database_, "core", coreMigrations());
  const bool isNew = database_.read(
      [](Session& session) { return session.rows("SELECT one FROM server", "n").empty(); });
  const std::string file = options.keyFile.empty() ? database_.file() + ".key" : options.keyFile;
  // A key made for a database that was sealed with another would only hide that one is missing.
  keyring_ = std::make_unique<Keyring>(KeySource{options.keys, file}, isNew);
  sealer_ = std::make_unique<Sealer>(database_, *keyring_);
}

}  // namespace pombo
