// What is kept of a message before it is sent, and what settles it.
#include <algorithm>
#include <chrono>
#include <regex>
#include <set>

#include "count_store.hpp"
#include "exchange_store.hpp"
#include "messages_fixture.hpp"
#include "overdue_store.hpp"
#include "pending_fields.hpp"
#include "status_store.hpp"

namespace {

using namespace messages_fixture;
using std::chrono::minutes;

constexpr auto kKept = "INSERT INTO messages_kept", kChanged = "UPDATE messages_kept SET status",
               kGone = "DELETE FROM messages_kept", kCounted = "INSERT INTO messages_counts";

class Pending : public Messages {
 protected:
  Code failing(const Error& error) {
    host.performAnswers.emplace_back(error);
    try {
      send("text", {{"number", kAna}, {"message", "Hello"}});
    } catch (const Error& told) {
      return told.code;
    }
    ADD_FAILURE() << error.what();
    return Code::internal;
  }
  Event told(const char* direction) {
    Json data = exchange();
    data.at("direction") = direction;
    return {.type = "message.exchange", .instance = kShop.id, .chat = kAna, .data = data};
  }
  Event receipt(const char* status) {
    return {.type = "message.status",
            .instance = kShop.id,
            .chat = kAna,
            .data = {{"status", status}, {"messageIds", {"3EB0A1"}}, {"chat", {{"jid", kAna}}}}};
  }
};

TEST(NewMessageId, IsOneOfItsOwn) {
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) all.insert(newMessageId());
  EXPECT_EQ(all.size(), 1000u);
  for (const auto& each : all)
    EXPECT_TRUE(std::regex_match(each, std::regex("3EB0[0-9A-F]{18}"))) << each;
}

TEST_F(Pending, AMessageIsKeptUnderTheIdThatItIsSentBy) {
  host.performAnswers.emplace_back(exchange());
  host.rows = {{{{"status", std::int64_t{0}}}}};
  send("text", {{"number", kAna}, {"message", "Hello"}});
  const std::string id(host.performed.at(0).arguments.at("id").as_string());
  ASSERT_EQ(statements(kKept), 2u);
  EXPECT_EQ(host.statements.at(0).values.at(1), SqlValue(id));
  EXPECT_EQ(host.statements.at(0).values.at(8), SqlValue(std::int64_t{0})) << "its status";
  // Whatever id the connector has given it.
  EXPECT_TRUE(host.statements.at(2).sql.starts_with(kGone));
  EXPECT_EQ(host.statements.at(2).values, (std::vector<SqlValue>{"i-1", id}));
  EXPECT_EQ(host.statements.at(3).values.at(1), SqlValue("3EB0A1"));
}

TEST_F(Pending, WhatIsLeftOutOfAnAnswerIsAskedUnderThisId) {
  host.performAnswers.emplace_back(Json());
  const auto reply = send("text", {{"number", kAna}, {"message", "Hello"}});
  EXPECT_EQ(reply.body.at("data").at("messageId"), host.performed.at(0).arguments.at("id"));
  EXPECT_EQ(statements(kGone), 0u);
  EXPECT_EQ(host.statements.back().values.front(), SqlValue(std::int64_t{1})) << "it was sent";
}

TEST_F(Pending, NothingIsSentThatIsNotKept) {
  for (const char* status : {"disconnected", "connecting"}) {
    Instance unlinked = kShop;
    unlinked.status = status;
    HttpRequest request = requestFor(unlinked);
    request.fields = {{"number", kAna}, {"message", "Hello"}, {"source", "api"}};
    EXPECT_THROW(host.call(Method::post, "/api/message/text/:instance", request), Error);
    EXPECT_EQ(statements(kKept), 0u);
  }
}

TEST_F(Pending, WhyItWasNotSentIsInTheLogWithoutItsText) {
  host.rows = {{{{"id", std::string("3EB0")}}}};
  failing(Error(Code::unavailable, "No connector is available"));
  ASSERT_FALSE(host.logLines.empty());
  const LogLine& line = host.logLines.front();
  EXPECT_EQ(line.level, Level::info);
  EXPECT_EQ(line.message, "A message was not sent");
  EXPECT_EQ(line.fields.at("message"), host.performed.at(0).arguments.at("id"));
  EXPECT_EQ(line.fields.at("reason"), "No connector is available");
  EXPECT_EQ(serialize(line.fields).find("Hello"), std::string::npos);
}

