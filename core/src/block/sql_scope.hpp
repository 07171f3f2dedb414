// Keeps a block's SQL to the block's own tables.
#pragma once

#include <string>

namespace pombo {

// Throws Error{forbidden} naming the table unless every table that `sql` names starts with
// "<block>_", and unless it is one SELECT, INSERT, UPDATE, DELETE or WITH; with `schema` also
// CREATE, ALTER or DROP of a table or an index.
void requireOwnTables(const std::string& block, const std::string& sql, bool schema);

}  // namespace pombo
