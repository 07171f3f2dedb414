// What the messages block keeps beside messages, and the small parts that it needs for that.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "comma_list.hpp"
#include "contact_store.hpp"
#include "count_store.hpp"
#include "label_store.hpp"
#include "pombo/testing/fake_host.hpp"
#include "repetition.hpp"
#include "utc_text.hpp"
#include "vote_store.hpp"

namespace {

using namespace pombo;
using boost::json::object;

const InstanceId kShop{"i-1"};

SqlRow labelRow(const char* id, const char* name) {
  return {{"id", std::string(id)}, {"name", std::string(name)}, {"color", std::int64_t{0}}};
}

TEST(LabelStore, ANewLabelHasAnIdThatNoneHasHad) {
  FakeHost host;
  IHost& gateway = host;
  LabelStore store(gateway.sql(), gateway.clock());
  host.rows = {{labelRow("2", "Late")},
               {{{"id", std::string("2")}},
                {{"id", std::string("10")}},  // deleted since
                {{"id", std::string("abc")}},
                {{"id", std::string("99999999999")}}}};
  EXPECT_EQ(store.create(kShop, "VIP", 3).id, "11");
  host.rows = {{labelRow("2", "Late")}};
  try {
    store.create(kShop, "Late", 0);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::conflict);
    EXPECT_STREQ(error.what(), "Tag already exists");
  }
}

TEST(LabelStore, ARefreshLeavesNothingButWhatThePhoneHas) {
  FakeHost host;
  IHost& gateway = host;
  LabelStore store(gateway.sql(), gateway.clock());
  const std::int64_t asked = 7;
  store.replace(kShop,
                {{"labels", {{{"id", "1"}, {"name", "VIP"}, {"color", 2}}}},
                 {"chats", {{{"id", "1"}, {"chat", "1@lid"}}}}},
                TimePoint(std::chrono::microseconds(asked)));
  ASSERT_EQ(host.statements.size(), 4u);
  const std::vector<SqlValue> before{asked, "i-1", asked};
  EXPECT_EQ(host.statements[0], (Statement{"UPDATE messages_labels SET deleted = 1, changed = :t "
                                           "WHERE instance_id = :i AND changed <= :asked",
                                           before}));
  EXPECT_EQ(host.statements[1], (Statement{"UPDATE messages_labelled SET labeled = 0, changed = :t "
                                           "WHERE instance_id = :i AND changed <= :asked",
                                           before}));
  EXPECT_EQ(host.statements[2].values,
            (std::vector<SqlValue>{"i-1", "1", "VIP", std::int64_t{2}, asked}));
  EXPECT_EQ(host.statements[3].values,
            (std::vector<SqlValue>{"i-1", "1", "1@lid", std::int64_t{1}, asked}));
}

TEST(LabelStore, WhatARouteDoesCountsWhateverTheClockHasSaidBefore) {
  FakeHost host;
  IHost& gateway = host;
  LabelStore store(gateway.sql(), gateway.clock());
  const std::int64_t now = microseconds(host.time), later = now + 3'600'000'000;
  const auto changed = [&](std::int64_t label, std::int64_t chats) {
    host.statements.clear();
    host.rows = {{{{"label", label}, {"chats", chats}}}};
    store.assign(kShop, "1", "1@lid", false);
    return host.statements.back().values.back();
  };
  EXPECT_EQ(changed(now - 1, now - 2), SqlValue(now));
  EXPECT_EQ(changed(later, now), SqlValue(later + 1));
  EXPECT_EQ(changed(now, later), SqlValue(later + 1));
}

TEST(LabelStore, AChangeCountsFromWhenItWasMade) {
  FakeHost host;
  IHost& gateway = host;
  LabelStore store(gateway.sql(), gateway.clock());
  const auto at = [&](std::size_t statement) {
    return std::get<std::int64_t>(host.statements.at(statement).values.back());
  };
  store.assign(kShop, "1", "1@lid", true);
  store.take({.type = "label.update",
              .instance = kShop,
              .at = host.time - std::chrono::microseconds(1),
              .data = {{"type", "chat"}, {"labelId", "1"}, {"chatJid", "1@lid"}}});
  EXPECT_EQ(at(2), at(1) - 1);
}

TEST(ContactStore, AnUpdateChangesWhatItNames) {
  FakeHost host;
  ContactStore store(static_cast<IHost&>(host).sql());
  const auto take = [&](const Json& data) {
    store.take({.type = "contact.update", .instance = kShop, .data = data});
  };
  take({{"jid", "1@lid"}, {"fullName", "Ana"}, {"pushName", ""}});
  ASSERT_EQ(host.statements.size(), 1u);
  EXPECT_TRUE(host.statements[0].sql.ends_with(
      "DO UPDATE SET full_name = excluded.full_name, push_name = excluded.push_name"));
  EXPECT_EQ(host.statements[0].values,
            (std::vector<SqlValue>{"i-1", "1@lid", "", "", "Ana", "", ""}));
  take({{"jid", "1@lid"}});
  EXPECT_TRUE(host.statements[1].sql.ends_with("DO NOTHING"));
  take({{"jid", "1@g.us"}, {"fullName", "Team"}});
  take({});
  EXPECT_EQ(host.statements.size(), 2u);
}