TEST_F(Pending, ARefusalSettlesItAndSilenceDoesNot) {
  const std::vector<std::pair<Code, bool>> all{{Code::internal, true},    {Code::invalid, true},
                                               {Code::unsupported, true}, {Code::rateLimited, true},
                                               {Code::unavailable, true}, {Code::timedOut, false}};
  for (const auto& [code, settles] : all) {
    host.statements.clear();
    host.rows = {{{{"id", std::string("3EB0")}}}};
    EXPECT_EQ(failing(Error(code, "no")), code);
    EXPECT_EQ(statements(kKept), 1u);
    EXPECT_EQ(statements(kChanged), settles ? 1u : 0u) << static_cast<int>(code);
    EXPECT_EQ(statements(kCounted), settles ? 1u : 0u) << static_cast<int>(code);
  }
}

TEST_F(Pending, WhatHasBeenToldOfMeanwhileHasNotFailed) {
  host.rows = {{}};
  failing(Error(Code::internal, "no"));
  EXPECT_EQ(statements(kChanged), 0u);
}

TEST_F(Pending, TheEventTakesItsPlace) {
  host.rows = {{}, {{{"status", std::int64_t{0}}}}};
  host.deliver(told("outgoing"));
  EXPECT_EQ(statements(kGone), 1u);
  EXPECT_EQ(statements(kCounted), 1u);
  host.statements.clear();
  host.deliver(told("incoming"));
  EXPECT_EQ(statements(kGone), 0u) << "others choose ids as they like";
}

TEST_F(Pending, WhatArrivesAfterAllHasNotFailed) {
  host.rows = {{}, {{{"status", std::int64_t{-1}}}}};
  host.deliver(told("outgoing"));
  ASSERT_EQ(statements(kCounted), 2u);
  for (const auto& each : host.statements) {
    if (!each.sql.starts_with(kCounted)) continue;
    EXPECT_EQ(each.values, (std::vector<SqlValue>{"i-1", "status:-1", std::int64_t{-1}}));
    break;
  }
}

TEST_F(Pending, WhatWasReceivedAlreadyStaysSo) {
  host.rows = {{}, {{{"status", std::int64_t{2}}}}};
  host.deliver(told("outgoing"));
  EXPECT_EQ(statements(kGone), 1u);
  ASSERT_EQ(statements(kChanged), 1u);
  for (const auto& each : host.statements) {
    if (!each.sql.starts_with(kChanged)) continue;
    EXPECT_EQ(each.values.front(), SqlValue(std::int64_t{2}));
  }
  for (const auto& each : host.statements)
    for (const auto& value : each.values)
      EXPECT_NE(value, SqlValue("status:1")) << "it is counted by what it has become";
}

TEST_F(Pending, AReceiptIsProofThatWhatWasGivenUpHasArrived) {
  host.rows = {{{{"chat", std::string(kAna)},
                 {"status", std::int64_t{-1}},
                 {"counted", std::int64_t{-1}},
                 {"outgoing", std::int64_t{1}}}}};
  host.deliver(receipt("delivered"));
  std::vector<std::vector<SqlValue>> counted;
  for (const auto& each : host.statements)
    if (each.sql.starts_with(kCounted)) counted.push_back(each.values);
  EXPECT_EQ(counted, (std::vector<std::vector<SqlValue>>{{"i-1", "status:-1", std::int64_t{-1}},
                                                         {"i-1", "status:2", std::int64_t{1}}}));
}

TEST_F(Pending, AStatusFindsItByWhateverNameItsChatHas) {
  host.rows = {{{{"chat", std::string("7@lid")},
                 {"status", std::int64_t{0}},
                 {"counted", std::int64_t{-1}},
                 {"outgoing", std::int64_t{1}}}}};
  host.deliver(receipt("server_error"));
  ASSERT_EQ(statements(kChanged), 1u);
  ASSERT_EQ(statements(kCounted), 1u) << "it was not counted before";
  for (const auto& each : host.statements) {
    if (!each.sql.starts_with(kChanged)) continue;
    EXPECT_EQ(each.values, (std::vector<SqlValue>{std::int64_t{-1}, "i-1", "3EB0A1", "7@lid"}));
  }
}

