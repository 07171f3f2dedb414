// What is kept of messages when the database is away, when there is much of it, and when its
// instance is gone.
#include <chrono>
#include <functional>

#include "message_store.hpp"
#include "messages_fixture.hpp"

namespace {

using namespace messages_fixture;

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
      receipt("3EB0A1"), received("message_edit", {{"edit", {{"original_id", "3EB0A1"}}}}),
      received("message_revoke", {{"revoke", {{"original_id", "3EB0A1"}}}})};
  for (const auto& change : changes) EXPECT_NO_THROW(store.take(change)) << "never there";
  sql.onApply = [] { throw Error(Code::unavailable, "the database is away"); };
  EXPECT_THROW(store.take(received()), Error);
  sql.onApply = [] {};
  for (const auto& change : changes) EXPECT_THROW(store.take(change), Error);
  EXPECT_NO_THROW(store.take(receipt("3EB0FF"))) << "another";
  store.take(received());
  for (const auto& change : changes) EXPECT_NO_THROW(store.take(change));
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
