#include "storage/migrations.hpp"

#include <gtest/gtest.h>

#include <latch>

#include "temp_store.hpp"

namespace pombo {
namespace {

using Texts = std::vector<std::string>;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \n");
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(" \n") - first + 1);
}

Texts trimmedStatementsOf(const std::string& script) {
  Texts all;
  for (const auto& each : statementsOf(script)) all.push_back(trimmed(each));
  return all;
}

TEST(StatementsOf, SplitsAtSemicolons) {
  EXPECT_EQ(trimmedStatementsOf("A; B ;\nC"), (Texts{"A", "B", "C"}));
  EXPECT_EQ(trimmedStatementsOf(" ;; \n; "), Texts{});
  EXPECT_EQ(trimmedStatementsOf(""), Texts{});
}

TEST(StatementsOf, QuotesAndCommentsKeepTheirSemicolons) {
  EXPECT_EQ(trimmedStatementsOf("A 'x;y' B; C"), (Texts{"A 'x;y' B", "C"}));
  EXPECT_EQ(trimmedStatementsOf("A 'it''s; x'; B"), (Texts{"A 'it''s; x'", "B"}));
  EXPECT_EQ(trimmedStatementsOf("A \"x;y\"; B"), (Texts{"A \"x;y\"", "B"}));
  EXPECT_EQ(trimmedStatementsOf("A -- one; two\n; B"), (Texts{"A", "B"}));
  EXPECT_EQ(trimmedStatementsOf("A /* one; \n two */ B; C"), (Texts{"A   B", "C"}));
  EXPECT_EQ(trimmedStatementsOf("A '-- no comment'; B '/* nor this; */'"),
            (Texts{"A '-- no comment'", "B '/* nor this; */'"}));
  EXPECT_EQ(trimmedStatementsOf("-- only; a comment"), Texts{});
}

TEST(StatementsOf, WhatIsCutShortDoesNotRunAway) {
  for (const auto* script : {"A 'open", "A \"open", "A /* open", "A --", "'", "/*", "-"})
    EXPECT_LE(statementsOf(script).size(), 1u) << script;
}

class MigrationsTest : public ::testing::Test {
 protected:
  DatabaseOptions options() const { return {folder_.databaseUrl(), "normal", 1}; }
  std::int64_t versionOf(const std::string& owner) {
    return database_.read([&](Session& session) {
      const auto rows =
          session.rows("SELECT version FROM schema_version WHERE owner = :owner", "n", {owner});
      return rows.empty() ? 0 : rows[0].number(0);
    });
  }
  std::string refusalOf(const std::vector<Migration>& steps) {
    try {
      migrate(database_, "thing", steps);
      return "";
    } catch (const StorageError& error) {
      return error.what();
    }
  }

  TempFolder folder_;
  Database database_{options()};
};

const Migration kFirst{1, "CREATE TABLE thing_a (id BIGINT); INSERT INTO thing_a VALUES (1);"};
const Migration kSecond{2, "ALTER TABLE thing_a ADD COLUMN name TEXT; -- why; not"};

TEST_F(MigrationsTest, AreAppliedOnceInOrder) {
  migrate(database_, "thing", {kFirst, kSecond});
  migrate(database_, "thing", {kFirst, kSecond});
  EXPECT_EQ(versionOf("thing"), 2);
  const auto rows = database_.read(
      [](Session& session) { return session.rows("SELECT id, name FROM thing_a", "nt"); });
  EXPECT_EQ(rows.size(), 1u);
}

TEST_F(MigrationsTest, OnlyWhatIsLackingIsApplied) {
  migrate(database_, "thing", {kFirst});
  EXPECT_EQ(versionOf("thing"), 1);
  migrate(database_, "thing", {kFirst, kSecond});
  EXPECT_EQ(versionOf("thing"), 2);
}

TEST_F(MigrationsTest, EachOwnerHasASequenceOfItsOwn) {
  migrate(database_, "thing", {kFirst, kSecond});
  migrate(database_, "other", {{1, "CREATE TABLE other_a (id BIGINT)"}});
  EXPECT_EQ(versionOf("thing"), 2);
  EXPECT_EQ(versionOf("other"), 1);
}

