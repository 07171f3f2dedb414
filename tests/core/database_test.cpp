#include "storage/database.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <barrier>
#include <latch>

#include "gathering.hpp"
#include "pombo/error.hpp"
#include "storage/sqlite_backend.hpp"
#include "storage/sqlite_session.hpp"
#include "temp_store.hpp"

namespace pombo {
namespace {

Database::Job inserting(std::int64_t id) {
  return [id](Session& session) { session.run("INSERT INTO thing (id) VALUES (:id)", {id}); };
}

class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() : database_(std::make_unique<Database>(options())) {
    database_->commit(
        [](Session& session) { session.once("CREATE TABLE thing (id BIGINT PRIMARY KEY)"); });
  }
  DatabaseOptions options() const { return {folder_.databaseUrl(), "normal", 1}; }
  std::vector<std::int64_t> ids() {
    return database_->read([](Session& session) {
      std::vector<std::int64_t> all;
      for (const auto& row : session.rows("SELECT id FROM thing ORDER BY id", "n"))
        all.push_back(row.number(0));
      return all;
    });
  }

  TempFolder folder_;
  std::unique_ptr<Database> database_;
};

using Ids = std::vector<std::int64_t>;

TEST_F(DatabaseTest, WhatIsCommittedIsSeenByReadersAndByTheNextOpening) {
  database_->commit(inserting(1));
  EXPECT_EQ(ids(), Ids{1});
  database_ = nullptr;
  database_ = std::make_unique<Database>(options());
  EXPECT_EQ(ids(), Ids{1});
}

TEST_F(DatabaseTest, JobsThatWaitTogetherShareOneCommit) {
  std::vector<Database::Job> jobs;
  for (std::int64_t id = 1; id <= 12; ++id) jobs.push_back(inserting(id));
  const auto commits = database_->commits();
  const auto done = database_->jobs();
  for (const auto& said : committedTogether(*database_, jobs)) EXPECT_EQ(said, "");
  EXPECT_EQ(database_->commits(), commits + 2) << "one of the job that held the writer";
  EXPECT_EQ(database_->jobs(), done + 13);
  EXPECT_EQ(ids().size(), 12u);
}

TEST_F(DatabaseTest, AJobThatFailsBeforeItWritesTakesNoOtherWithIt) {
  const auto said = committedTogether(
      *database_,
      {inserting(1), [](Session&) { throw Error(Code::conflict, "taken"); }, inserting(2)});
  EXPECT_EQ(said, (std::vector<std::string>{"", "taken", ""}));
  EXPECT_EQ(ids(), (Ids{1, 2}));
}

TEST_F(DatabaseTest, AJobThatFailsAfterItHasWrittenTakesNoOtherWithIt) {
  const auto said = committedTogether(*database_, {inserting(1),
                                                   [](Session& session) {
                                                     inserting(7)(session);
                                                     throw Error(Code::forbidden, "enough");
                                                   },
                                                   inserting(2)});
  EXPECT_EQ(said, (std::vector<std::string>{"", "enough", ""}));
  EXPECT_EQ(ids(), (Ids{1, 2}));
}

TEST_F(DatabaseTest, AViolationTakesNoOtherWithIt) {
  const auto said =
      committedTogether(*database_, {inserting(1), inserting(1), inserting(2), inserting(1)});
  EXPECT_EQ(ids(), (Ids{1, 2}));
  EXPECT_EQ(said[0], "");
  EXPECT_EQ(said[2], "");
  for (const auto loser : {1, 3})
    EXPECT_NE(said[loser].find(testServer() ? "unique" : "UNIQUE"), said[loser].npos);
}

TEST_F(DatabaseTest, ManyFailuresOfEveryKindInOneCommit) {
  std::vector<Database::Job> jobs;
  for (std::int64_t id = 0; id < 20; ++id)
    jobs.push_back([id](Session& session) {
      if (id % 5 == 1) throw Error(Code::conflict, "before " + std::to_string(id));
      inserting(id)(session);
      if (id % 5 == 2) throw std::runtime_error("after " + std::to_string(id));
      if (id % 5 == 3) session.run("INSERT INTO nowhere (id) VALUES (1)");
      if (id % 5 == 4) throw 42;
    });
  const auto said = committedTogether(*database_, jobs);
  for (std::size_t id = 0; id < 20; ++id) {
    const std::vector<std::string> expected{"", "before " + std::to_string(id),
                                            "after " + std::to_string(id), "nowhere",
                                            "not a std::exception"};
    EXPECT_NE(said[id].find(expected[id % 5]), std::string::npos) << said[id];
    EXPECT_EQ(said[id].empty(), id % 5 == 0);
  }
  EXPECT_EQ(ids(), (Ids{0, 5, 10, 15}));
}

TEST_F(DatabaseTest, AnExceptionArrivesAsWhatItWas) {
  try {
    database_->commit([](Session&) { throw Error(Code::notFound, "gone"); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::notFound);
    EXPECT_STREQ(error.what(), "gone");
  }
  EXPECT_THROW(database_->commit([](Session& session) { session.once("NO SQL"); }), StorageError);
  EXPECT_THROW(database_->commit([](Session&) { throw 42; }), int);
  database_->commit(inserting(1));
  EXPECT_EQ(ids(), Ids{1});
}

TEST_F(DatabaseTest, UnderLoadThereAreFewerCommitsThanJobsAndNothingIsLost) {
  constexpr int kThreads = 8, kEach = 100;
  const auto commits = database_->commits();
  std::barrier start(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int i = 0; i < kEach; ++i) {
          database_->commit(inserting(t * kEach + i));
          if (i % 10 != 0) continue;
          EXPECT_THROW(database_->commit(inserting(t * kEach + i)), StorageError);
        }
      });
  }
  EXPECT_EQ(ids().size(), std::size_t{kThreads * kEach});
  EXPECT_LT(database_->commits() - commits, std::uint64_t{kThreads * kEach});
}