TEST(CountsOf, WhatIsAnsweredWhileItsEventIsReadIsSent) {
  const auto isSent = [](std::optional<std::int64_t> pending,
                         std::optional<std::int64_t> answered) {
    const auto all = countsOf(exchange(), pending, answered);
    return std::find(all.begin(), all.end(), statusCount(kSentStatus)) != all.end();
  };
  EXPECT_TRUE(isSent(std::nullopt, std::nullopt));
  EXPECT_TRUE(isSent(kPendingStatus, std::nullopt));
  EXPECT_TRUE(isSent(std::nullopt, kSentStatus));
  EXPECT_TRUE(isSent(std::nullopt, kPendingStatus)) << "it was pending a moment before";
  EXPECT_FALSE(isSent(std::nullopt, 2));
  EXPECT_FALSE(isSent(2, std::nullopt));
  EXPECT_FALSE(isSent(std::nullopt, kFailedStatus));
}

class Overdue : public ::testing::Test {
 protected:
  void giveUp(const char* instance = "i-1", const char* chat = kAna) {
    host.rows = {{{{"instance_id", std::string(instance)},
                   {"id", std::string("3EB0A1")},
                   {"chat", std::string(chat)}}},
                 {{{"id", std::string("3EB0A1")}}}};
    overdue.giveUp();
  }

  FakeHost host;
  PendingStore pending{static_cast<IHost&>(host).sql(), static_cast<IHost&>(host).clock()};
  OverdueStore overdue{host, pending};
};

TEST_F(Overdue, NobodySendsThemAnyMoreAndThatIsTold) {
  host.known = {kShop};
  giveUp();
  EXPECT_TRUE(host.published.empty()) << "whoever was to tell may have been as long away";
  host.time += minutes(30);
  giveUp();
  ASSERT_EQ(host.published.size(), 1u);
  EXPECT_EQ(host.published[0].type, "message.status");
  EXPECT_EQ(host.published[0].chat, kAna);
  EXPECT_EQ(host.published[0].data.at("status"), "server_error");
  EXPECT_EQ(host.published[0].data.at("messageIds"), (Json{"3EB0A1"}));
  EXPECT_EQ(host.counters["given_up"], 1);
  EXPECT_FALSE(host.statements.back().sql.starts_with(kCounted))
      << "that is counted when it is told";
  giveUp();
  EXPECT_EQ(host.published.size(), 1u) << "it is on its way";
}

TEST_F(Overdue, InAGroupThatIsToldAndInOneThatIsIgnoredNothingStays) {
  constexpr auto kTeam = "12036300000000@g.us";
  host.known = {kShop};
  host.time += minutes(30);
  giveUp("i-1", kTeam);
  ASSERT_EQ(host.published.size(), 1u);
  EXPECT_EQ(host.published[0].data.at("messageSender"), Json(kShop.numberJid));
  EXPECT_TRUE(host.statements.back().sql.starts_with("SELECT")) << "its event changes it";
  host.time += minutes(29);
  giveUp("i-1", kTeam);
  EXPECT_TRUE(host.statements.back().sql.starts_with("SELECT")) << "its event is on its way";
  host.time += minutes(1);
  giveUp("i-1", kTeam);
  EXPECT_EQ(host.published.size(), 1u) << "it was not accepted, and nothing would change";
  EXPECT_TRUE(host.statements.back().sql.starts_with(kGone));
  EXPECT_EQ(host.counters["given_up"], 1);
}

TEST_F(Overdue, OfAnInstanceThatIsGoneNothingIsTold) {
  host.time += minutes(30);
  giveUp("i-2");
  EXPECT_TRUE(host.published.empty());
  EXPECT_TRUE(host.statements.back().sql.starts_with(kCounted)) << "so that it is swept";
}

}  // namespace
