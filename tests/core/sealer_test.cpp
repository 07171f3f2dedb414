#include "storage/sealer.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <thread>

#include "account/accounts.hpp"
#include "instance/instance_store.hpp"
#include "instance/rotation.hpp"
#include "storage/block_store.hpp"
#include "storage/quick_base64.hpp"
#include "temp_store.hpp"

namespace pombo {
namespace {

std::vector<std::string> keysIn(const std::string& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string base64Key() { return toBase64(newKey().reveal()); }

TEST(Base64, GoesThereAndBack) {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string bytes = randomBytes(size);
    EXPECT_EQ(fromBase64(toBase64(bytes)), bytes);
    EXPECT_EQ(toBase64Url(bytes).find_first_of("+/="), std::string::npos);
  }
  for (const auto* bad : {"%%%%", "AAA-", "AAA_", "AAAA AAAA", "AAAA\n", "ÄAAA"})
    EXPECT_EQ(fromBase64(bad), std::nullopt) << bad;
}

class SealerTest : public ::testing::Test {
 protected:
  TempStore store_;
  Sealer& sealer_ = store_.sealer();
};

TEST(QuickBase64, IsTheOther) {
  for (std::size_t size = 1; size < 100; ++size) {
    const std::string bytes = randomBytes(size);
    EXPECT_EQ(quickBase64(bytes), toBase64(bytes));
    EXPECT_EQ(fromQuickBase64(toBase64(bytes)), bytes);
  }
  EXPECT_EQ(quickBase64(""), "");
}

TEST(QuickBase64, TakesOneSpellingOnly) {
  EXPECT_EQ(fromQuickBase64("QQ=="), "A");
  for (const std::string text : {"", "Q", "QQ", "QQ=", "QR==", "QUJ=", "Q===", "====", "QQ==QQ==",
                                 " QQ=", "QQ==\n", "QQ-_", "=QQQ", "Q\xc3\xa9Q"})
    EXPECT_FALSE(fromQuickBase64(text)) << text;
}

TEST_F(SealerTest, WhatWasSealedOpens) {
  for (const std::string& plain :
       {std::string(), std::string("x"), std::string("a\0b\xff", 4), std::string(100'000, 'y')}) {
    const auto opened = sealer_.open("row/1", sealer_.seal("row/1", plain));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->reveal(), plain);
  }
}

TEST_F(SealerTest, TheSealedFormIsTheKeysIdAndBase64AndShowsNothing) {
  const std::string sealed = sealer_.seal("row/1", "canary-canary-canary");
  EXPECT_TRUE(std::regex_match(sealed, std::regex("[0-9a-f]{16}:[A-Za-z0-9+/]+=*")));
  EXPECT_TRUE(sealed.starts_with(sealer_.keyId() + ":"));
  const auto bytes = fromBase64(sealed.substr(17));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->size(), 12 + 20 + 16u) << "nonce, text, tag";
  EXPECT_EQ(bytes->find("canary"), std::string::npos);
}

TEST_F(SealerTest, NoNonceIsUsedTwice) {
  std::set<std::string> nonces;
  for (int i = 0; i < 2'000; ++i)
    nonces.insert(fromBase64(sealer_.seal("row/1", "same").substr(17))->substr(0, 12));
  EXPECT_EQ(nonces.size(), 2'000u);
}

TEST_F(SealerTest, AValueThatWasMovedDoesNotOpen) {
  const std::string sealed = sealer_.seal("row/1", "secret");
  for (const auto* owner : {"row/2", "row/1/", "row", "", "ROW/1"})
    EXPECT_FALSE(sealer_.open(owner, sealed)) << owner;
}

TEST_F(SealerTest, NoChangedByteOpens) {
  const std::string sealed = sealer_.seal("row/1", "secret");
  const std::string id = sealed.substr(0, 17), bytes = *fromBase64(sealed.substr(17));
  ASSERT_TRUE(sealer_.open("row/1", id + toBase64(bytes)));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(sealer_.open("row/1", id + toBase64(changed))) << i;
    EXPECT_FALSE(sealer_.open("row/1", id + toBase64(bytes.substr(0, i)))) << "cut to " << i;
  }
  EXPECT_FALSE(sealer_.open("row/1", id + toBase64(bytes + "x")));
}

TEST_F(SealerTest, WhatIsNoSealedValueDoesNotOpen) {
  const std::string body = sealer_.seal("row/1", "secret").substr(17);
  for (const std::string& other : {std::string(), std::string(":"), std::string("x"), body,
                                   ":" + body, "0123456789abcdef:" + body, sealer_.keyId() + ":",
                                   sealer_.keyId() + ":%%%", sealer_.keyId() + "::" + body})
    EXPECT_FALSE(sealer_.open("row/1", other)) << other;
}

TEST_F(SealerTest, ManyThreadsSealAndOpenAtOnce) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const std::string owner = "row/" + std::to_string(t);
      for (int i = 0; i < 200; ++i) {
        const std::string plain = owner + "/" + std::to_string(i);
        const auto opened = sealer_.open(owner, sealer_.seal(owner, plain));
        ASSERT_TRUE(opened);
        ASSERT_EQ(opened->reveal(), plain);
        ASSERT_EQ(sealer_.hashOf(plain), sealer_.hashOf(plain));
      }
    });
}

