#include "storage/backend.hpp"

#include "storage/postgresql_backend.hpp"
#include "storage/sqlite_backend.hpp"

namespace pombo {

std::unique_ptr<Backend> backendOf(const DatabaseOptions& options) {
  const std::string file = "sqlite:";
  if (options.url.starts_with(file) && options.url.size() > file.size())
    return std::make_unique<SqliteBackend>(options.url.substr(file.size()),
                                           options.synchronous != "normal");
  for (const auto* server : {"postgresql://", "postgres://"})
    if (options.url.starts_with(server)) return std::make_unique<PostgresqlBackend>(options);
  throw StorageError("database must be sqlite:PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME");
}

}  // namespace pombo
