// A PostgreSQL URL, read and completed; what of it is secret stays out of texts.
#pragma once

#include <map>
#include <string>

namespace pombo {

class PostgresqlUrl {
 public:
  // Throws StorageError, which says what is wrong with it and repeats nothing of it.
  explicit PostgresqlUrl(const std::string& url);

  // For libpq: the URL's own parameters, and ours where it has none.
  const std::string& connection() const { return connection_; }
  // `text` without what is secret.
  std::string redacted(std::string text) const;

 private:
  std::map<std::string, std::string> given_;
  std::string connection_;
};

}  // namespace pombo
