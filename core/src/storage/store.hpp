// The database with everything that opens it: migrations, keys, the sealer.
#pragma once

#include <memory>
#include <string>

#include "storage/database.hpp"
#include "storage/keyring.hpp"
#include "storage/sealer.hpp"

namespace pombo {

struct StoreOptions {
  DatabaseOptions database;
  std::string keys;     // POMBO_MASTER_KEY; empty: the file
  std::string keyFile;  // empty: beside the SQLite file, with ".key" after its name; PostgreSQL
                        // needs one of the two
};

// Made at its first opening, by the server or the command line, whichever comes first. Throws
// std::runtime_error for the operator.
class Store {
 public:
  explicit Store(const StoreOptions&);

  Database& database() { return database_; }
  Keyring& keyring() { return *keyring_; }
  Sealer& sealer() { return *sealer_; }

 private:
  Database database_;
  std::unique_ptr<Keyring> keyring_;
  std::unique_ptr<Sealer> sealer_;
};

}  // namespace pombo
