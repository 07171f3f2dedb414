// What is kept of messages when the database is away, when there is much of it, and when its
// instance is gone.
#include <chrono>
#include <functional>

#include "message_store.hpp"
#include "messages_fixture.hpp"

namespace {

using namespace messages_fixture;

constexpr auto kHidden = "1234567@lid";

Event received(const std::string& type = "text", object more = {}) {
  Json data = exchange(type);
  for (const auto& [key, value] : more) data.at("message").as_object()[key] = value;
  return {.type = "message.exchange", .instance = kShop.id, .chat = kAna, .data = data};
}

Event receipt(const char* id) {
  return {.type = "message.status",
          .instance = kShop.id,
          .chat = kAna,
          .data = {{"status", "read"}, {"messageIds", {id}}, {"chat", {{"jid", kAna}}}}};
}

Event deletion(const char* id, const char* chat = kAna) {
  return {.type = "chat.update",
          .instance = kShop.id,
          .chat = chat,
          .data = {{"chat", chat}, {"messageId", id}}};
}

// A database that does what the test says when it is written to.
class WatchedSql final : public ISql {
 public:
  std::function<void()> onApply = [] {};

  void migrate(const std::vector<Migration>&) override {}
  std::vector<SqlRow> query(const Statement&) override { return {}; }
  void apply(const std::vector<Statement>&) override { onApply(); }
};

class Store : public ::testing::Test {
 protected:
  FakeHost host;
  IHost& gateway = host;
  WatchedSql sql;
  MessageStore store{sql, gateway.clock(), {std::chrono::hours(2), std::chrono::hours(1)}};
};

TEST_F(Store, WhatChangesAMessageWaitsWhileThatIsTriedAgain) {
  const std::vector<Event> changes{
      receipt("3EB0A1"), deletion("3EB0A1"),
      received("message_edit", {{"edit", {{"original_id", "3EB0A1"}}}}),
      received("message_revoke", {{"revoke", {{"original_id", "3EB0A1"}}}})};
  const auto take = [&](const Event& change) {
    change.type == "chat.update" ? store.takeDeletion(change) : store.take(change);
  };
  for (const auto& change : changes) EXPECT_NO_THROW(take(change)) << "never there";
  sql.onApply = [] { throw Error(Code::unavailable, "the database is away"); };
  EXPECT_THROW(store.take(received()), Error);
  sql.onApply = [] {};
  for (const auto& change : changes) EXPECT_THROW(take(change), Error) << change.type;
  EXPECT_NO_THROW(take(receipt("3EB0FF"))) << "another";
  EXPECT_NO_THROW(take(deletion("3EB0FF"))) << "another";
  store.take(received());
  for (const auto& change : changes) EXPECT_NO_THROW(take(change));
}

// As it is before and after it is known which number hides there.
TEST_F(Store, AReceiptWaitsUnderEitherNameOfTheChat) {
  const object number{{"jid", kAna}, {"lid", nullptr}}, both{{"jid", kAna}, {"lid", kHidden}},
      hidden{{"jid", kHidden}, {"lid", nullptr}}, other{{"jid", "5@lid"}, {"lid", nullptr}};
  for (const auto& [kept, told] : {std::pair(both, hidden), std::pair(hidden, both),
                                   std::pair(both, number), std::pair(number, both)}) {
    Event message = received(), status = receipt("3EB0A1"), elsewhere = status;
    message.data.at("chat") = kept;
    status.data.at("chat") = told;
    elsewhere.data.at("chat") = other;
    sql.onApply = [] { throw Error(Code::unavailable, "the database is away"); };
    EXPECT_THROW(store.take(message), Error);
    EXPECT_THROW(store.take(status), Error) << serialize(kept) << serialize(told);
    EXPECT_NO_THROW(store.take(elsewhere));
    sql.onApply = [] {};
    store.take(message);
    EXPECT_NO_THROW(store.take(status));
  }
}

// It was kept before it was known which number hides there.
TEST(StoreOfChats, WhatIsDeletedIsFoundUnderEitherNameOfTheChat) {
  FakeHost host;
  IHost& gateway = host;
  MessageStore store(gateway.sql(), gateway.clock(),
                     {std::chrono::hours(2), std::chrono::hours(1)});
  const std::vector<SqlRow> names{{{"name", std::string(kHidden)}}};
  host.rows = {names, {storedRow(kHidden)}};
  store.takeDeletion(deletion("3EB0A1"));
  EXPECT_EQ(host.statements.back(),
            (Statement{"UPDATE messages_kept SET deleted = 1 "
                       "WHERE instance_id = :i AND id = :id AND chat = :chat",
                       {kShop.id.value, "3EB0A1", kHidden}}));
  host.statements.clear();
  host.rows = {{}, {storedRow(kHidden)}};
  store.takeDeletion(deletion("3EB0A1"));
  for (const auto& each : host.statements) EXPECT_TRUE(each.sql.starts_with("SELECT"));

  host.rows = {names};
  host.statements.clear();
  store.removeChat(kShop.id, kAna, gateway.clock().now());
  std::vector<SqlValue> emptied;
  for (const auto& each : host.statements)
    if (each.sql.starts_with("DELETE FROM messages_kept")) emptied.push_back(each.values.at(1));
  EXPECT_EQ(emptied, (std::vector<SqlValue>{kAna, kHidden}));
}

TEST_F(Store, NothingWaitsForAMessageThatIsNotTriedAgain) {
  sql.onApply = [] { throw Error(Code::unavailable, "the database is away"); };
  EXPECT_THROW(store.take(received()), Error);
  EXPECT_THROW(store.take(receipt("3EB0A1")), Error);
  host.time += std::chrono::minutes(15);
  EXPECT_NO_THROW(store.take(receipt("3EB0A1")));
}

TEST_F(Store, OneSweepsAtATime) {
  int applied = 0;
  sql.onApply = [&] {
    ++applied;
    EXPECT_FALSE(store.sweep());
  };
  EXPECT_TRUE(store.sweep());
  EXPECT_EQ(applied, 4);
}

TEST(StoreOfMuch, IsSweptInSlices) {
  FakeHost host;
  IHost& gateway = host;
  MessageStore store(gateway.sql(), gateway.clock(),
                     {std::chrono::hours(2), std::chrono::hours(1)});
  host.rows = {{{{"at", "1969-12-01T00:00:00Z"}}}};
  EXPECT_TRUE(store.sweep());
  std::vector<Statement> applied;
  for (const auto& each : host.statements)
    if (!each.sql.starts_with("SELECT")) applied.push_back(each);
  EXPECT_EQ(applied,
            (std::vector<Statement>{
                {"DELETE FROM messages_kept WHERE at <= :t", {"1969-12-01T00:00:00Z"}},
                {"DELETE FROM messages_votes WHERE at < :t", {"1969-12-31T22:00:00Z"}},
                {"UPDATE messages_kept SET media_key = '' WHERE at < :t AND media_key <> ''",
                 {"1969-12-31T23:00:00Z"}},
                {"DELETE FROM messages_kept WHERE at < :t", {"1969-12-31T22:00:00Z"}},
                {"DELETE FROM messages_counts WHERE what LIKE 'day:%' AND what < :d",
                 {"day:1969-12-01"}}}));
}

TEST(StoreOfMuch, IsSweptFurtherByTheNextCall) {
  FakeHost host;
  IHost& gateway = host;
  MessageStore store(gateway.sql(), gateway.clock(),
                     {std::chrono::hours(2), std::chrono::hours(1)});
  for (int i = 0; i < 30; ++i) host.rows.push_back({{{"at", "1969-12-01T00:00:00Z"}}});
  EXPECT_FALSE(store.sweep());
  EXPECT_TRUE(store.sweep());
  EXPECT_FALSE(store.sweep());
}

TEST_F(Messages, OfAnInstanceThatIsGoneNothingIsKept) {
  Event event = received();
  event.instance = {"gone"};
  host.deliver(event);
  EXPECT_EQ(statements("DELETE FROM messages_counts"), 1u);
}

// It may have been: what has come of it, the phone tells.
TEST_F(Messages, OfAMessageThatMayBeMarkedAsReadNothingIsKeptUntilItIsTold) {
  HttpRequest request = requestFor(kShop);
  request.fields = {{"messageId", "3EB0A1"}, {"number", kAna}, {"sender", nullptr}};
  host.performAnswers.emplace_back(Error(Code::timedOut, "The whatsapp block exited"));
  try {
    host.call(Method::post, "/api/chat/markRead/:instance", request);
    ADD_FAILURE() << "nobody knows that it is";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::timedOut);
    EXPECT_STREQ(error.what(), "Timed out waiting for WhatsApp");
  }
  ASSERT_EQ(host.performed.size(), 1u) << "it is asked once";
  EXPECT_EQ(host.performed[0].operation, "chat.markRead");
  EXPECT_EQ(host.performed[0].arguments,
            (Json{{"chat", kAna}, {"messageId", "3EB0A1"}, {"sender", kAna}}));
  EXPECT_EQ(statements("SELECT"), host.statements.size());

