// Numbered steps of the schema, one sequence per owner: core, and each block with tables.
#pragma once

#include <string>
#include <vector>

#include "storage/database.hpp"

namespace pombo {

// Core's own, from core/migrations, in order.
std::vector<Migration> coreMigrations();

// Applies what `owner` lacks, each step in its own transaction. Throws StorageError, also when the
// database is ahead of the program.
void migrate(Database&, const std::string& owner, const std::vector<Migration>&);

// The statements of a script: split at ";" outside of quotes and comments.
std::vector<std::string> statementsOf(const std::string& script);

}  // namespace pombo