TEST_F(MigrationsTest, AGapIsRefused) {
  EXPECT_EQ(refusalOf({kSecond}), "migration 1 of thing is missing");
  migrate(database_, "thing", {kFirst});
  EXPECT_EQ(refusalOf({kFirst, {3, "CREATE TABLE thing_b (id BIGINT)"}}),
            "migration 2 of thing is missing");
  EXPECT_EQ(versionOf("thing"), 1);
}

TEST_F(MigrationsTest, AStepThatFailsLeavesNothingOfThoseBeforeIt) {
  EXPECT_NE(refusalOf({kFirst, {2, "CREATE TABLE thing_b (id BIGINT); CREATE NOTHING"}}), "");
  migrate(database_, "thing", {kFirst, {2, "CREATE TABLE thing_b (id BIGINT)"}});
  EXPECT_EQ(versionOf("thing"), 2);
}

TEST_F(MigrationsTest, ADatabaseOfANewerReleaseIsRefused) {
  migrate(database_, "thing", {kFirst, kSecond});
  EXPECT_EQ(refusalOf({kFirst}),
            "the database is at version 2 of thing, this program knows 1: it was written by a "
            "newer release");
}

TEST_F(MigrationsTest, TwoProcessesMigrateAtOnce) {
  constexpr int kProcesses = 4;
  std::latch start(kProcesses);
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < kProcesses; ++i)
      all.emplace_back([&] {
        Database mine(options());
        start.arrive_and_wait();
        EXPECT_NO_THROW(migrate(mine, "thing", {kFirst, kSecond}));
        EXPECT_NO_THROW(migrate(mine, "core", coreMigrations()));
      });
  }
  EXPECT_EQ(versionOf("thing"), 2);
  EXPECT_EQ(database_.read([](Session& session) {
    return session.rows("SELECT id FROM thing_a", "n").size();
  }),
            1u);
}

// Each step finds rows of the release before it.
TEST_F(MigrationsTest, CoresOwnKeepWhatIsThere) {
  const auto steps = coreMigrations();
  std::vector<Migration> done(steps.begin(), steps.begin() + 3);
  migrate(database_, "core", done);
  const auto insert = [](Session& session, const std::string& table, const std::string& values) {
    session.run("INSERT INTO " + table + " VALUES (" + values + ")");
  };
  database_.commit([&](Session& session) {
    insert(session,
           "account (id, name, token_hash, enabled, instances, create_limit,"
           " general_limit, created_at)",
           "'a', 'one', 'hash', 1, 1, 60, 600, 1");
    insert(session, "instance", "'i', 'a', 'shop', 'hash', 'sealed', 'c', 'banned', NULL, 1, 1");
    for (const auto* queue : {"1", "2"})
      insert(session, "delivery_queue",
             std::string(queue) + ", 'i', 'webhook', 'to-" + queue + "', 1, 1, 0, 0, 0, ''");
    for (const auto* place : {"7", "9", "8"})
      insert(session, "delivery",
             std::string(place) + ", 1, 5, " + place + ", 0, 0, 0, 1, 1, NULL, NULL, 0, '', ''");
  });
  migrate(database_, "core", steps);
  database_.read([](Session& session) {
    const auto queues = session.rows("SELECT newest FROM delivery_queue ORDER BY id", "n");
    EXPECT_EQ(queues.at(0).number(0), 9) << "the next one comes behind it";
    EXPECT_EQ(queues.at(1).number(0), 0);
    EXPECT_EQ(session.rows("SELECT id FROM delivery", "n").size(), 3u);
    const auto banned = session.rows("SELECT name FROM instance WHERE banned_until IS NULL", "t");
    EXPECT_EQ(banned.at(0).text(0), "shop") << "until somebody says otherwise";
    return 0;
  });
}

TEST_F(MigrationsTest, CoresOwnAreNumberedFromOneAndSayWhy) {
  const auto steps = coreMigrations();
  ASSERT_FALSE(steps.empty());
  int number = 0;
  for (const auto& step : steps) {
    EXPECT_EQ(step.number, ++number);
    EXPECT_TRUE(step.sql.starts_with("-- ")) << step.number;
  }
  EXPECT_EQ(refusalOf({}), "");
  migrate(database_, "core", steps);
}

}  // namespace
}  // namespace pombo
