#include "storage/store.hpp"

#include "storage/migrations.hpp"

namespace pombo {

Store::Store(const StoreOptions& options) : database_(options.database) {
  migrate(database_, "core", coreMigrations());
  const bool isNew = database_.read(
      [](Session& session) { return session.rows("SELECT one FROM server", "n").empty(); });
  const std::string file = options.keyFile.empty() ? database_.path() + ".key" : options.keyFile;
  // A key made for a database that was sealed with another would only hide that one is missing.
  keyring_ = std::make_unique<Keyring>(KeySource{options.keys, file}, isNew);
  sealer_ = std::make_unique<Sealer>(database_, *keyring_);
}

}  // namespace pombo
