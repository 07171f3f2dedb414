#include "storage/session.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "storage/backend.hpp"
#include "temp_store.hpp"

namespace pombo {
namespace {

constexpr std::int64_t kBeyondDouble = (std::int64_t{1} << 53) + 1;
constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    session_.once(
        "CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT UNIQUE, ratio DOUBLE PRECISION)");
  }
  void insert(const SqlValue& id, const SqlValue& name, const SqlValue& ratio) {
    session_.run("INSERT INTO thing (id, name, ratio) VALUES (:id, :name, :ratio)",
                 {id, name, ratio});
  }

  TempFolder folder_;
  std::unique_ptr<Session> opened() const {
    return backendOf({folder_.databaseUrl(), "normal"})->openWriter();
  }

  std::unique_ptr<Session> owned_ = opened();
  Session& session_ = *owned_;
};

TEST_F(SessionTest, RowsAreReadByTheirDeclaredKinds) {
  insert(std::int64_t{1}, "Ação", 0.25);
  const auto rows = session_.rows("SELECT id, name, ratio FROM thing", "ntr");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].number(0), 1);
  EXPECT_EQ(rows[0].text(1), "Ação");
  EXPECT_EQ(rows[0].cells(), (Values{std::int64_t{1}, "Ação", 0.25}));
}

TEST_F(SessionTest, NullsAreTold) {
  insert(std::int64_t{1}, SqlValue(), SqlValue());
  const auto rows = session_.rows("SELECT id, name, ratio FROM thing", "ntr");
  EXPECT_FALSE(rows[0].null(0));
  EXPECT_TRUE(rows[0].null(1));
  EXPECT_TRUE(rows[0].null(2));
  EXPECT_EQ(rows[0].text(1), "");
  EXPECT_EQ(rows[0].number(1), 0);
}

TEST_F(SessionTest, WhatARowLeavesNullDoesNotComeFromTheRowBefore) {
  insert(std::int64_t{1}, "a", 1.5);
  insert(std::int64_t{2}, SqlValue(), SqlValue());
  insert(std::int64_t{3}, "c", SqlValue());
  const auto rows = session_.rows("SELECT name, ratio FROM thing ORDER BY id", "tr");
  EXPECT_EQ(rows[0].cells(), (Values{"a", 1.5}));
  EXPECT_EQ(rows[1].cells(), (Values{SqlValue(), SqlValue()}));
  EXPECT_EQ(rows[2].cells(), (Values{"c", SqlValue()}));
}

TEST_F(SessionTest, WholeNumbersKeepAllTheir64Bits) {
  for (const auto number : {kLeast, std::int64_t{-1}, std::int64_t{1} << 31, std::int64_t{1} << 32,
                            std::int64_t{1} << 53, kBeyondDouble, kMost}) {
    insert(number, SqlValue(), SqlValue());
    EXPECT_EQ(session_.rows("SELECT id FROM thing WHERE id = :id", "n", {number})[0].number(0),
              number);
    EXPECT_EQ(session_.query("SELECT id FROM thing WHERE id = :id", {number})[0].at("id"),
              SqlValue(number));
  }
}

TEST_F(SessionTest, DescribedColumnsComeByNameInLowerCaseWithTheirTypes) {
  insert(std::int64_t{1}, "a", 2.0);
  insert(std::int64_t{2}, SqlValue(), 0.5);
  const auto rows = session_.query("SELECT ID AS Number, name, ratio FROM thing ORDER BY id", {});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0], (SqlRow{{"number", std::int64_t{1}}, {"name", "a"}, {"ratio", 2.0}}));
  EXPECT_EQ(rows[1], (SqlRow{{"number", std::int64_t{2}}, {"name", SqlValue()}, {"ratio", 0.5}}));
}

TEST_F(SessionTest, DescribedExpressionsAreTyped) {
  insert(std::int64_t{1}, "a", 2.0);
  insert(kBeyondDouble, "b", 0.5);
  const auto rows = session_.query(
      "SELECT COUNT(*) AS n, MAX(id) AS most, AVG(ratio) AS mean, MIN(name) AS first, 'x' || 'y' "
      "AS text, NULL AS none FROM thing",
      {});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0], (SqlRow{{"n", std::int64_t{2}},
                             {"most", kBeyondDouble},
                             {"mean", 1.25},
                             {"first", "a"},
                             {"text", "xy"},
                             {"none", SqlValue()}}));
}

TEST_F(SessionTest, AnExpressionThatIsNullAtFirstKeepsTheTypeOfTheOthers) {
  for (std::int64_t id = 1; id <= 3; ++id) insert(id, SqlValue(), SqlValue());
  const auto rows = session_.query(
      "SELECT CASE WHEN id > 2 THEN id + 0 END AS n, NULL AS none FROM thing ORDER BY id", {});
  ASSERT_EQ(rows.size(), 3u);
  for (const auto& row : rows) EXPECT_EQ(row.at("none"), SqlValue());
  EXPECT_EQ(rows[0].at("n"), SqlValue());
  EXPECT_EQ(rows[1].at("n"), SqlValue());
  EXPECT_EQ(rows[2].at("n"), SqlValue(std::int64_t{3}));
}

TEST_F(SessionTest, AnEmptyAnswerIsNoRow) {
  EXPECT_TRUE(session_.rows("SELECT id FROM thing", "n").empty());
  EXPECT_TRUE(session_.query("SELECT id FROM thing", {}).empty());
}

