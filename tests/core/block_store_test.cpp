#include "storage/block_store.hpp"

#include <gtest/gtest.h>

#include "temp_gateway.hpp"

namespace pombo {
namespace {

const InstanceId kOld{"i-old"}, kNew{"i-new"};

BlockRow with(const std::string& document, const std::string& secret = "") {
  BlockRow row;
  row.document = document;
  if (!secret.empty()) row.secrets["a"] = secret;
  return row;
}

class BlockStoreTest : public ::testing::Test {
 protected:
  BlockStoreTest() { insert(kOld); }

  void insert(const InstanceId& id) {
    Instance instance;
    instance.id = id;
    instance.account = gateway_.account.id;
    instance.name = id.value;
    instance.status = kDisconnected;
    gateway_.store.database().commit([&](Session& session) {
      gateway_.instances.insert(session, instance, "token-" + id.value);
    });
  }
  void set(const InstanceId& id, const BlockRow& row) {
    store_.update(id, "webhook", [&](BlockRow& each) { each = row; });
  }
  void write(Draft& draft) {
    gateway_.store.database().commit([&](Session& session) { store_.write(session, draft); });
  }
  // As when a call into the block has failed: its part is not taken.
  void fail(Draft& draft, const std::string& block) {
    BlockRow row = store_.load(draft.id(), block);
    row.error = "why";
    draft.put(block, std::move(row));
  }
  void makeUnreadable(const InstanceId& id) {
    gateway_.store.database().commit([&](Session& session) {
      session.run("UPDATE block_row SET secrets = :s WHERE instance_id = :id",
                  {"0123456789abcdef:AAAA", id.value});
    });
  }
  std::string sealedOf(const InstanceId& id) {
    return gateway_.store.database().read([&](Session& session) {
      return session.rows("SELECT secrets FROM block_row WHERE instance_id = :id", "t", {id.value})
          .at(0)
          .text(0);
    });
  }

