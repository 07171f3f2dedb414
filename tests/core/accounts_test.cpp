#include "account/accounts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <latch>

#include "temp_store.hpp"

namespace pombo {
namespace {

using std::chrono::seconds;

class AccountsTest : public ::testing::Test {
 protected:
  Secret create(const std::string& name) {
    return accounts_.create({.name = name}, store_.clock.now()).token;
  }
  std::optional<Account> byToken(const Secret& token) {
    const std::string hash = store_.sealer().hashOf(token.reveal());
    return store_.database().read([&](Session& session) {
      return accounts_.findByTokenHash(session, hash, store_.clock.now());
    });
  }
  // What refuses it, after its code.
  static std::string refusalOf(const std::function<void()>& call) {
    try {
      call();
      return "";
    } catch (const Error& error) {
      return std::to_string(static_cast<int>(error.code)) + " " + error.what();
    }
  }
  static std::string refusal(Code code, const std::string& sentence) {
    return std::to_string(static_cast<int>(code)) + " " + sentence;
  }

  TempStore store_;
  Accounts accounts_{store_.database(), store_.sealer()};
};

TEST_F(AccountsTest, AnAccountIsFoundByItsTokenAndByItsName) {
  const Secret token = create("shop");
  EXPECT_TRUE(token.reveal().starts_with("pmb_"));
  const auto found = byToken(token);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "shop");
  EXPECT_TRUE(found->enabled);
  EXPECT_EQ(found->quota, 10);
  EXPECT_EQ(found->instances, 0);
  EXPECT_EQ(found->createLimit, 20);
  EXPECT_EQ(found->generalLimit, 100);
  EXPECT_EQ(found->createdAt, store_.clock.now());
  EXPECT_EQ(accounts_.requireByName("shop").id, found->id);
  EXPECT_EQ(accounts_.find(found->id)->name, "shop");
  EXPECT_FALSE(byToken(Secret(token.reveal() + "x")));
  EXPECT_FALSE(accounts_.find({"nobody"}));
  EXPECT_EQ(refusalOf([&] { accounts_.requireByName("Shop"); }),
            refusal(Code::notFound, "Account not found"));
}

TEST_F(AccountsTest, TheTokenIsKeptAsAHash) {
  const Secret token = create("shop");
  for (const auto* column : {"id", "name", "token_hash"})
    EXPECT_EQ(store_.database()
                  .read([&](Session& session) {
                    return session.rows(std::string("SELECT ") + column + " FROM account", "t");
                  })[0]
                  .text(0)
                  .find(token.reveal().substr(4)),
              std::string::npos);
}

TEST_F(AccountsTest, ANameIsTakenOnce) {
  create("shop");
  EXPECT_EQ(refusalOf([&] { create("shop"); }), refusal(Code::conflict, "Account already exists"));
  create("other");
  EXPECT_EQ(
      refusalOf([&] { accounts_.set(accounts_.requireByName("other").id, {.name = "shop"}); }),
      refusal(Code::conflict, "Account already exists"));
  EXPECT_EQ(accounts_.list().size(), 2u);
}

TEST_F(AccountsTest, ANameIsTakenOnceEvenAtTheSameTime) {
  constexpr int kThreads = 8;
  std::latch start(kThreads);
  std::atomic<int> made{0};
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < kThreads; ++i)
      all.emplace_back([&] {
        start.arrive_and_wait();
        made += refusalOf([&] { create("same"); }).empty();
      });
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(accounts_.list().size(), 1u);
}

TEST_F(AccountsTest, AreListedByName) {
  for (const auto* name : {"a", "B", "A", "b", "Z"}) create(name);
  std::vector<std::string> names;
  for (const auto& account : accounts_.list()) names.push_back(account.name);
  EXPECT_EQ(names, (std::vector<std::string>{"A", "B", "Z", "a", "b"})) << "bytewise";
}

