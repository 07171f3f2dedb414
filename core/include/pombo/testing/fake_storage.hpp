// Settings, secrets and SQL in memory.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pombo/storage.hpp"

namespace pombo {

// SQL is recorded and not understood: the test says what a query finds.
class FakeStorage : public ISettings, public ISecrets, public ISql {
 public:
  std::map<InstanceId, Json> documents;
  std::map<std::pair<InstanceId, std::string>, std::string> sealed;
  std::vector<Migration> migrations;
  std::vector<Statement> statements;     // asked and applied, in order
  std::deque<std::vector<SqlRow>> rows;  // what queries find, first to last; then nothing

 private:
  std::optional<Json> load(const InstanceId& id) const override {
    const auto it = documents.find(id);
    return it == documents.end() ? std::nullopt : std::optional<Json>(it->second);
  }
  void save(const InstanceId& id, const Json& document) override { documents[id] = document; }
  void erase(const InstanceId& id) override { documents.erase(id); }

  std::optional<std::string> open(const InstanceId& id, const std::string& name) const override {
    const auto it = sealed.find({id, name});
    return it == sealed.end() ? std::nullopt : std::optional(it->second);
  }
  void seal(const InstanceId& id, const std::string& name, const std::string& value) override {
    sealed[{id, name}] = value;
  }
  void erase(const InstanceId& id, const std::string& name) override { sealed.erase({id, name}); }

  void migrate(const std::vector<Migration>& steps) override {
    migrations.insert(migrations.end(), steps.begin(), steps.end());
  }
  std::vector<SqlRow> query(const Statement& statement) override {
    statements.push_back(statement);
    if (rows.empty()) return {};
    auto found = std::move(rows.front());
    rows.pop_front();
    return found;
  }
  void apply(const std::vector<Statement>& all) override {
    statements.insert(statements.end(), all.begin(), all.end());
  }
};

}  // namespace pombo