  Event told = receipt("3EB0A1");
  told.data.at("status") = "read_self";
  host.rows = {{{{"chat", std::string(kAna)},
                 {"status", std::int64_t{3}},
                 {"counted", std::int64_t{1}},
                 {"outgoing", std::int64_t{0}}}}};
  EXPECT_EQ(host.deliver(told).at("store").outcome, Outcome::done);
  EXPECT_EQ(host.statements.back(),
            (Statement{"UPDATE messages_kept SET status = :s "
                       "WHERE instance_id = :i AND id = :id AND chat = :chat",
                       {std::int64_t{4}, kShop.id.value, "3EB0A1", kAna}}));
}

TEST(MessagesBlock, SweepsWhenItStartsAndForgetsWhoIsGone) {
  FakeHost host;
  host.configNode = {{"keepDays", 30}, {"keepMediaDays", 7}, {"maxBodyMib", 4}};
  host.known = {kShop};
  host.rows = {{}, {}, {}, {{{"instance_id", "i-1"}}, {{"instance_id", "gone"}}}};
  const std::unique_ptr<IBlockConfigurator> block(pombo_create());
  block->start(host);
  block->stop();
  ASSERT_FALSE(host.statements.empty());
  EXPECT_TRUE(host.statements.at(1).sql.starts_with("DELETE FROM messages_kept WHERE at < :t"));
  EXPECT_TRUE(host.statements.back().sql.ends_with("WHERE instance_id = :i"));
  EXPECT_EQ(host.statements.back().values, (std::vector<SqlValue>{"gone"}));
}

TEST_F(Messages, WhoHasAMessageIsReadOncePerInstance) {
  HttpRequest request = requestFor(kShop);
  request.query = {{"messageId", "3EB0A1"}};
  EXPECT_THROW(host.call(Method::get, "/api/chat/status/:instance", request), Error);
  EXPECT_EQ(host.statements.back().sql,
            "SELECT DISTINCT instance_id FROM messages_kept WHERE id = :id LIMIT 64");
}

}  // namespace