  TempGateway gateway_;
  BlockStore& store_ = gateway_.blocks;
};

TEST_F(BlockStoreTest, ARowThatIsNotThereReadsAsEmpty) {
  const BlockRow row = store_.load(kOld, "webhook");
  EXPECT_EQ(row.document, std::nullopt);
  EXPECT_TRUE(row.secrets.empty());
  EXPECT_EQ(row.error, "");
  EXPECT_FALSE(row.unreadable);
}

TEST_F(BlockStoreTest, WithoutADraftAnUpdateIsCommittedAtOnce) {
  set(kOld, with("{}", "s"));
  const BlockRow row = store_.load(kOld, "webhook");
  EXPECT_EQ(row.document, "{}");
  EXPECT_EQ(row.secrets.at("a"), "s");
  EXPECT_EQ(store_.load(kOld, "websocket").document, std::nullopt) << "another block's";
}

TEST_F(BlockStoreTest, OfAnInstanceThatIsNotThereNothingIsKept) {
  try {
    set(kNew, with("{}"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::notFound);
    EXPECT_STREQ(error.what(), "Instance not found");
  }
  EXPECT_EQ(gateway_.count("block_row"), 0);
}

TEST_F(BlockStoreTest, SecretsAreSealedInTheDatabase) {
  set(kOld, with("{}", "canary"));
  EXPECT_TRUE(sealedOf(kOld).starts_with(gateway_.store.sealer().keyId()));
  EXPECT_EQ(sealedOf(kOld).find("canary"), std::string::npos);
}

TEST_F(BlockStoreTest, ASecretMovedToAnotherRowDoesNotOpen) {
  insert(kNew);
  set(kOld, with("{}", "s"));
  set(kNew, with("{}", "t"));
  const std::string sealed = sealedOf(kOld);
  gateway_.store.database().commit([&](Session& session) {
    session.run("UPDATE block_row SET secrets = :s WHERE instance_id = :id", {sealed, kNew.value});
  });
  EXPECT_TRUE(store_.load(kNew, "webhook").unreadable);
  EXPECT_FALSE(store_.load(kOld, "webhook").unreadable);
}

TEST_F(BlockStoreTest, InADraftChangesAreSeenByItselfAndByNobodyElse) {
  set(kOld, with("{}"));
  Draft draft(kOld, false);
  {
    const Draft::Scope scope(draft);
    set(kOld, with("[]", "s"));
    EXPECT_EQ(store_.load(kOld, "webhook").document, "[]");
    EXPECT_EQ(store_.load(kOld, "webhook").secrets.at("a"), "s");
  }
  EXPECT_EQ(store_.load(kOld, "webhook").document, "{}");
  write(draft);
  EXPECT_EQ(store_.load(kOld, "webhook").document, "[]");
  EXPECT_EQ(store_.load(kOld, "webhook").secrets.at("a"), "s");
}

TEST_F(BlockStoreTest, ADraftThatIsDroppedLeavesNothing) {
  {
    Draft draft(kOld, false);
    const Draft::Scope scope(draft);
    set(kOld, with("{}"));
    store_.apply("webhook", {{"DELETE FROM instance", {}}});
  }
  EXPECT_EQ(gateway_.count("block_row"), 0);
  EXPECT_EQ(gateway_.count("instance"), 1);
}

TEST_F(BlockStoreTest, ADraftIsOfOneInstance) {
  set(kOld, with("{}"));
  Draft draft(kNew, true);
  const Draft::Scope scope(draft);
  EXPECT_EQ(Draft::of(kNew), &draft);
  EXPECT_EQ(Draft::of(kOld), nullptr);
  EXPECT_EQ(store_.load(kOld, "webhook").document, "{}");
  set(kOld, with("[]"));  // of an instance that is there: at once
  EXPECT_TRUE(draft.rows().empty());
  EXPECT_EQ(store_.load(kOld, "webhook").document, "[]");
}

TEST_F(BlockStoreTest, ScopesAreOfOneThreadAndNest) {
  Draft outer(kNew, true), inner(kOld, false);
  const Draft::Scope first(outer);
  {
    const Draft::Scope second(inner);
    EXPECT_EQ(Draft::current(), &inner);
    std::jthread([] { EXPECT_EQ(Draft::current(), nullptr); });
  }
  EXPECT_EQ(Draft::current(), &outer);
}

TEST_F(BlockStoreTest, ANewInstancesRowsAreNotLookedFor) {
  Draft draft(kOld, true);  // as if it were new: what is in the database is not seen
  set(kOld, with("{}"));
  const Draft::Scope scope(draft);
  EXPECT_EQ(store_.load(kOld, "webhook").document, std::nullopt);
}

TEST_F(BlockStoreTest, WhatFailedKeepsWhatWasBeforeAndTheReason) {
  set(kOld, with("{}", "s"));
  Draft draft(kOld, false);
  {
    const Draft::Scope scope(draft);
    const auto part = draft.part("webhook");
    {
      const Draft::Scope inner(*part);
      set(kOld, with("[]", "other"));
    }
    store_.update(kOld, "websocket", [](BlockRow& row) { row.document = "7"; });
    fail(draft, "webhook");
  }
  write(draft);
  const BlockRow row = store_.load(kOld, "webhook");
  EXPECT_EQ(row.document, "{}");
  EXPECT_EQ(row.secrets.at("a"), "s");
  EXPECT_EQ(row.error, "why");
  EXPECT_EQ(store_.load(kOld, "websocket").document, "7");
}

TEST_F(BlockStoreTest, AFailureDoesNotDestroyWhatCannotBeOpenedNow) {
  set(kOld, with("{}", "s"));
  const std::string good = sealedOf(kOld);
  makeUnreadable(kOld);
  Draft draft(kOld, false);
  {
    const Draft::Scope scope(draft);
    EXPECT_TRUE(store_.load(kOld, "webhook").unreadable);
    EXPECT_THROW(set(kOld, with("[]")), Error);
    fail(draft, "webhook");
  }
  write(draft);
  EXPECT_EQ(sealedOf(kOld), "0123456789abcdef:AAAA");
  EXPECT_EQ(store_.load(kOld, "webhook").error, "why");
  EXPECT_NE(good, sealedOf(kOld));
}

TEST_F(BlockStoreTest, WhatCannotBeOpenedIsNotWrittenOver) {
  set(kOld, with("{}", "s"));
  makeUnreadable(kOld);
  EXPECT_THROW(set(kOld, with("[]")), Error);
  EXPECT_EQ(store_.load(kOld, "webhook").document, "{}");
}

TEST_F(BlockStoreTest, StatementsRunWithTheDraftInTheirOrder) {
  gateway_.store.database().commit([](Session& session) {
    session.once("CREATE TABLE webhook_a (id BIGINT PRIMARY KEY, n BIGINT)");
  });
  Draft draft(kOld, false);
  {
    const Draft::Scope scope(draft);
    store_.apply("webhook", {{"INSERT INTO webhook_a (id, n) VALUES (1, 0)", {}}});
    store_.apply("webhook", {{"UPDATE webhook_a SET n = n + 1", {}}});
    store_.apply("webhook", {{"UPDATE webhook_a SET n = n * 10", {}}});
    EXPECT_EQ(gateway_.count("webhook_a"), 0);
  }
  write(draft);
  EXPECT_EQ(gateway_.count("webhook_a WHERE n = 10"), 1);
}

TEST_F(BlockStoreTest, APartCountsWhenItIsTaken) {
  gateway_.store.database().commit(
      [](Session& session) { session.once("CREATE TABLE a (id BIGINT)"); });
  Draft draft(kOld, false);
  {
    const Draft::Scope scope(draft);
    const auto failing = draft.part("webhook"), good = draft.part("websocket");
    {
      const Draft::Scope inner(*failing);
      store_.apply("webhook", {{"INSERT INTO a (id) VALUES (1)", {}}});
    }
    {
      const Draft::Scope inner(*good);
      store_.apply("websocket", {{"INSERT INTO a (id) VALUES (2)", {}}});
    }
    draft.take(*good);
  }
  write(draft);
  EXPECT_EQ(gateway_.count("a"), 1);
  EXPECT_EQ(gateway_.count("a WHERE id = 2"), 1);
}

// Whether the block's SQL fails in each of two runs, of which the first is not committed.
class RepeatedWriteTest : public BlockStoreTest, public ::testing::WithParamInterface<bool> {
 protected:
  RepeatedWriteTest() {
    gateway_.store.database().commit(
        [](Session& session) { session.once("CREATE TABLE a (id BIGINT PRIMARY KEY)"); });
  }
  void writeTwice(Draft& draft, bool first, bool second) {
    int runs = 0;
    gateway_.store.database().commit([&](Session& session) {
      if (++runs == 1 ? first : second) session.run("INSERT INTO a (id) VALUES (1)");
      failures_ = store_.write(session, draft);
      if (runs == 1) throw StorageError("in the way", StorageError::Kind::conflict);
    });
    EXPECT_EQ(runs, 2);
  }
  Draft drafted() {
    Draft draft(kOld, GetParam());
    const Draft::Scope scope(draft);
    store_.apply("webhook", {{"INSERT INTO a (id) VALUES (1)", {}}});
    set(kOld, with("{}", "s"));
    return draft;
  }

  std::vector<BlockFailure> failures_;
};

INSTANTIATE_TEST_SUITE_P(Drafts, RepeatedWriteTest, ::testing::Bool(), [](const auto& each) {
  return each.param ? "OfANewInstance" : "OfAnOldInstance";
});

TEST_P(RepeatedWriteTest, WhatFailedInTheRunBeforeIsKeptAllTheSame) {
  Draft draft = drafted();
  writeTwice(draft, true, false);
  EXPECT_TRUE(failures_.empty());
  EXPECT_EQ(draft.find("webhook")->document, "{}");
  EXPECT_EQ(draft.find("webhook")->error, "");
  const BlockRow row = store_.load(kOld, "webhook");
  EXPECT_EQ(row.document, "{}");
  EXPECT_EQ(row.secrets.at("a"), "s");
  EXPECT_EQ(row.error, "");
}

TEST_P(RepeatedWriteTest, WhatFailsInTheLastRunIsShownAsFailed) {
  Draft draft = drafted();
  writeTwice(draft, false, true);
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_EQ(failures_[0].block, "webhook");
  EXPECT_EQ(draft.find("webhook")->document, std::nullopt);
  EXPECT_EQ(draft.find("webhook")->error, "internal error");
  EXPECT_EQ(store_.load(kOld, "webhook").document, std::nullopt);
  EXPECT_EQ(store_.load(kOld, "webhook").error, "internal error");
}

TEST_F(BlockStoreTest, StatementsOutsideOfADraftAreAllOrNone) {
  gateway_.store.database().commit(
      [](Session& session) { session.once("CREATE TABLE a (id BIGINT PRIMARY KEY)"); });
  EXPECT_THROW(store_.apply("webhook", {{"INSERT INTO a (id) VALUES (1)", {}},
                                        {"INSERT INTO a (id) VALUES (1)", {}}}),
               StorageError);
  EXPECT_EQ(gateway_.count("a"), 0);
  store_.apply("webhook", {{"INSERT INTO a (id) VALUES (:id)", {std::int64_t{1}}}});
  EXPECT_EQ(gateway_.count("a"), 1);
}

TEST_F(BlockStoreTest, PreloadedInstancesAreReadWithoutTheDatabase) {
  insert(kNew);
  set(kOld, with("{}", "s"));
  std::map<InstanceId, Draft> drafts;
  store_.preload({kOld, kNew}, drafts);
  set(kOld, with("[]"));  // after the look: a list shows one moment
  ASSERT_EQ(drafts.size(), 2u);
  {
    const Draft::Scope scope(drafts.at(kOld));
    EXPECT_EQ(store_.load(kOld, "webhook").document, "{}");
    EXPECT_EQ(store_.load(kOld, "webhook").secrets.at("a"), "s");
    EXPECT_EQ(store_.load(kOld, "websocket").document, std::nullopt);
  }
  const Draft::Scope scope(drafts.at(kNew));
  EXPECT_EQ(store_.load(kNew, "webhook").document, std::nullopt);
}

TEST_F(BlockStoreTest, EraseTakesTheRowsOfOneInstance) {
  insert(kNew);
  set(kOld, with("{}"));
  set(kNew, with("{}"));
  gateway_.store.database().commit([](Session& session) { BlockStore::erase(session, kOld); });
  EXPECT_EQ(gateway_.count("block_row"), 1);
  EXPECT_EQ(store_.load(kNew, "webhook").document, "{}");
}

TEST_F(BlockStoreTest, APartKnowsWhatTheWholeKnowsOfItsBlock) {
  Draft draft(kNew, true);
  draft.put("webhook", with("{}", "s"));
  const auto part = draft.part("webhook"), other = draft.part("websocket");
  EXPECT_EQ(part->find("webhook")->document, "{}");
  EXPECT_EQ(other->find("webhook"), nullptr);
  EXPECT_TRUE(part->rows().empty()) << "it has said nothing of its own yet";
  EXPECT_TRUE(other->isNew());
}

TEST(Reservation, IsTakenOnceAndItsFailureIsRemembered) {
  int taken = 0;
  Reservation good([&] { ++taken; });
  EXPECT_FALSE(good.taken());
  good.require();
  good.require();
  EXPECT_EQ(taken, 1);
  EXPECT_TRUE(good.taken());
  EXPECT_FALSE(good.failure());

  Reservation failing([&] {
    ++taken;
    throw Error(Code::conflict, "Instance or token already exists");
  });
  EXPECT_THROW(failing.require(), Error);
  EXPECT_THROW(failing.require(), Error);
  EXPECT_EQ(taken, 2) << "it was tried once";
  EXPECT_FALSE(failing.taken());
  EXPECT_TRUE(failing.failure());
}

TEST(Reservation, IsNotTakenOnceItIsClosed) {
  int taken = 0;
  Reservation closed([&] { ++taken; });
  closed.close();
  closed.require();
  EXPECT_EQ(taken, 0);
  EXPECT_FALSE(closed.taken());
}

}  // namespace
}  // namespace pombo
