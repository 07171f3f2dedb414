// What only a database server can do: be away, be shared, and break in the middle of a commit.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "account/accounts.hpp"
#include "instance/instance_store.hpp"
#include "storage/block_store.hpp"
#include "storage/migrations.hpp"
#include "storage/postgresql_backend.hpp"
#include "storage/writer.hpp"
#include "temp_store.hpp"

namespace pombo {
namespace {

class PostgresqlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testServer()) GTEST_SKIP() << "POMBO_TEST_DATABASE names no server";
    folder_ = std::make_unique<TempFolder>();
    store_ = opened();
    accounts().create(account_, clock_.now());
  }
  std::unique_ptr<Store> opened(int writers = 2) const {
    return std::make_unique<Store>(
        StoreOptions{{folder_->databaseUrl(), "normal", writers}, "", folder_->keyFile()});
  }
  DatabaseOptions options() const { return {folder_->databaseUrl(), "normal", 1}; }
  Database& database() { return store_->database(); }
  Accounts accounts() { return {store_->database(), store_->sealer()}; }
  std::int64_t count(const std::string& table) {
    return database().read([&](Session& session) {
      return session.rows("SELECT COUNT(*) FROM " + table, "n")[0].number(0);
    });
  }
  Instance instance(const std::string& name) const {
    Instance made;
    made.id = {"i-" + name};
    made.account = account_.id;
    made.name = name;
    made.status = kDisconnected;
    made.createdAt = clock_.now();
    return made;
  }
  // In one statement with those that wait at the same time. What refuses it; empty when nothing.
  std::string create(Store& store, const Instance& made, const std::string& token,
                     std::vector<Values> rows = {}) {
    const InstanceStore instances(store.database(), store.sealer());
    try {
      store.database().commit(
          [&](Session& session) { instances.insert(session, made, token); },
          [&] { return std::optional(instances.share(made, token, [&] { return rows; })); });
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  // Ends every other connection to the schema's server that is ours.
  void endConnections() {
    PostgresqlSession(PostgresqlUrl(folder_->databaseUrl()))
        .once(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'pombo' AND pid <> pg_backend_pid()");
  }

  const Account account_{.id = {"a-1"}, .name = "default", .quota = std::nullopt};
  SettableClock clock_;
  std::unique_ptr<TempFolder> folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(PostgresqlTest, ABrokenConnectionIsNobodysBusiness) {
  EXPECT_EQ(count("instance"), 0);
  for (int i = 0; i < 3; ++i) {
    endConnections();
    EXPECT_EQ(create(*store_, instance(std::to_string(i)), "token-" + std::to_string(i)), "");
    endConnections();
    EXPECT_EQ(count("instance"), i + 1);
  }
  EXPECT_FALSE(database().away());
}

TEST_F(PostgresqlTest, AJobWhoseConnectionBreaksUnderItIsDoneAgain) {
  int runs = 0;
  database().commit([&](Session& session) {
    session.run("UPDATE account SET instances = instances + 1");
    if (++runs == 1) endConnections();
    session.run("UPDATE account SET instances = instances + 1");
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(accounts().find(account_.id)->instances, 2);
}

// Breaks the connection at a commit: before the server has heard of it, or after it has made it.
class BreakingBackend final : public Backend {
 public:
  BreakingBackend(const DatabaseOptions& options, bool made) : real_(options), made_(made) {}

  std::unique_ptr<Session> openReader() const override { return real_.openReader(); }
  std::unique_ptr<Session> openWriter() const override { return real_.openWriter(); }
  int writers() const override { return 1; }
  int readers() const override { return 1; }
  void begin(Session& session) const override { real_.begin(session); }
  void commit(Session& session, const CommitMark& mark) const override {
    const bool breaks = breaks_.exchange(false);
    if (!breaks || made_) real_.commit(session, mark);
    if (breaks) throw StorageError("broken", StorageError::Kind::lost);
  }
  bool committed(Session& session, const CommitMark& mark) const override {
    return real_.committed(session, mark);
  }
  bool shares() const override { return true; }
  bool isShared() const override { return true; }
  std::string file() const override { return {}; }
  void breakNext() { breaks_ = true; }

 private:
  PostgresqlBackend real_;
  const bool made_;
  mutable std::atomic<bool> breaks_{false};
};

TEST_F(PostgresqlTest, ACommitWhoseAnswerWasLostIsMadeOnce) {
  for (const bool made : {false, true}) {
    BreakingBackend backend(options(), made);
    Outage outage;
    const PendingJob::Job none;
    Writer writer(backend, outage, none);
    const auto before = accounts().find(account_.id)->instances;
    for (int i = 1; i <= 3; ++i) {
      int runs = 0;
      const auto job = std::make_shared<PendingJob>(
          [&](Session& session) {
            ++runs;
            session.run("UPDATE account SET instances = instances + 1");
          },
          std::nullopt);
      backend.breakNext();
      EXPECT_TRUE(writer.commit({job}));
      EXPECT_EQ(job->failure, nullptr);
      EXPECT_EQ(runs, made ? 1 : 2);
      EXPECT_EQ(accounts().find(account_.id)->instances, before + i);
    }
  }
}

TEST_F(PostgresqlTest, JobsInEachOthersWayBothSucceed) {
  database().commit([](Session& session) {
    session.once("CREATE TABLE thing (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)");
    session.once("INSERT INTO thing VALUES (1, 0), (2, 0)");
  });
  const auto other = opened(1);
  std::atomic<int> met{0};
  const auto crossing = [&](std::int64_t first, std::int64_t second) {
    return [&met, first, second](Session& session) {
      session.run("UPDATE thing SET n = n + 1 WHERE id = :id", {first});
      ++met;
      while (met < 2) std::this_thread::yield();
      session.run("UPDATE thing SET n = n + 1 WHERE id = :id", {second});
    };
  };
  {
    std::jthread there([&] { other->database().commit(crossing(2, 1)); });
    database().commit(crossing(1, 2));
  }
  EXPECT_EQ(count("thing WHERE n = 2"), 2);
}

TEST_F(PostgresqlTest, OfTwoServersNeitherExceedsTheQuota) {
  AccountChange change;
  change.quota = std::optional<std::int64_t>(10);
  accounts().set(account_.id, change);
  const auto other = opened();
  std::atomic<int> made{0}, refused{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 4; ++i) {
          const std::string name = std::to_string(t) + "-" + std::to_string(i);
          const auto said = create(t % 2 ? *store_ : *other, instance(name), "token-" + name);
          if (said.empty())
            ++made;
          else if (said == "Account instance quota exceeded")
            ++refused;
        }
      });
  }
  EXPECT_EQ(made, 10);
  EXPECT_EQ(refused, 22);
  EXPECT_EQ(count("instance"), 10);
  EXPECT_EQ(accounts().find(account_.id)->instances, 10);
}

TEST_F(PostgresqlTest, OfTwoServersOneGetsTheName) {
  const auto other = opened();
  for (int i = 0; i < 10; ++i) {
    Instance here = instance("same-" + std::to_string(i)), there = here;
    there.id = {"other-" + std::to_string(i)};
    std::string said, saidThere;
    {
      std::jthread racing([&] { saidThere = create(*other, there, "there-" + std::to_string(i)); });
      said = create(*store_, here, "here-" + std::to_string(i));
    }
    EXPECT_EQ(said + saidThere, "Instance or token already exists");
  }
  EXPECT_EQ(count("instance"), 10);
  EXPECT_EQ(accounts().find(account_.id)->instances, 10);
}

TEST_F(PostgresqlTest, FirstStartsAtOnceAgree) {
  const TempFolder folder;
  const auto open = [&] {
    return std::make_unique<Store>(
        StoreOptions{{folder.databaseUrl(), "normal", 1}, "", folder.keyFile()});
  };
  std::vector<std::unique_ptr<Store>> stores(4);
  {
    std::vector<std::jthread> threads;
    for (auto& store : stores) threads.emplace_back([&] { store = open(); });
  }
  std::set<std::string> hashes;
  for (const auto& store : stores) {
    ASSERT_TRUE(store);
    hashes.insert(store->sealer().hashOf("token"));
  }
  EXPECT_EQ(hashes.size(), 1u);
}

TEST_F(PostgresqlTest, ManyAtOnceAreWrittenWithWhatTheirBlocksKeep) {
  const std::string odd = "a \"b\" \\ {c},\n'd' é";
  EXPECT_EQ(
      create(*store_, instance("x"), "token-x",
             {{"i-x", "alpha", odd, SqlValue(), "NULL"}, {"i-x", "beta", "", odd, SqlValue()}}),
      "");
  const auto rows = database().read([](Session& session) {
    return session.rows("SELECT document, secrets, error FROM block_row ORDER BY block", "ttt");
  });
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].cells(), (Values{odd, SqlValue(), "NULL"}));
  EXPECT_EQ(rows[1].cells(), (Values{"", odd, SqlValue()}));
  EXPECT_EQ(create(*store_, instance("x"), "token-y"), "Instance or token already exists");
  EXPECT_EQ(create(*store_, instance("y"), "token-x"), "Instance or token already exists");
  EXPECT_EQ(accounts().find(account_.id)->instances, 1);
}

