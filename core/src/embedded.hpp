// The files of core/wire and core/migrations, and those of core/viewer that are ours, inside the
// binary.
#pragma once

#include <map>
#include <string>

namespace pombo {

// By "<folder>/<name>", such as "migrations/001_accounts.sql".
const std::map<std::string, std::string>& embeddedFiles();

}  // namespace pombo