TEST_F(SealerTest, AnotherOnTheSameFileOpensAndHashesTheSame) {
  const auto other = store_.open();
  EXPECT_EQ(other->sealer().open("row/1", sealer_.seal("row/1", "x"))->reveal(), "x");
  EXPECT_EQ(other->sealer().hashOf("token"), sealer_.hashOf("token"));
}

TEST_F(SealerTest, HashesDifferBetweenTokensAndBetweenDatabases) {
  TempStore elsewhere;
  EXPECT_EQ(sealer_.hashOf("token").size(), 43u);
  EXPECT_NE(sealer_.hashOf("token"), sealer_.hashOf("token2"));
  EXPECT_NE(sealer_.hashOf("token"), elsewhere.sealer().hashOf("token"));
  // Back and forth on one thread: each keeps to its own key.
  EXPECT_EQ(sealer_.hashOf("token"), sealer_.hashOf("token"));
}

TEST(StoreTest, TheWrongKeyIsRefusedWithASentenceAndNoKey) {
  const TempFolder folder;
  const std::string right = base64Key(), wrong = base64Key();
  const auto open = [&](const std::string& keys) {
    return Store({{folder.databaseUrl()}, keys, ""}).sealer().keyId();
  };
  const std::string id = open(right);
  EXPECT_EQ(open(right), id);
  EXPECT_EQ(open(wrong + "," + right), id) << "the one that seals is among them";
  try {
    open(wrong);
    FAIL();
  } catch (const std::runtime_error& error) {
    const std::string said = error.what();
    EXPECT_NE(said.find("the master key is not the one"), said.npos) << said;
    EXPECT_NE(said.find(id), said.npos) << "which key is wanted";
    EXPECT_EQ(said.find(right), said.npos);
    EXPECT_EQ(said.find(wrong), said.npos);
  }
}

TEST(StoreTest, ALostKeyFileIsNotReplacedByAFreshKey) {
  TempStore store;
  std::filesystem::remove(store.folder().keyFile());
  EXPECT_THROW(store.open(), std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(store.folder().keyFile()));
}

TEST(StoreTest, ATamperedKeyOfTheServerIsNoticed) {
  TempStore store;
  store.database().commit([](Session& session) {
    const auto token = session.rows("SELECT token_key FROM server", "t")[0].text(0);
    std::string changed = token;
    changed[20] = changed[20] == 'A' ? 'B' : 'A';
    session.run("UPDATE server SET token_key = :key", {changed});
  });
  EXPECT_THROW(store.open(), std::runtime_error);
}

TEST(StoreTest, ManyOpenANewFileAtOnce) {
  const TempFolder folder;
  std::vector<std::string> ids(4), hashes(4);
  {
    std::vector<std::jthread> all;
    for (std::size_t i = 0; i < ids.size(); ++i)
      all.emplace_back([&, i] {
        Store store({{folder.databaseUrl(), "normal"}, "", ""});
        ids[i] = store.sealer().keyId();
        hashes[i] = store.sealer().hashOf("token");
      });
  }
  for (std::size_t i = 1; i < ids.size(); ++i) {
    EXPECT_EQ(ids[i], ids[0]);
    EXPECT_EQ(hashes[i], hashes[0]);
  }
}

// A store with an account, and instances each with a token and a secret of a block.
class RotationTest : public ::testing::Test {
 protected:
  RotationTest() {
    Accounts(store_.database(), store_.sealer()).create(account_, {});
    for (int i = 0; i < 30; ++i) add(*store_, i);
  }

  static InstanceId idOf(int number) { return {"i-" + std::to_string(number)}; }
  static std::string tokenOf(int number) { return "token-" + std::to_string(number); }