TEST(Contact, IsCalledAsThePhoneCallsIt) {
  EXPECT_EQ((Contact{.firstName = "Ana", .fullName = "Ana Lima", .pushName = "a"}.name()),
            "Ana Lima");
  EXPECT_EQ((Contact{.firstName = "Ana", .pushName = "a"}.name()), "Ana");
  EXPECT_EQ((Contact{.pushName = "a", .businessName = "Ltd"}.name()), "Ltd");
  EXPECT_EQ(Contact().name(), "");
}

TEST(PeopleIn, AreTheAuthorAndTheOtherOfAPrivateChat) {
  const auto people = [](const char* direction, const char* chat, const char* sender) {
    std::vector<SqlValue> jids;
    for (const auto& each : peopleIn({.instance = kShop,
                            .data = {{"direction", direction},
                                     {"chat", {{"jid", chat}}},
                                     {"sender", {{"jid", sender}, {"name", "x"}}}}}))
      jids.push_back(each.values.at(1));
    return jids;
  };
  using Jids = std::vector<SqlValue>;
  EXPECT_EQ(people("incoming", "1@lid", "1@lid"), Jids{"1@lid"});
  EXPECT_EQ(people("incoming", "1@g.us", "2@lid"), Jids{"2@lid"});
  EXPECT_EQ(people("outgoing", "1@lid", "3@s.whatsapp.net"), Jids{"1@lid"});
  EXPECT_EQ(people("outgoing", "1@g.us", "3@s.whatsapp.net"), Jids{});
}

TEST(PollVotes, WhoHasTakenTheirVoteBackHasNone) {
  FakeHost host;
  const auto row = [](const char* voter, const char* options) {
    SqlRow made;
    for (const char* column : {"lid", "name", "at"}) made[column] = std::string();
    made["voter"] = std::string(voter);
    made["options"] = std::string(options);
    return made;
  };
  host.rows = {{row("1@lid", "[]"), row("2@lid", R"(["a","b"])")}};
  const auto votes = votesOf(static_cast<IHost&>(host).sql(), kShop, "p", "c");
  ASSERT_EQ(votes.size(), 1u);
  EXPECT_EQ(votes[0].jid, "2@lid");
  EXPECT_EQ(votes[0].options, (std::vector<std::string>{"a", "b"}));
}

TEST(UtcText, ATimeIsReadAndWrittenAgain) {
  const std::vector<std::pair<const char*, const char*>> all{
      {"2026-02-16T18:32:39Z", "2026-02-16T18:32:39Z"},
      {"2026-02-16 18:32:39z", "2026-02-16T18:32:39Z"},
      {"2026-02-16t18:32:39.999+02:30", "2026-02-16T16:02:39Z"},
      {"2026-12-31T23:00:00-03:00", "2027-01-01T02:00:00Z"},
      {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
      {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
      {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"}};
  for (const auto& [given, written] : all) {
    const auto time = timeIn(given);
    ASSERT_TRUE(time) << given;
    EXPECT_EQ(utcText(*time), written);
  }
  for (const char* none : {"",
                           "2026-02-16",
                           "2026-02-16T18:32:39",
                           "2026-02-30T18:32:39Z",
                           "2023-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:60Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00+0200",
                           "2026-01-01T00:00:00+",
                           "2026-01-01x00:00:00Z",
                           "0000-01-01T00:00:00Z",
                           "+026-01-01T00:00:00Z",
                           "2026-01-01T00:00:00Zx",
                           "2026-01-01T 0:00:00Z",
                           "9999-12-31T23:59:59-00:01",
                           "0001-01-01T00:00:00+00:01"})
    EXPECT_FALSE(timeIn(none)) << none;
}

TEST(CommaList, BlanksAreNothing) {
  using List = std::vector<std::string>;
  EXPECT_EQ(commaListIn(" a b ,c,,\t,d"), (List{"a b", "c", "d"}));
  for (const char* none : {"", ",", " , "}) EXPECT_EQ(commaListIn(none), List());
}

TEST(MessageCounts, OneStatementCountsAll) {
  const auto made = counting(kShop, {"sent", "type:text"}, -1);
  EXPECT_EQ(made.values, (std::vector<SqlValue>{"i-1", "sent", std::int64_t{-1}, "i-1", "type:text",
                                                std::int64_t{-1}}));
}

TEST(Repetition, GoesOnUntilItIsStopped) {
  std::mutex mutex;
  std::condition_variable changed;
  int count = 0;
  Repetition repetition(std::chrono::milliseconds(0), [&] {
    const std::lock_guard lock(mutex);
    ++count;
    changed.notify_all();
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return count >= 3; });
  }
  repetition.stop();
  const int last = count;
  repetition.stop();
  EXPECT_EQ(count, last);
  const Repetition never(std::chrono::hours(1), [&] { ADD_FAILURE(); });
}

}  // namespace