TEST_F(AccountsTest, NamesAndNumbersAreChecked) {
  for (const std::string& name : {std::string(), std::string("   ")})
    EXPECT_EQ(refusalOf([&] { create(name); }),
              refusal(Code::invalid, "The 'name' field is required"));
  for (const std::string& name : {std::string(101, 'a'), std::string(1'000'000, 'a')})
    EXPECT_EQ(refusalOf([&] { create(name); }),
              refusal(Code::invalid, "The 'name' field must be at most 100 characters"));
  for (const auto* name : {"a\nb", "a\x1b[0m", "a\x7f", "a\xc2\x85", "\xff"})
    EXPECT_EQ(refusalOf([&] { create(name); }),
              refusal(Code::invalid, "The 'name' field contains characters that are not allowed"));
  const auto range = [](const char* field) {
    return refusal(Code::invalid,
                   std::string("The '") + field + "' field must be between 0 and 1000000000");
  };
  EXPECT_EQ(refusalOf([&] { accounts_.create({.name = "x", .quota = -1}, {}); }), range("quota"));
  const auto id = (create("shop"), accounts_.requireByName("shop").id);
  EXPECT_EQ(refusalOf([&] { accounts_.set(id, {.createLimit = -1}); }), range("create"));
  EXPECT_EQ(refusalOf([&] { accounts_.set(id, {.generalLimit = 1'000'000'001}); }),
            range("general"));
  EXPECT_EQ(refusalOf([&] { accounts_.set(id, {.quota = std::optional<std::int64_t>(-5)}); }),
            range("quota"));
  EXPECT_EQ(accounts_.list().size(), 1u);
}

TEST_F(AccountsTest, SetChangesWhatIsSaidAndNothingElse) {
  const Secret token = create("shop");
  const auto id = accounts_.requireByName("shop").id;
  accounts_.set(id, {.quota = std::optional<std::int64_t>()});
  EXPECT_EQ(accounts_.find(id)->quota, std::nullopt) << "no limit";
  accounts_.set(id, {.createLimit = 3});
  accounts_.set(id, {.name = "shop2", .generalLimit = 4});
  accounts_.set(id, {.quota = std::optional<std::int64_t>(7), .enabled = false});
  const auto account = byToken(token);
  ASSERT_TRUE(account) << "a disabled one is found too";
  EXPECT_EQ(account->name, "shop2");
  EXPECT_EQ(account->quota, 7);
  EXPECT_EQ(account->createLimit, 3);
  EXPECT_EQ(account->generalLimit, 4);
  EXPECT_FALSE(account->enabled);
  EXPECT_EQ(refusalOf([&] { accounts_.set({"nobody"}, {}); }),
            refusal(Code::notFound, "Account not found"));
  EXPECT_EQ(refusalOf([&] { accounts_.set(id, {.name = "shop2"}); }), "") << "its own name";
}

TEST_F(AccountsTest, ItsOriginsAreKeptInOrderAndInOneSpelling) {
  const auto made = accounts_.create(
      {.name = "shop",
       .origins = {"HTTPS://B.example:443", "http://a.example", "https://b.example"}},
      store_.clock.now());
  const std::vector<std::string> both{"https://b.example", "http://a.example"};
  const auto id = made.account.id;
  EXPECT_EQ(made.account.origins, both);
  EXPECT_EQ(accounts_.find(id)->origins, both);
  EXPECT_EQ(accounts_.list()[0].origins, both);
  EXPECT_EQ(accounts_.page({}, 9)[0].origins, both);
  accounts_.set(id, {.name = "shop2"});
  EXPECT_EQ(accounts_.find(id)->origins, both);
  accounts_.set(id, {.origins = std::vector<std::string>{"*"}});
  EXPECT_EQ(accounts_.find(id)->origins, std::vector<std::string>{"*"});
  accounts_.remove(id);
  EXPECT_FALSE(accounts_.anyAllows("https://b.example"));
}

TEST_F(AccountsTest, OriginsAreChecked) {
  create("shop");
  const auto id = accounts_.requireByName("shop").id;
  const std::string sentence =
      refusal(Code::invalid, "The 'origins' field must hold origins: scheme://host[:port], or *");
  for (const auto* wrong : {"", "null", "app.example", "https://app.example/", "**"}) {
    const std::vector<std::string> origins{"https://good.example", wrong};
    EXPECT_EQ(refusalOf([&] { accounts_.set(id, {.origins = origins}); }), sentence);
    EXPECT_EQ(refusalOf([&] { accounts_.create({.name = "x", .origins = origins}, {}); }),
              sentence);
  }
  EXPECT_EQ(refusalOf([&] {
              accounts_.set(id, {.origins = std::vector<std::string>(101, "https://a.example")});
            }),
            refusal(Code::invalid, "The 'origins' field must hold at most 100 origins"));
  EXPECT_TRUE(accounts_.find(id)->origins.empty());
}

TEST_F(AccountsTest, AllowWhatTheyList) {
  const auto listing = [&](const std::string& name, const std::string& origin) {
    return accounts_.create({.name = name, .origins = {origin}}, store_.clock.now()).account.id;
  };
  const auto one = listing("one", "https://one.example"), two = listing("two", "https://2.example");
  EXPECT_TRUE(accounts_.allows(one, "https://one.example"));
  EXPECT_FALSE(accounts_.allows(two, "https://one.example"));
  EXPECT_TRUE(accounts_.anyAllows("https://one.example"));
  EXPECT_FALSE(accounts_.anyAllows("https://three.example"));
  EXPECT_FALSE(accounts_.anyAllows(""));
  const auto all = listing("all", "*");
  for (const auto* origin : {"https://three.example", ""}) {
    EXPECT_TRUE(accounts_.allows(all, origin));
    EXPECT_TRUE(accounts_.anyAllows(origin));
  }
  accounts_.set(all, {.enabled = false});
  EXPECT_FALSE(accounts_.anyAllows("https://three.example")) << "nobody can call for it";
}

TEST_F(AccountsTest, PagesAreInTheOrderOfIds) {
  std::vector<std::string> ids;
  for (const auto* name : {"c", "a", "d", "b"}) {
    create(name);
    ids.push_back(accounts_.requireByName(name).id.value);
  }
  std::sort(ids.begin(), ids.end());
  const auto page = [&](const std::string& after, std::int64_t count) {
    std::vector<std::string> found;
    for (const auto& account : accounts_.page({after}, count)) found.push_back(account.id.value);
    return found;
  };
  EXPECT_EQ(page("", 9), ids);
  EXPECT_EQ(page("", 2), (std::vector<std::string>{ids[0], ids[1]}));
  EXPECT_EQ(page(ids[1], 2), (std::vector<std::string>{ids[2], ids[3]}));
  EXPECT_EQ(page(ids[3], 2), std::vector<std::string>{});
}

TEST_F(AccountsTest, ARotatedTokenIsGoodForItsGraceAndNoLonger) {
  const Secret old = create("shop");
  const auto id = accounts_.requireByName("shop").id;
  const Secret fresh = accounts_.rotate(id, seconds(60), store_.clock.now());
  EXPECT_EQ(byToken(fresh)->id, id);
  EXPECT_EQ(byToken(old)->id, id);
  store_.clock.time += seconds(59);
  EXPECT_TRUE(byToken(old));
  store_.clock.time += seconds(1);
  EXPECT_FALSE(byToken(old));
  EXPECT_TRUE(byToken(fresh));
}

TEST_F(AccountsTest, WithoutGraceTheOldTokenIsGoneAtOnce) {
  const Secret first = create("shop");
  const auto id = accounts_.requireByName("shop").id;
  const Secret second = accounts_.rotate(id, seconds(60), store_.clock.now());
  const Secret third = accounts_.rotate(id, seconds(0), store_.clock.now());
  EXPECT_FALSE(byToken(first)) << "the grace of an earlier rotation goes as well";
  EXPECT_FALSE(byToken(second));
  EXPECT_TRUE(byToken(third));
}

TEST_F(AccountsTest, GraceIsADayAtMost) {
  create("shop");
  const auto id = accounts_.requireByName("shop").id;
  for (const auto grace : {seconds(-1), seconds(86'401)})
    EXPECT_EQ(refusalOf([&] { accounts_.rotate(id, grace, {}); }),
              refusal(Code::invalid, "The 'graceSeconds' field must be between 0 and 86400"));
  EXPECT_EQ(refusalOf([&] { accounts_.rotate({"nobody"}, seconds(0), {}); }),
            refusal(Code::notFound, "Account not found"));
}

TEST_F(AccountsTest, OnlyAnEmptyAccountIsRemoved) {
  const Secret token = create("shop");
  const auto id = accounts_.requireByName("shop").id;
  const auto setInstances = [&](std::int64_t count) {
    store_.database().commit(
        [&](Session& session) { session.run("UPDATE account SET instances = :n", {count}); });
  };
  setInstances(1);
  EXPECT_EQ(refusalOf([&] { accounts_.remove(id); }),
            refusal(Code::conflict, "Account still has instances"));
  setInstances(0);
  accounts_.remove(id);
  EXPECT_FALSE(byToken(token));
  EXPECT_EQ(refusalOf([&] { accounts_.remove(id); }), refusal(Code::notFound, "Account not found"));
}

}  // namespace
}  // namespace pombo