  void add(Store& store, int number) {
    Instance instance;
    instance.id = idOf(number);
    instance.account = account_.id;
    instance.name = instance.id.value;
    instance.status = kDisconnected;
    const InstanceStore instances(store.database(), store.sealer());
    store.database().commit(
        [&](Session& session) { instances.insert(session, instance, tokenOf(number)); });
    BlockStore blocks(store.database(), store.sealer());
    setSecret(blocks, number, "secret-" + std::to_string(number));
  }
  static void setSecret(BlockStore& blocks, int number, const std::string& value) {
    blocks.update(idOf(number), "webhook", [&](BlockRow& row) { row.secrets["a"] = value; });
  }

  // Everything opens, and under no other key than the one that seals now.
  void expectAllSealedBy(const std::string& keyId, int instances) {
    const auto fresh = store_.open();
    EXPECT_EQ(fresh->sealer().keyId(), keyId);
    const InstanceStore store(fresh->database(), fresh->sealer());
    const BlockStore blocks(fresh->database(), fresh->sealer());
    for (int i = 0; i < instances; ++i) {
      const auto stored = store.find(idOf(i));
      ASSERT_TRUE(stored) << i;
      const auto token = store.tokenOf(*stored);
      ASSERT_TRUE(token) << i;
      EXPECT_EQ(token->reveal(), tokenOf(i));
      const auto row = blocks.load(idOf(i), "webhook");
      EXPECT_FALSE(row.unreadable);
      ASSERT_TRUE(row.secrets.contains("a")) << i;
      EXPECT_TRUE(row.secrets.at("a").starts_with("secret-" + std::to_string(i))) << i;
    }
    const auto others = fresh->database().read([&](Session& session) {
      return session.rows(
          "SELECT token_sealed FROM instance WHERE token_sealed NOT LIKE :a UNION ALL "
          "SELECT secrets FROM block_row WHERE secrets NOT LIKE :b UNION ALL "
          "SELECT token_key FROM server WHERE token_key NOT LIKE :c",
          "t", {keyId + ":%", keyId + ":%", keyId + ":%"});
    });
    EXPECT_TRUE(others.empty());
  }

  TempStore store_;
  const Account account_{.id = {"a-1"}, .name = "default", .quota = std::nullopt};
};

TEST_F(RotationTest, EverythingOpensAfterwardsAndTheOldKeyIsGone) {
  const std::string before = store_.sealer().keyId(), hash = store_.sealer().hashOf("token");
  const auto oldKeys = keysIn(store_.folder().keyFile());
  const Rotated done = rotate(*store_);
  EXPECT_NE(done.keyId, before);
  EXPECT_EQ(done.values, 60);
  const auto keys = keysIn(store_.folder().keyFile());
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_NE(keys, oldKeys);
  EXPECT_EQ(store_.sealer().hashOf("token"), hash);
  expectAllSealedBy(done.keyId, 30);
  EXPECT_EQ(store_.open()->sealer().hashOf("token"), hash) << "tokens are still found";
}

TEST_F(RotationTest, MoreValuesThanOneBatchHolds) {
  for (int i = 30; i < 540; ++i) add(*store_, i);
  const Rotated done = rotate(*store_);
  EXPECT_EQ(done.values, 1080);
  expectAllSealedBy(done.keyId, 540);
}

TEST_F(RotationTest, CanBeDoneAgainAndAgain) {
  rotate(*store_);
  rotate(*store_);
  const Rotated done = rotate(*store_);
  expectAllSealedBy(done.keyId, 30);
}

TEST_F(RotationTest, CutShortAfterTheKeyWasAddedItCanBeRunAgain) {
  store_->keyring().add();
  expectAllSealedBy(store_.sealer().keyId(), 30);
  const Rotated done = rotate(*store_);
  EXPECT_EQ(keysIn(store_.folder().keyFile()).size(), 1u);
  expectAllSealedBy(done.keyId, 30);
}

TEST_F(RotationTest, CutShortHalfwayThroughItCanBeRunAgain) {
  store_.sealer().change([&] { return store_->keyring().add(); });
  const BlockStore blocks(store_.database(), store_.sealer());
  store_.database().commit(
      [&](Session& session) { EXPECT_EQ(blocks.reseal(session, 7), 7) << "and no further"; });
  // A server that starts now reads what both keys have sealed.
  const auto server = store_.open();
  const BlockStore theirs(server->database(), server->sealer());
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(theirs.load(idOf(i), "webhook").secrets.at("a"), "secret-" + std::to_string(i));
  const Rotated done = rotate(*store_);
  EXPECT_EQ(keysIn(store_.folder().keyFile()).size(), 1u);
  expectAllSealedBy(done.keyId, 30);
}

