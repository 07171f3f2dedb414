#include "block/sql_scope.hpp"

#include <gtest/gtest.h>

#include "pombo/error.hpp"

namespace pombo {
namespace {

// Why it is refused; empty when it is not.
std::string refusalOf(const std::string& sql, bool schema = false) {
  try {
    requireOwnTables("webhook", sql, schema);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::forbidden);
    EXPECT_STRNE(error.what(), "");
    return error.what();
  }
}

TEST(SqlScope, StatementsOverTheBlocksOwnTablesAreTaken) {
  for (const auto* sql : {
           "SELECT * FROM webhook_rows",
           "select a from WEBHOOK_ROWS where b = :b;",
           "SELECT 1",
           "SELECT a, (SELECT COUNT(*) FROM webhook_b) FROM webhook_a",
           "SELECT a FROM webhook_a AS x, webhook_b y WHERE x.a = y.a ORDER BY x.a, y.a LIMIT 1, 2",
           "SELECT a FROM webhook_a x LEFT JOIN webhook_b y ON x.a = y.a AND x.b = y.b",
           "SELECT a FROM webhook_a JOIN webhook_b USING (a, b), webhook_c",
           "SELECT a FROM (SELECT a FROM webhook_a) x, webhook_b",
           "SELECT a FROM (webhook_a JOIN webhook_b ON 1 = 1)",
           "SELECT a FROM webhook_a WHERE a IN (SELECT a FROM webhook_b) GROUP BY a, b HAVING a > "
           "1",
           "SELECT a FROM webhook_a WHERE a IN (1, 2) AND b NOT IN (:b)",
           "SELECT a FROM webhook_a UNION ALL SELECT a FROM webhook_b",
           "SELECT a FROM \"webhook_a\"",
           "SELECT 'FROM account', \"from\" FROM webhook_a",
           "SELECT a -- FROM account\nFROM webhook_a /* , account */",
           "SELECT 'it''s FROM account' FROM webhook_a",
           "SELECT a FROM webhook_a WHERE b = 'x' || '; DROP TABLE account'",
           "SELECT COUNT(*), MAX(a) FROM webhook_a",
           "SELECT CASE WHEN a THEN 'x' ELSE 'y' END FROM webhook_a",
           "WITH webhook_x AS (SELECT a FROM webhook_a) SELECT a FROM webhook_x",
           "WITH RECURSIVE webhook_x (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM webhook_x), "
           "webhook_y AS (SELECT 2) SELECT n FROM webhook_x, webhook_y",
           "INSERT INTO webhook_a (a, b) VALUES (:a, :b), (1, 2)",
           "INSERT INTO webhook_a DEFAULT VALUES",
           "INSERT INTO webhook_a (a) SELECT a FROM webhook_b WHERE true",
           "INSERT INTO webhook_a (a) VALUES (:a) ON CONFLICT (a) DO UPDATE SET b = excluded.b, "
           "c = c + 1 WHERE c < 5",
           "INSERT INTO webhook_a (a) SELECT a FROM webhook_b WHERE true ON CONFLICT DO NOTHING",
           "INSERT INTO webhook_a (a) VALUES (1) RETURNING a, b",
           "UPDATE webhook_a SET a = 1, b = (SELECT b FROM webhook_b LIMIT 1) WHERE a = 2",
           "UPDATE webhook_a SET a = b.a FROM webhook_b AS b WHERE b.a = webhook_a.a",
           "DELETE FROM webhook_a WHERE a = :a RETURNING a",
       })
    EXPECT_EQ(refusalOf(sql), "") << sql;
}

TEST(SqlScope, ATextIsNoNameOfATable) {  // to SQLite it would be
  for (const auto* sql : {
           "SELECT token_hash FROM 'account'",
           "SELECT 1 FROM webhook_a, 'account'",
           "SELECT 1 FROM webhook_a JOIN 'account' ON 1 = 1",
           "SELECT 1 FROM ('account')",
           "SELECT 1 WHERE a IN 'account'",
           "DELETE FROM 'account'",
           "UPDATE 'account' SET enabled = 0",
           "INSERT INTO 'account' (id) VALUES ('x')",
           "WITH 'account' AS (SELECT 1) SELECT 1",
       })
    EXPECT_NE(refusalOf(sql), "") << sql;
  for (const auto* sql : {
           "DROP TABLE 'account'",
           "DROP TABLE webhook_a, 'account'",
           "ALTER TABLE 'account' ADD COLUMN x TEXT",
           "ALTER TABLE webhook_a RENAME TO 'account2'",
           "CREATE TABLE webhook_a AS SELECT * FROM 'block_row'",
           "CREATE TABLE webhook_a (a TEXT REFERENCES 'account' (id))",
           "CREATE INDEX webhook_i ON 'account' (name)",
           "CREATE TABLE 'account2' (a TEXT)",
       })
    EXPECT_NE(refusalOf(sql, true), "") << sql;
}

TEST(SqlScope, TheStoresOwnMarksAreNotABlocks) {
  for (const char* mark : {"{clustered}", "{locked}", "{bytewise}"}) {
    const std::string hidden =
        std::string("SELECT 1 /") + mark + "* ' */ UNION SELECT token_hash FROM instance --'";
    EXPECT_EQ(refusalOf(hidden), std::string("A block may not use '") + mark + "'");
    EXPECT_NE(refusalOf(std::string("SELECT '") + mark + "' FROM webhook_a"), "");
  }
}

TEST(SqlScope, ATableIsNoPartOfAnothers) {  // to PostgreSQL it could be
  for (const auto* sql : {
           "CREATE TABLE webhook_a () INHERITS (account)",
           "CREATE TABLE webhook_a PARTITION OF account DEFAULT",
           "CREATE TABLE webhook_a (LIKE account)",
           "CREATE TABLE webhook_a (a TEXT, LIKE account INCLUDING ALL)",
           "ALTER TABLE webhook_a INHERIT account",
           "ALTER TABLE webhook_a ADD COLUMN b TEXT, INHERIT account",
           "ALTER TABLE IF EXISTS ONLY webhook_a INHERIT account",
           "ALTER TABLE webhook_a ATTACH PARTITION account DEFAULT",
           "ALTER TABLE webhook_a OWNER TO postgres",
           "ALTER TABLE webhook_a SET SCHEMA other",
           "ALTER INDEX webhook_i RENAME TO webhook_j",
           "SELECT lo_from_bytea(0, 'x')",
           "SELECT lo_put(1, 0, 'x')",
       })
    EXPECT_NE(refusalOf(sql, true), "") << sql;
  for (const auto* sql : {
           "CREATE TABLE webhook_a (owner TEXT, rule TEXT, \"like\" TEXT)",
           "ALTER TABLE IF EXISTS webhook_a ADD COLUMN owner TEXT DEFAULT ('a'), DROP COLUMN b;",
           "CREATE INDEX webhook_i ON webhook_a (a) WHERE b LIKE 'x%'",
           "DELETE FROM webhook_a WHERE a LIKE 'x%'",
       })
    EXPECT_EQ(refusalOf(sql, true), "") << sql;
}

TEST(SqlScope, AnothersTableIsRefusedWhereverItStands) {
  for (const auto* sql : {
           "SELECT * FROM account",
           "SELECT * FROM ACCOUNT",
           "SELECT * FROM webhooks",
           "SELECT * FROM websocket_a",
           "SELECT * FROM \"account\"",
           "SELECT * FROM\n/* webhook_a */account",
           "SELECT * FROM -- webhook_a\naccount",
           "SELECT * FROM(account)",
           "SELECT * FROM ((account))",
           "SELECT * FROM webhook_a, account",
           "SELECT * FROM webhook_a AS x, account",
           "SELECT * FROM webhook_a x JOIN account",
           "SELECT * FROM webhook_a x JOIN (account)",
           "SELECT * FROM webhook_a CROSS JOIN account",
           "SELECT * FROM webhook_a NATURAL JOIN account",
           "SELECT * FROM webhook_a JOIN webhook_b ON 1 = 1, account",
           "SELECT * FROM webhook_a JOIN webhook_b USING (a), account",
           "SELECT * FROM (webhook_a), account",
           "SELECT * FROM (webhook_a, account)",
           "SELECT * FROM (SELECT 1) x, account",
           "SELECT * FROM (SELECT * FROM account) x",
           "SELECT (SELECT token_hash FROM account LIMIT 1) FROM webhook_a",
           "SELECT a FROM webhook_a WHERE EXISTS (SELECT 1 FROM account)",
           "SELECT a FROM webhook_a WHERE a IN account",
           "SELECT a FROM webhook_a WHERE a NOT IN account",
           "SELECT a FROM webhook_a ORDER BY (SELECT 1 FROM account)",
           "SELECT a FROM webhook_a UNION SELECT name FROM account",
           "SELECT 'x' 'y' FROM account",
           "SELECT 'it''s', a FROM account",
           "SELECT * FROM main.webhook_a",
           "SELECT * FROM webhook_a.account",
           "SELECT * FROM sqlite_master",
           "SELECT * FROM pragma_table_info('account')",
           "SELECT * FROM json_each('[]')",
           "WITH account AS (SELECT 1) SELECT * FROM account",
           "WITH webhook_x AS (SELECT * FROM account) SELECT * FROM webhook_x",
           "WITH webhook_x AS (SELECT 1), account AS (SELECT 2) SELECT * FROM webhook_x",
           "SELECT (WITH account AS (SELECT 1) SELECT 1), (SELECT token_hash FROM account)",
           "WITH webhook_x AS (SELECT 1) DELETE FROM account",
           "INSERT INTO account (id) VALUES (1)",
           "INSERT OR REPLACE INTO account (id) VALUES (1)",
           "INSERT INTO webhook_a SELECT * FROM account",
           "INSERT INTO webhook_a VALUES ((SELECT id FROM account))",
           "INSERT INTO webhook_a (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = (SELECT id FROM "
           "account)",
           "UPDATE account SET quota = 9",
           "UPDATE OR IGNORE account SET quota = 9",
           "UPDATE webhook_a SET a = 1 FROM account",
           "DELETE FROM account",
           "DELETE FROM webhook_a USING account",
           "DELETE FROM webhook_a WHERE a = (SELECT id FROM account)",
           "DELETE FROM webhook_a RETURNING (SELECT id FROM account)",
           "SELECT a FROM [account]",
           "SELECT a FROM `account`",
           "SELECT E'\\'' || (SELECT id FROM account) || ''",
           "SELECT a -- x\r, b FROM account",
           "SELECT $$'$$ FROM account --'",
           "SELECT /* /* */ ' */ a FROM account --'",
           "SELECT query_to_xml('select * from account', true, true, '')",
           "SELECT pg_read_file('/etc/passwd')",
           "SELECT PG_SLEEP(100)",
           "SELECT set_config('default_transaction_read_only', 'off', false)",
       })
    EXPECT_NE(refusalOf(sql), "") << sql;
}

TEST(SqlScope, TheRefusalNamesTheTable) {
  EXPECT_EQ(refusalOf("SELECT * FROM account"), "Table 'account' is not one of 'webhook_...'");
}

TEST(SqlScope, OnlyOneStatementOfTheFiveVerbs) {
  for (const auto* sql : {"",
                          ";",
                          "PRAGMA journal_mode=OFF",
                          "ATTACH 'x' AS y",
                          "DETACH y",
                          "VACUUM",
                          "REINDEX",
                          "BEGIN",
                          "COMMIT",
                          "ROLLBACK",
                          "SAVEPOINT x",
                          "EXPLAIN SELECT 1",
                          "REPLACE INTO webhook_a",
                          "ANALYZE",
                          "TRUNCATE webhook_a",
                          "GRANT ALL",
                          "COPY webhook_a",
                          "'SELECT 1'",
                          "SELECT 1; SELECT 2",
                          "SELECT 1; DROP TABLE webhook_a",
                          "SELECT 1;; ",
                          "/* SELECT 1 */",
                          "-- SELECT 1"})
    EXPECT_NE(refusalOf(sql), "") << sql;
  EXPECT_EQ(refusalOf(" /* why */ SELECT 1 ; -- so"), "");
}

TEST(SqlScope, AValueHasANameOfItsOwn) {  // SQLite would take two for one, PostgreSQL not
  EXPECT_EQ(refusalOf("SELECT a FROM webhook_a WHERE a = :i AND b = :I"),
            "The value ':i' stands twice: each has a name of its own");
  EXPECT_EQ(refusalOf("SELECT a::text, b::text FROM webhook_a WHERE c = ':i' AND d = :i"), "");
}

TEST(SqlScope, SchemaStatementsAreForMigrationsOnly) {
  for (const auto* sql :
       {"CREATE TABLE webhook_a (a BIGINT)", "DROP TABLE webhook_a",
        "ALTER TABLE webhook_a ADD COLUMN b TEXT", "CREATE INDEX webhook_i ON webhook_a (a)"}) {
    EXPECT_NE(refusalOf(sql, false), "") << sql;
    EXPECT_EQ(refusalOf(sql, true), "") << sql;
  }
}

TEST(SqlScope, MigrationsOfTheBlocksOwnTablesAreTaken) {
  for (const auto* sql : {
           "CREATE TABLE IF NOT EXISTS webhook_a (a BIGINT PRIMARY KEY, b TEXT NOT NULL DEFAULT "
           "'x', c TEXT REFERENCES webhook_b (a), UNIQUE (a, b))",
           "CREATE TABLE webhook_a (a TEXT, FOREIGN KEY (a) REFERENCES webhook_b (a) ON DELETE "
           "CASCADE)",
           "CREATE TABLE webhook_a (a TEXT PRIMARY KEY) WITHOUT ROWID",
           "CREATE UNIQUE INDEX IF NOT EXISTS webhook_i ON webhook_a (a, b)",
           "DROP TABLE IF EXISTS webhook_a",
           "DROP INDEX webhook_i",
           "ALTER TABLE webhook_a RENAME TO webhook_b",
           "ALTER TABLE webhook_a RENAME COLUMN a TO b",
           "INSERT INTO webhook_a (a) SELECT a FROM webhook_b",
           "CREATE TABLE webhook_c AS SELECT * FROM webhook_a",
       })
    EXPECT_EQ(refusalOf(sql, true), "") << sql;
}

TEST(SqlScope, MigrationsOfAnythingElseAreRefused) {
  for (const auto* sql : {
           "CREATE TABLE account2 (a BIGINT)",
           "CREATE TABLE IF NOT EXISTS account2 (a BIGINT)",
           "CREATE TABLE \"account2\" (a BIGINT)",
           "CREATE TABLE main.webhook_a (a BIGINT)",
           "CREATE TEMP TABLE webhook_a (a BIGINT)",
           "CREATE TABLE webhook_a AS SELECT * FROM account",
           "CREATE TABLE webhook_a (a TEXT REFERENCES account (id))",
           "CREATE TABLE webhook_a (a TEXT, FOREIGN KEY (a) REFERENCES account (id))",
           "CREATE INDEX webhook_i ON account (name)",
           "CREATE INDEX account_i ON webhook_a (a)",
           "CREATE TRIGGER webhook_t AFTER INSERT ON account BEGIN SELECT 1; END",
           "CREATE VIEW webhook_v AS SELECT * FROM webhook_a",
           "CREATE VIRTUAL TABLE webhook_v USING fts5(a)",
           "DROP TABLE account",
           "DROP TABLE IF EXISTS account",
           "DROP TABLE webhook_a, account",
           "DROP INDEX account_i",
           "DROP VIEW webhook_v",
           "ALTER TABLE account ADD COLUMN x TEXT",
           "ALTER TABLE webhook_a RENAME TO account2",
           "PRAGMA foreign_keys=OFF",
       })
    EXPECT_NE(refusalOf(sql, true), "") << sql;
}

TEST(SqlScope, WhatIsCutShortDoesNotRunAway) {
  for (const auto* sql :
       {"SELECT 'open", "SELECT \"open", "SELECT /* open", "SELECT a FROM (", "SELECT a FROM ((",
        "WITH", "WITH webhook_x", "WITH webhook_x AS", "WITH webhook_x AS (", "SELECT a FROM \"",
        "INSERT INTO", "UPDATE", "DELETE FROM webhook_a USING", "SELECT )))((("})
    refusalOf(sql, true);  // whichever: it returns, and reads nothing that is not there
}

}  // namespace
}  // namespace pombo