TEST_F(PostgresqlTest, AShareThatCannotBeWrittenFailsByItself) {
  std::vector<std::string> said(6);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < said.size(); ++i)
      threads.emplace_back([&, i] {
        const std::string name = std::to_string(i);
        // A block row of an instance that is not its own is left out; one twice is refused.
        std::vector<Values> rows;
        for (std::size_t n = 0; n < 1 + i % 2; ++n)
          rows.push_back({"i-" + name, "alpha", SqlValue(), SqlValue(), SqlValue()});
        said[i] = create(*store_, instance(name), "token-" + name, rows);
      });
  }
  // The job itself writes no block row, and succeeds.
  for (const auto& each : said) EXPECT_EQ(each, "");
  EXPECT_EQ(count("instance"), 6);
}

TEST_F(PostgresqlTest, AFailureThatAJobLetsPassIsNotCommittedInSilence) {
  EXPECT_THROW(database().commit([](Session& session) {
    session.run("UPDATE account SET instances = 7");
    try {
      session.run("INSERT INTO nowhere (a) VALUES (1)");
    } catch (const StorageError&) {
    }
  }),
               StorageError);
  EXPECT_EQ(accounts().find(account_.id)->instances, 0);
}

TEST_F(PostgresqlTest, TextsThatItCannotHoldAreRefusedAndTheSessionGoesOn) {
  for (const std::string& text :
       {std::string("a\0b", 3), std::string("\xff"), std::string("\xc0\x80")}) {
    const auto write = [&] {
      database().commit(
          [&](Session& session) { session.run("UPDATE account SET name = :name", {text}); });
    };
    EXPECT_THROW(write(), Error);
    EXPECT_THROW(database().read([&](Session& session) {
      return session.query("SELECT id FROM account WHERE name = :name", {text});
    }),
                 Error);
  }
  EXPECT_EQ(accounts().find(account_.id)->name, "default");
}