TEST_F(SessionTest, ValuesAreValuesWhateverTheyHold) {
  const std::string text = "'; DROP TABLE thing;-- :name \\ \"x\" %";
  insert(std::int64_t{1}, text, SqlValue());
  EXPECT_EQ(session_.rows("SELECT name FROM thing WHERE name = :name", "t", {text})[0].text(0),
            text);
}

TEST_F(SessionTest, LongTextsComeBackWhole) {
  const std::string text(2 << 20, 'x');
  session_.once("CREATE TABLE long (name TEXT)");
  session_.run("INSERT INTO long (name) VALUES (:name)", {text});
  EXPECT_EQ(session_.rows("SELECT name FROM long", "t")[0].text(0), text);
  EXPECT_EQ(session_.query("SELECT name FROM long", {})[0].at("name"), SqlValue(text));
}

TEST_F(SessionTest, AStatementIsUsedAgainWithOtherValuesAndOtherTypes) {
  insert(std::int64_t{1}, "a", 1.0);
  insert(std::int64_t{2}, SqlValue(), SqlValue());
  insert(std::int64_t{3}, "c", SqlValue());
  insert(std::int64_t{4}, "d", 4.0);
  EXPECT_EQ(session_.rows("SELECT id FROM thing WHERE ratio IS NOT NULL ORDER BY id", "n").size(),
            2u);
  for (std::int64_t id = 1; id <= 4; ++id)
    EXPECT_EQ(session_.rows("SELECT id FROM thing WHERE id = :id", "n", {id})[0].number(0), id);
}

TEST_F(SessionTest, RunTellsHowManyRowsItTouched) {
  insert(std::int64_t{1}, "a", SqlValue());
  insert(std::int64_t{2}, "b", SqlValue());
  EXPECT_EQ(session_.run("UPDATE thing SET ratio = :r", {1.0}), 2);
  EXPECT_EQ(session_.run("UPDATE thing SET ratio = :r WHERE id = :id", {1.0, std::int64_t{9}}), 0);
  EXPECT_EQ(session_.run("DELETE FROM thing WHERE id = :id", {std::int64_t{1}}), 1);
}

TEST_F(SessionTest, IsDirtyOnceSomethingWasChanged) {
  insert(std::int64_t{1}, "a", SqlValue());
  session_.markClean();
  session_.rows("SELECT id FROM thing", "n");
  session_.run("DELETE FROM thing WHERE id = :id", {std::int64_t{9}});
  EXPECT_FALSE(session_.dirty());
  session_.run("DELETE FROM thing WHERE id = :id", {std::int64_t{1}});
  EXPECT_TRUE(session_.dirty());
  session_.markClean();
  session_.once("CREATE TABLE other (a BIGINT)");
  EXPECT_TRUE(session_.dirty());
}

TEST_F(SessionTest, AStatementThatFailedCanBeUsedAgain) {
  insert(std::int64_t{1}, "a", SqlValue());
  for (int i = 0; i < 3; ++i)
    EXPECT_THROW(insert(std::int64_t{1}, "b", SqlValue()), StorageError) << "the key is taken";
  EXPECT_THROW(insert(std::int64_t{2}, "a", SqlValue()), StorageError) << "the name is taken";
  insert(std::int64_t{2}, "b", SqlValue());
  EXPECT_EQ(session_.rows("SELECT id FROM thing", "n").size(), 2u);
}

TEST_F(SessionTest, WhatIsNoSqlIsAStorageErrorEveryTime) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_THROW(session_.run("INSERT INTO nowhere (a) VALUES (1)"), StorageError);
    EXPECT_THROW(session_.rows("SELEC 1", "n"), StorageError);
    EXPECT_THROW(session_.query("SELECT * FROM nowhere", {}), StorageError);
    EXPECT_THROW(session_.once("CREATE NOTHING"), StorageError);
  }
  EXPECT_EQ(session_.rows("SELECT 1", "n")[0].number(0), 1);
}

TEST_F(SessionTest, TooFewOrTooManyValuesAreRefused) {
  EXPECT_THROW(session_.run("INSERT INTO thing (id, name) VALUES (:id, :name)", {std::int64_t{1}}),
               StorageError);
  EXPECT_THROW(session_.run("INSERT INTO thing (id) VALUES (:id)", {std::int64_t{1}, "x"}),
               StorageError);
  EXPECT_THROW(session_.query("SELECT id FROM thing WHERE id = :id", {}), StorageError);
  EXPECT_TRUE(session_.rows("SELECT id FROM thing", "n").empty());
}

TEST_F(SessionTest, AFinishedReadDoesNotHoldItsSnapshot) {
  const auto owned = opened();
  Session& reader = *owned;
  EXPECT_TRUE(reader.rows("SELECT id FROM thing", "n").empty());
  EXPECT_TRUE(reader.query("SELECT id FROM thing", {}).empty());
  insert(std::int64_t{1}, "a", SqlValue());
  EXPECT_EQ(reader.rows("SELECT id FROM thing", "n").size(), 1u);
  EXPECT_EQ(reader.query("SELECT id FROM thing", {}).size(), 1u);
  insert(std::int64_t{2}, "b", SqlValue());
  EXPECT_EQ(reader.query("SELECT id FROM thing", {}).size(), 2u);
}

}  // namespace
}  // namespace pombo