TEST_F(RotationTest, AValueThatDoesNotOpenStopsItAndNothingIsLost) {
  store_.database().commit([](Session& session) {
    session.run("UPDATE block_row SET secrets = :s WHERE instance_id = 'i-3'",
                {"0123456789abcdef:AAAA"});
  });
  const auto before = keysIn(store_.folder().keyFile());
  EXPECT_THROW(rotate(*store_), std::runtime_error);
  const auto keys = keysIn(store_.folder().keyFile());
  EXPECT_EQ(keys.back(), before.front()) << "the old key stays";
  const auto fresh = store_.open();
  const BlockStore blocks(fresh->database(), fresh->sealer());
  EXPECT_EQ(blocks.load(idOf(4), "webhook").secrets.at("a"), "secret-4");
  EXPECT_TRUE(blocks.load(idOf(3), "webhook").unreadable);
}

TEST_F(RotationTest, WhatAServerHasReadBeforeItOpensAfterIt) {
  const auto server = store_.open();
  const BlockStore blocks(server->database(), server->sealer());
  Draft draft(idOf(4), true);
  draft.remember("webhook", blocks.load(idOf(4), "webhook", Secrets::sealed));
  for (int i = 0; i < 3; ++i) {
    rotate(*store_);
    EXPECT_EQ(blocks.load(idOf(5), "webhook").secrets.at("a"), "secret-5");
  }
  const Draft::Scope scope(draft);
  EXPECT_EQ(blocks.load(idOf(4), "webhook").secrets.at("a"), "secret-4");
}

TEST_F(RotationTest, AServerBesideItGoesOnSealingAndReading) {
  const auto server = store_.open();
  std::atomic<bool> rotating{true};
  std::string last;
  {
    std::jthread writes([&] {
      BlockStore blocks(server->database(), server->sealer());
      for (int round = 0; rotating || round % 30 != 0; ++round)
        setSecret(blocks, round % 30, "secret-" + std::to_string(round % 30) + "-changed");
    });
    std::jthread creates([&] {
      for (int i = 30; i < 60; ++i) add(*server, i);
    });
    std::jthread reads([&] {
      const BlockStore blocks(server->database(), server->sealer());
      while (rotating)
        for (int i = 0; i < 30; ++i) {
          const auto row = blocks.load(idOf(i), "webhook");
          ASSERT_FALSE(row.unreadable) << i;
          ASSERT_TRUE(row.secrets.at("a").starts_with("secret-" + std::to_string(i)));
        }
    });
    for (int i = 0; i < 5; ++i) last = rotate(*store_).keyId;
    creates.join();
    last = rotate(*store_).keyId;
    rotating = false;
  }
  EXPECT_EQ(keysIn(store_.folder().keyFile()).size(), 1u);
  expectAllSealedBy(last, 60);
}

TEST_F(RotationTest, TwoAtOnceLoseNoKey) {
  const auto other = store_.open();
  const auto turn = [](Store& store) {
    for (int i = 0; i < 5; ++i) {
      try {
        rotate(store);
      } catch (const std::runtime_error&) {
        // The other one has begun meanwhile: it takes over.
      }
    }
  };
  {
    std::jthread here([&] { turn(*store_); });
    std::jthread there([&] { turn(*other); });
  }
  expectAllSealedBy(rotate(*store_).keyId, 30);
}

TEST(RotationOfEnvironmentKeys, GoesOverToTheFirst) {
  const TempFolder folder;
  const std::string old = base64Key(), fresh = base64Key();
  const auto open = [&](const std::string& keys) {
    return std::make_unique<Store>(StoreOptions{{folder.databaseUrl(), "normal", 1}, keys, ""});
  };
  const std::string before = open(old)->sealer().keyId();
  EXPECT_THROW(rotate(*open(old)), std::runtime_error);
  const auto both = open(fresh + "," + old);
  EXPECT_EQ(both->sealer().keyId(), before) << "until it is told to";
  const Rotated done = rotate(*both);
  EXPECT_NE(done.keyId, before);
  EXPECT_EQ(open(fresh)->sealer().keyId(), done.keyId);
  EXPECT_THROW(open(old), std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(folder.keyFile()));
}

}  // namespace
}  // namespace pombo