TEST_F(DatabaseTest, ReadersDoNotWaitForTheWriter) {
  database_->commit(inserting(1));
  HeldWriter held(*database_);
  EXPECT_EQ(ids(), Ids{1});
}

TEST_F(DatabaseTest, AReaderThatThrowsIsUsedAgain) {
  EXPECT_THROW(database_->read([](Session& session) { return session.rows("NO SQL", "n"); }),
               StorageError);
  EXPECT_TRUE(ids().empty());
}

TEST_F(DatabaseTest, AReaderCannotWrite) {
  EXPECT_THROW(database_->read([](Session& session) { return session.run("DELETE FROM thing"); }),
               StorageError);
  EXPECT_THROW(database_->read([](Session& session) {
    return session.query("INSERT INTO thing (id) VALUES (5) RETURNING id", {});
  }),
               StorageError);
  EXPECT_TRUE(ids().empty());
}

TEST_F(DatabaseTest, TheHookRunsOnceATransactionBeforeItsJobs) {
  int begun = 0;
  database_->onBegin([&](Session&) { ++begun; });
  committedTogether(*database_, {inserting(1), inserting(2), inserting(3)});
  EXPECT_EQ(begun, 2);
  database_->onBegin(nullptr);
}

TEST_F(DatabaseTest, AHookThatFailsFailsEveryJobAndNothingIsKept) {
  database_->onBegin([](Session&) { throw StorageError("no key"); });
  EXPECT_EQ(Committing(*database_, inserting(1)).said(), "no key");
  database_->onBegin(nullptr);
  EXPECT_TRUE(ids().empty());
  database_->commit(inserting(1));
  EXPECT_EQ(ids(), Ids{1});
}

TEST_F(DatabaseTest, WhoeverWaitsWhenItClosesIsServed) {
  auto held = std::make_unique<HeldWriter>(*database_);
  Committing first(*database_, inserting(1)), second(*database_, inserting(2));
  first.waitUntilQueued();
  second.waitUntilQueued();
  std::atomic<pid_t> closer{0};
  std::jthread closing([&] {
    closer = ::gettid();
    database_ = nullptr;
  });
  untilAsleep(closer);
  held->release();
  closing.join();
  EXPECT_EQ(first.said(), "");
  EXPECT_EQ(second.said(), "");
  held = nullptr;
  database_ = std::make_unique<Database>(options());
  EXPECT_EQ(ids(), (Ids{1, 2}));
}

TEST_F(DatabaseTest, TwoOnOneFileTakeTurns) {
  Database other(options());
  {
    std::jthread here([&] {
      for (std::int64_t id = 0; id < 50; ++id) database_->commit(inserting(id));
    });
    for (std::int64_t id = 50; id < 100; ++id) other.commit(inserting(id));
  }
  EXPECT_EQ(ids().size(), 100u);
}

// Two servers, or a server and the command line, on a file that was not there.
TEST_F(DatabaseTest, ANewFileThatAnotherWritesIsWaitedFor) {
  const auto file = folder_.file("new.db");
  SqliteSession first(file);
  first.once("BEGIN IMMEDIATE");
  first.once("CREATE TABLE thing (id BIGINT PRIMARY KEY)");
  std::atomic<pid_t> opener{0};
  std::latch committed(1);
  std::jthread opening([&] {
    opener = ::gettid();
    EXPECT_NO_THROW(SqliteBackend(file, false).openWriter());
    committed.wait();
  });
  untilAsleep(opener);
  first.once("COMMIT");
  committed.count_down();
}

TEST_F(DatabaseTest, ItsFilesAreNobodyElses) {
  database_->commit(inserting(1));
  for (const auto* name : {"pombo.db", "pombo.db-wal"}) {
    struct stat info {};
    ASSERT_EQ(::stat(folder_.file(name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 077, 0u) << name;
  }
}

TEST_F(DatabaseTest, ForeignKeysHold) {
  database_->commit([](Session& session) {
    session.once("CREATE TABLE part (thing_id BIGINT NOT NULL REFERENCES thing (id))");
  });
  EXPECT_THROW(database_->commit([](Session& session) {
    session.run("INSERT INTO part (thing_id) VALUES (:id)", {std::int64_t{9}});
  }),
               StorageError);
}

TEST(IsText, IsUtf8WithoutNul) {
  for (const auto* text :
       {"", "plain", "Ação", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "漢字 \xf0\x9f\x95\x8a"})
    EXPECT_TRUE(isText(text)) << text;
  EXPECT_FALSE(isText(std::string("a\0b", 3)));
  for (const auto* text :
       {"\xff", "a\xc3", "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x28\xa1"})
    EXPECT_FALSE(isText(text)) << text;
}

TEST(DatabaseUrl, WhatIsNoSqlitePathIsRefused) {
  for (const auto* url : {"", "sqlite:", "mysql://x", "pombo.db"})
    EXPECT_THROW(Database({url}), StorageError) << url;
}

TEST(DatabaseUrl, AFolderThatIsNotThereIsRefused) {
  const TempFolder folder;
  EXPECT_THROW(Database({"sqlite:" + folder.file("none/pombo.db")}), StorageError);
}

}  // namespace
}  // namespace pombo