TEST_F(PostgresqlTest, AFailureRepeatsNoValue) {
  const auto said = [&](const std::string& sql, const SqlValue& value) {
    try {
      database().commit([&](Session& session) { session.run(sql, {value}); });
    } catch (const StorageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  accounts().create({.id = {"a-2"}, .name = "canary"}, clock_.now());
  for (const auto& text : {said("UPDATE account SET name = :name WHERE id = 'a-1'", "canary"),
                           said("UPDATE account SET quota = :quota", "canary"),
                           said("UPDATE account SET quota = CAST(:quota AS BIGINT)", "canary")}) {
    EXPECT_NE(text, "");
    EXPECT_EQ(text.find("canary"), text.npos) << text;
  }
}

TEST_F(PostgresqlTest, WithoutAPlaceForTheKeyItSaysWhichTwoThereAre) {
  try {
    Store({{folder_->databaseUrl()}, "", ""});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("POMBO_MASTER_KEY"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("security.keyFile"), std::string::npos);
  }
}

std::string refusalOf(const std::string& url) {
  try {
    Database database({url});
    return "";
  } catch (const StorageError& error) {
    return error.what();
  }
}

TEST(PostgresqlUrlTest, AFailureDoesNotShowThePassword) {
  for (const auto* url :
       {"postgresql://pombo:canary@127.0.0.1:1/x", "postgresql://pombo:canary%zz@h/x",
        "postgresql://pombo:can/ary@h/canary", "postgresql://pombo:1/canary@h/x",
        "postgresql://pombo@127.0.0.1:1/x?password=canary", "postgresql://127.0.0.1:1/x?canary",
        "postgresql://h/x?canary=1", "postgresql://pombo:canary@h:port/x"}) {
    const std::string said = refusalOf(url);
    EXPECT_NE(said, "") << url;
    EXPECT_EQ(said.find("canary"), said.npos) << said;
    EXPECT_EQ(said.find("can/ary"), said.npos) << said;
  }
}

TEST(PostgresqlUrlTest, WhatTheOperatorSaysGoesBeforeWhatWeDo) {
  const PostgresqlUrl url(
      "postgresql://u:p%20'%5C@h:5433/db?sslmode=require&connect_timeout=9&application_name=x");
  for (const auto* part : {"sslmode='require'", "connect_timeout='9'", "application_name='x'",
                           "password='p \\'\\\\'", "port='5433'", "client_encoding='UTF8'"})
    EXPECT_NE(url.connection().find(part), std::string::npos) << part << " in " << url.connection();
  EXPECT_EQ(url.redacted("wrong: p '\\!"), "wrong: ***!");
}

}  // namespace
}  // namespace pombo
