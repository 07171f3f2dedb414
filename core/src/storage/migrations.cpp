#include "storage/migrations.hpp"

#include <algorithm>
#include <charconv>

#include "embedded.hpp"

namespace pombo {
namespace {

std::int64_t versionOf(Session& session, const std::string& owner) {
  const auto rows =
      session.rows("SELECT version FROM schema_version WHERE owner = :owner", "n", {owner});
  return rows.empty() ? 0 : rows.front().number(0);
}

// Returns the version that it leads to.
std::int64_t taken(Session& session, const std::string& owner, std::int64_t version,
                   const Migration& step) {
  if (step.number != version + 1)
    throw StorageError("migration " + std::to_string(version + 1) + " of " + owner + " is missing");
  for (const auto& sql : statementsOf(step.sql)) session.once(sql);
  session.run(
      "INSERT INTO schema_version (owner, version) VALUES (:owner, :version) "
      "ON CONFLICT (owner) DO UPDATE SET version = excluded.version",
      {owner, static_cast<std::int64_t>(step.number)});
  return step.number;
}

}  // namespace

std::vector<Migration> coreMigrations() {
  std::vector<Migration> steps;
  for (const auto& [path, text] : embeddedFiles()) {
    const std::string folder = "migrations/";
    if (!path.starts_with(folder)) continue;
    Migration step{0, text};
    std::from_chars(path.data() + folder.size(), path.data() + path.size(), step.number);
    steps.push_back(std::move(step));
  }
  return steps;
}

std::vector<std::string> statementsOf(const std::string& script) {
  std::vector<std::string> found;
  std::string statement;
  const auto finish = [&] {
    if (statement.find_first_not_of(" \t\r\n") != statement.npos) found.push_back(statement);
    statement.clear();
  };
  for (std::size_t at = 0; at < script.size(); ++at) {
    if (script.compare(at, 2, "--") == 0) {
      at = std::min(script.find('\n', at), script.size());
      statement.push_back('\n');
    } else if (script.compare(at, 2, "/*") == 0) {
      const auto end = script.find("*/", at + 2);
      at = end == script.npos ? script.size() : end + 1;
      statement.push_back(' ');
    } else if (script[at] == '\'' || script[at] == '"') {
      const auto end = std::min(script.find(script[at], at + 1), script.size() - 1);
      statement.append(script, at, end - at + 1);
      at = end;
    } else if (script[at] == ';') {
      finish();
    } else {
      statement.push_back(script[at]);
    }
  }
  finish();
  return found;
}

void migrate(Database& database, const std::string& owner, const std::vector<Migration>& steps) {
  std::int64_t newest = 0;
  for (const auto& step : steps) newest = std::max<std::int64_t>(newest, step.number);
  // All in one, and looked up inside of it: others may be doing the same, and of those who want to
  // be alone at once one has to begin again each time.
  database.commit([&](Session& session) {
    session.alone();
    session.once(
        "CREATE TABLE IF NOT EXISTS schema_version "
        "(owner TEXT PRIMARY KEY, version BIGINT NOT NULL)");
    auto version = versionOf(session, owner);
    for (const auto& step : steps)
      if (step.number > version) version = taken(session, owner, version, step);
  });
  const auto version = database.read([&](Session& session) { return versionOf(session, owner); });
  if (version > newest)
    throw StorageError("the database is at version " + std::to_string(version) + " of " + owner +
                       ", this program knows " + std::to_string(newest) +
                       ": it was written by a newer release");
}

}  // namespace pombo
