// Where a block keeps what it knows. Everything here is already scoped to the calling block.
//
// While an instance is being created, configured or deleted, what a block writes is kept back and
// committed together with the instance, or not at all. load() and open() see it at once; query()
// sees it after the commit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pombo/instance.hpp"

namespace pombo {

// One JSON document per instance; what most blocks need and no more. Core deletes it with the
// instance.
class POMBO_API ISettings {
 public:
  virtual ~ISettings() = default;
  virtual std::optional<Json> load(const InstanceId&) const = 0;   // [any thread]
  virtual void save(const InstanceId&, const Json& document) = 0;  // [any thread]
  virtual void erase(const InstanceId&) = 0;                       // [any thread]
};

// Named secrets per instance, sealed at rest. The block never sees ciphertext or key. Core deletes
// them with the instance.
class POMBO_API ISecrets {
 public:
  virtual ~ISecrets() = default;
  // Throws Error{internal} when it is there and cannot be opened. [any thread]
  virtual std::optional<std::string> open(const InstanceId&, const std::string& name) const = 0;
  virtual void seal(const InstanceId&, const std::string& name, const std::string& value) = 0;
  virtual void erase(const InstanceId&, const std::string& name) = 0;  // [any thread]
};

using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string>;
using SqlRow = std::map<std::string, SqlValue>;  // column names in lower case

// ":name" marks a parameter; values bind in order of appearance. There is no other way in for a
// value. Whole numbers are BIGINT, texts are UTF-8 without NUL; other bytes go in as base64.
struct Statement {
  std::string sql = {};
  std::vector<SqlValue> values = {};
  bool operator==(const Statement&) const = default;
};

// A numbered step, applied once, in order, each in its own transaction. SQL that SQLite and
// PostgreSQL both understand; several statements are separated by ";".
struct Migration {
  int number = 0;
  std::string sql = {};
  bool operator==(const Migration&) const = default;
};

// For blocks that need tables of their own. Every table name starts with the block's name and "_";
// a statement that names another's is refused with Error{forbidden}.
class POMBO_API ISql {
 public:
  virtual ~ISql() = default;
  virtual void migrate(const std::vector<Migration>&) = 0;  // [start]
  virtual std::vector<SqlRow> query(const Statement&) = 0;  // [any thread]
  // All of them or none. A transaction is never held open while a block thinks: a condition belongs
  // in the SQL (WHERE, ON CONFLICT). [any thread]
  virtual void apply(const std::vector<Statement>&) = 0;
};

}  // namespace pombo
