#include <gtest/gtest.h>

#include <numeric>

#include "event/database_event_store.hpp"
#include "event/delivery_list.hpp"
#include "pombo/error.hpp"
#include "temp_store.hpp"
#include "world.hpp"

namespace pombo {
namespace {

constexpr Millis kNow = 1'795'257'000'000, kHour = 3'600'000;

Event eventOf(const std::string& id, const std::string& chat = "chat",
              const std::string& type = "message.status") {
  return {.id = id,
          .type = type,
          .instance = {"i-1"},
          .at = TimePoint(std::chrono::milliseconds(kNow)),
          .chat = chat,
          .data = {{"id", "m-" + id}, {"message", {{"type", "text"}}}},
          .mediaKey = "key"};
}

class EventStoreTest : public ::testing::Test {
 protected:
  EventStoreTest() { events_.restore(kNow); }

  std::int64_t count(const std::string& table, const std::string& where = "1 = 1") {
    return store_.database().read([&](Session& session) {
      return session.rows("SELECT COUNT(*) FROM " + table + " WHERE " + where, "n")[0].number(0);
    });
  }
  // A delivery for each id, to one queue, in that order.
  Write routed(const std::vector<std::int64_t>& ids) {
    const auto event = events_.accept({eventOf("e")}, kNow).accepted.at(0);
    Write write{.at = kNow};
    write.queues.push_back({7, {{"i-1"}, "hook", "default"}});
    write.routings.push_back({event.seq, 99, {}, {}});
    for (const auto id : ids)
      write.routings[0].deliveries.push_back(
          {7, {.id = id, .place = id, .event = event.seq, .bytes = 100}});
    events_.write(write);
    return write;
  }
  void settle(PendingDelivery row, DeliveryStatus status, Millis at = kNow, Millis dueAt = 0) {
    row.attempts = 1;
    row.dueAt = dueAt;
    events_.write({.at = at,
                   .settlements = {{.queue = 7,
                                    .delivery = row,
                                    .status = status,
                                    .at = at,
                                    .httpStatus = 500,
                                    .error = "HTTP 500",
                                    .reason = status == DeliveryStatus::dead ? "gone" : ""}}});
  }
  void erase(const std::string& instance) {
    store_.database().commit(
        [&](Session& session) { DatabaseEventStore::erase(session, {instance}); });
  }
  QueueStanding queue() { return events_.restore(kNow).queues.at(0); }
  std::vector<std::int64_t> load(Load::What what, std::size_t limit = 100) {
    std::vector<std::int64_t> ids;
    for (const auto& row : events_.load({7, what, limit})) ids.push_back(row.id);
    return ids;
  }

  TempStore store_;
  DatabaseEventStore events_{store_.database()};
  DeliveryList list_{store_.database()};
};

using Ids = std::vector<std::int64_t>;

TEST_F(EventStoreTest, WhatIsAcceptedIsThereInOrderUntilItIsRouted) {
  const auto accepted = events_.accept({eventOf("a"), eventOf("b")}, kNow).accepted;
  ASSERT_EQ(accepted.size(), 2u);
  EXPECT_LT(accepted[0].seq, accepted[1].seq);
  EXPECT_EQ(events_.unrouted(10), accepted);
  EXPECT_EQ(events_.unrouted(1).size(), 1u);
  EXPECT_EQ(events_.find(accepted[0].seq), eventOf("a"));
  EXPECT_FALSE(events_.find(1));
}

TEST_F(EventStoreTest, ManyEventsShareOneCommit) {
  const std::vector<Event> many(200, eventOf("a"));
  const auto commits = store_.database().commits();
  EXPECT_EQ(events_.accept(many, kNow).accepted.size(), 200u);
  EXPECT_EQ(store_.database().commits(), commits + 1);
}

TEST_F(EventStoreTest, ManyMayPublishAtOnce) {
  std::vector<std::jthread> publishers;
  std::vector<std::vector<AcceptedEvent>> accepted(4);
  for (auto& mine : accepted)
    publishers.emplace_back([&] {
      for (int i = 0; i < 20; ++i)
        for (auto& each : events_.accept({eventOf("a"), eventOf("b")}, kNow).accepted)
          mine.push_back(each);
    });
  publishers.clear();
  std::set<std::int64_t> seqs;
  for (const auto& mine : accepted) {
    for (const auto& each : mine) seqs.insert(each.seq);
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end(),
                               [](const auto& a, const auto& b) { return a.seq < b.seq; }));
  }
  EXPECT_EQ(seqs.size(), 160u);
  EXPECT_EQ(events_.unrouted(200).size(), 160u);
}

TEST_F(EventStoreTest, AMessageIsAcceptedOnce) {
  const auto message = eventOf("a", "chat", "message.exchange");
  auto revoked = message;
  revoked.data.at("message").at("type") = "message_revoke";
  auto elsewhere = message;
  elsewhere.chat = "other";
  EXPECT_EQ(events_.accept({message, message}, kNow).accepted.size(), 1u);
  EXPECT_EQ(events_.accept({message, revoked, elsewhere}, kNow + kHour).accepted.size(), 2u);
  EXPECT_EQ(events_.accept({eventOf("a"), eventOf("a")}, kNow).accepted.size(), 2u) << "no message";
}

TEST_F(EventStoreTest, AMessageIsForgottenAfterItsTimeOnly) {
  const auto message = eventOf("a", "chat", "message.exchange");
  events_.accept({message}, kNow);
  events_.prune({}, kNow + 7 * 24 * kHour, 100);
  EXPECT_TRUE(events_.accept({message}, kNow).accepted.empty());
  events_.prune({}, kNow + 7 * 24 * kHour + 1, 100);
  EXPECT_EQ(events_.accept({message}, kNow).accepted.size(), 1u);
}

TEST_F(EventStoreTest, WhatNoDatabaseHoldsIsRefusedAndReasonsAreCut) {
  auto broken = eventOf("a");
  broken.data.at("id") = "\xff";
  EXPECT_THROW(events_.accept({eventOf("b"), broken}, kNow), Error);
  EXPECT_EQ(count("event"), 0);
  const auto row = routed({1}).routings[0].deliveries[0].delivery;
  events_.write({.settlements = {{.queue = 7,
                                  .delivery = row,
                                  .status = DeliveryStatus::dead,
                                  .error = std::string(5000, 'x'),
                                  .reason = "\xff"}}});
  const auto found = list_.newest({.instance = {"i-1"}, .block = "hook"}).at(0);
  EXPECT_EQ(found.error, std::string(1024, 'x'));
  EXPECT_EQ(found.reason, "(not text)");
}

TEST_F(EventStoreTest, TheSameWriteAgainChangesNothing) {
  const auto write = routed({1, 2, 3});
  EXPECT_EQ(events_.write(write), NoEffect());
  EXPECT_EQ(queue().pending, 3);
  EXPECT_EQ(queue().bytes, 300);
  EXPECT_TRUE(events_.unrouted(10).empty());
  for (int i = 0; i < 2; ++i)
    settle(write.routings[0].deliveries[1].delivery, DeliveryStatus::delivered);
  EXPECT_EQ(queue().pending, 2);
  EXPECT_EQ(load(Load::What::firsts), (Ids{1, 3}));
}

TEST_F(EventStoreTest, AnEventIsRoutedOnce) {
  auto write = routed({1});
  write.routings[0].token = 100;
  write.routings[0].deliveries[0].delivery.id = 2;
  EXPECT_EQ(events_.write(write).events, Ids{write.routings[0].event});
  EXPECT_EQ(load(Load::What::firsts), Ids{1});
}

TEST_F(EventStoreTest, AnEventThatNobodyWantsIsGone) {
  routed({});
  EXPECT_EQ(count("event"), 0);
}

TEST_F(EventStoreTest, AnEnricherSWorkIsKept) {
  const auto event = events_.accept({eventOf("e")}, kNow).accepted.at(0);
  Write write{
      .routings = {{event.seq, 1, R"({"id":"new"})", {{7, {.id = 1, .event = event.seq}}}}}};
  events_.write(write);
  EXPECT_EQ(events_.find(event.seq)->data, (Json{{"id", "new"}}));
}

TEST_F(EventStoreTest, ReadsEachOrder) {
  const auto rows = routed({1, 2, 3, 4, 5}).routings[0].deliveries;
  settle(rows[1].delivery, DeliveryStatus::pending, kNow, 900);
  settle(rows[3].delivery, DeliveryStatus::pending, kNow, 800);
  EXPECT_EQ(load(Load::What::firsts), (Ids{1, 3, 5}));
  EXPECT_EQ(load(Load::What::firsts, 2), (Ids{1, 3}));
  EXPECT_EQ(load(Load::What::retries), (Ids{4, 2}));
  EXPECT_EQ(load(Load::What::oldest), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(load(Load::What::oldest, 2), (Ids{1, 2}));
  const auto retry = events_.load({7, Load::What::retries, 1}).at(0);
  EXPECT_EQ(retry.attempts, 1);
  EXPECT_EQ(retry.dueAt, 800);
}

TEST_F(EventStoreTest, WhatIsDeliveredAgainStartsAnewInAnotherPlace) {
  const auto row = routed({1, 2}).routings[0].deliveries[0].delivery;
  settle(row, DeliveryStatus::dead);
  auto again = list_.find({"i-1"}, "hook", {1, 3});
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(list_.find({"i-2"}, "hook", {1}).empty());
  EXPECT_TRUE(list_.find({"i-1"}, "other", {1}).empty());
  again[0].delivery.place = 50;
  const Write write{.again = again};
  const NoEffect made{.sizes = {{7, 2, 200}}};
  EXPECT_EQ(events_.write(write), made);
  EXPECT_EQ(events_.write(write), made) << "made already";
  EXPECT_EQ(load(Load::What::firsts), (Ids{2, 1}));
  EXPECT_EQ(queue().pending, 2);
  settle(row, DeliveryStatus::delivered);
  EXPECT_EQ(queue().pending, 2) << "an answer to what was before";
  again[0].delivery.place = 51;
  const Write late{.again = again};
  EXPECT_EQ(events_.write(late).again, Ids{51}) << "it waits for its first attempt";
}

TEST_F(EventStoreTest, WhatWaitsForItsScheduleIsMadeAgainAtOnceAndCountedOnce) {
  const auto row = routed({1, 2}).routings[0].deliveries[0].delivery;
  settle(row, DeliveryStatus::pending, kNow, kNow + kHour);
  Write write{.again = {{7, row}}};
  write.again[0].delivery.place = 50;
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(events_.write(write), (NoEffect{.sizes = {{7, 2, 200}}})) << i;
  EXPECT_EQ(load(Load::What::firsts), (Ids{2, 1}));
  EXPECT_EQ(queue().pending, 2);
}

TEST_F(EventStoreTest, KeepsUpToWhereAQueueIsBuried) {
  routed({1, 2, 3});
  const auto bury = [&](std::int64_t place, const std::string& reason) {
    Write write;
    write.burials.push_back({7, place, reason});
    events_.write(write);
  };
  bury(2, "webhook disabled");
  bury(1, "older");
  EXPECT_EQ(queue().buried, 2);
  EXPECT_EQ(queue().burial, "webhook disabled");
  bury(3, "again");
  EXPECT_EQ(queue().burial, "again");
}

TEST_F(EventStoreTest, CountsWhatIsPendingAndDeadOfABlock) {
  EXPECT_TRUE(list_.counts().empty());
  const auto rows = routed({1, 2, 3, 4}).routings[0].deliveries;
  const auto counted = [&] {
    const auto counts = list_.counts().at("hook");
    return std::pair(counts.pending, counts.dead);
  };
  for (int i = 0; i < 2; ++i) settle(rows[0].delivery, DeliveryStatus::dead);
  settle(rows[1].delivery, DeliveryStatus::dead);
  settle(rows[2].delivery, DeliveryStatus::delivered);
  EXPECT_EQ(counted(), std::pair(std::int64_t{1}, std::int64_t{2}));
  Write write{.again = {{7, rows[0].delivery}, {7, rows[2].delivery}}};
  write.again[0].delivery.place = 50;
  write.again[1].delivery.place = 51;
  for (int i = 0; i < 2; ++i) events_.write(write);
  EXPECT_EQ(counted(), std::pair(std::int64_t{3}, std::int64_t{1}));
  events_.prune({}, kNow + 15 * 24 * kHour, 10);
  EXPECT_EQ(counted(), std::pair(std::int64_t{3}, std::int64_t{0}));
}

TEST_F(EventStoreTest, ListsNewestFirstByPageAndByWhatIsAsked) {
  const auto rows = routed({1, 2, 3}).routings[0].deliveries;
  settle(rows[0].delivery, DeliveryStatus::dead, kNow + 5);
  settle(rows[2].delivery, DeliveryStatus::pending, kNow + 6, kNow + 900);
  DeliveryFilter filter{.instance = {"i-1"}, .block = "hook", .limit = 2};
  const auto page = list_.newest(filter);
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].id, 3);
  EXPECT_EQ(page[0].nextAt, kNow + 900);
  EXPECT_EQ(page[1].id, 2);
  EXPECT_FALSE(page[1].attemptedAt || page[1].nextAt);
  filter.before = 2;
  const auto last = list_.newest(filter).at(0);
  EXPECT_EQ(last.eventId + " " + last.type + " " + last.destination, "e message.status default");
  EXPECT_EQ(last.error + " " + last.reason, "HTTP 500 gone");
  EXPECT_EQ(last.httpStatus, 500);
  EXPECT_EQ(last.attempts, 1);
  EXPECT_EQ(last.createdAt, kNow);
  EXPECT_EQ(last.attemptedAt, kNow + 5);
  filter.before = kNever;
  filter.status = DeliveryStatus::dead;
  EXPECT_EQ(list_.newest(filter).size(), 1u);
  filter.destination = "other";
  EXPECT_TRUE(list_.newest(filter).empty());
  filter.destination = "default";
  filter.since = kNow;
  EXPECT_EQ(list_.newest(filter).size(), 1u);
  filter.since = kNow + 1;
  EXPECT_TRUE(list_.newest(filter).empty());
}

TEST_F(EventStoreTest, ListsAndFindsHoweverManyIdsThereAre) {
  Ids ids(250);
  std::iota(ids.begin(), ids.end(), 1);
  const auto rows = routed(ids).routings[0].deliveries;
  for (const auto i : {0u, 120u, 249u}) settle(rows[i].delivery, DeliveryStatus::dead);
  Ids found;
  for (const auto& each : list_.find({"i-1"}, "hook", ids)) found.push_back(each.delivery.id);
  EXPECT_EQ(found, ids);
  DeliveryFilter filter{.instance = {"i-1"}, .block = "hook", .ids = ids, .limit = 1000};
  EXPECT_EQ(list_.newest(filter).size(), 250u);
  filter.status = DeliveryStatus::dead;
  found.clear();
  for (const auto& each : list_.newest(filter)) found.push_back(each.id);
  EXPECT_EQ(found, (Ids{250, 121, 1}));
  filter.before = 250;
  filter.limit = 1;
  EXPECT_EQ(list_.newest(filter).at(0).id, 121);
  filter.instance = {"i-2"};
  EXPECT_TRUE(list_.newest(filter).empty());
}

TEST_F(EventStoreTest, WhatStoodForOthersIsNotShownWithThem) {
  const auto event = events_.accept({eventOf("u")}, kNow).accepted.at(0).seq;
  Write write{.at = kNow};
  write.queues.push_back({7, {{"i-1"}, "hook", kUnrouted}});
  write.routings.push_back(
      {event,
       98,
       {},
       {{7, {.id = 1, .place = 1, .event = event}}, {7, {.id = 2, .place = 2, .event = event}}}});
  events_.write(write);
  settle(write.routings[0].deliveries[0].delivery, DeliveryStatus::delivered);
  DeliveryFilter filter{.instance = {"i-1"}, .block = "hook"};
  ASSERT_EQ(list_.newest(filter).size(), 1u);
  EXPECT_EQ(list_.newest(filter)[0].id, 2);
  filter.ids = {1};
  EXPECT_TRUE(list_.newest(filter).empty());
  filter = {.instance = {"i-1"}, .block = "hook", .status = DeliveryStatus::delivered};
  EXPECT_TRUE(list_.newest(filter).empty());
  auto again = list_.find({"i-1"}, "hook", {1});
  ASSERT_EQ(again.size(), 1u);
  again[0].delivery.place = 50;
  EXPECT_EQ(events_.write({.again = again}).again, Ids{50}) << "those are delivered by themselves";
}

TEST_F(EventStoreTest, WhatIsSettledIsKeptForItsTimeAndTheEventAsLongAsAnyOfIt) {
  const auto rows = routed({1, 2, 3}).routings[0].deliveries;
  settle(rows[0].delivery, DeliveryStatus::delivered);
  settle(rows[1].delivery, DeliveryStatus::dead);
  EXPECT_EQ(events_.prune({}, kNow + 24 * kHour, 10), 0u);
  EXPECT_EQ(events_.prune({}, kNow + 24 * kHour + 1, 10), 1u);
  EXPECT_EQ(events_.prune({}, kNow + 14 * 24 * kHour + 1, 10), 1u);
  EXPECT_EQ(load(Load::What::firsts), Ids{3});
  EXPECT_EQ(count("event"), 1);
  settle(rows[2].delivery, DeliveryStatus::delivered);
  EXPECT_EQ(events_.prune({}, kNow + 24 * kHour + 1, 10), 1u);
  EXPECT_EQ(count("event"), 0);
}

TEST_F(EventStoreTest, PrunesNoMoreThanItIsToldAtATime) {
  const auto rows = routed({1, 2, 3}).routings[0].deliveries;
  for (const auto& each : rows) settle(each.delivery, DeliveryStatus::delivered);
  for (const auto* id : {"a", "b", "c"})
    events_.accept({eventOf(id, "chat", "message.exchange")}, kNow);
  const Millis later = kNow + 15 * 24 * kHour;
  EXPECT_EQ(events_.prune({}, later, 2), 2u);
  EXPECT_EQ(count("delivery"), 1);
  EXPECT_EQ(count("event_seen"), 1);
  EXPECT_EQ(events_.prune({}, later, 2), 1u);
  EXPECT_EQ(count("delivery") + count("event_seen"), 0);
}

TEST_F(EventStoreTest, PlacesGrowAcrossAStartWhateverBecameOfTheLast) {
  const std::int64_t far = kNow * 2000;
  const auto row = routed({far}).routings[0].deliveries[0].delivery;
  settle(row, DeliveryStatus::delivered);
  EXPECT_EQ(events_.restore(kNow).lastPlace, far);
  Write again{.again = {{7, row}}};
  again.again[0].delivery.place = far + 5;
  events_.write(again);
  settle(again.again[0].delivery, DeliveryStatus::pending, kNow, kNow + kHour);
  EXPECT_EQ(events_.restore(kNow).lastPlace, far + 5);
  again.again[0].delivery.place = far + 7;  // it was pending
  events_.write(again);
  EXPECT_EQ(events_.restore(kNow).lastPlace, far + 7);
  Write write;
  write.burials.push_back({7, far + 9, "gone"});
  events_.write(write);
  EXPECT_EQ(events_.restore(kNow).lastPlace, far + 9);
}

TEST_F(EventStoreTest, NothingOfADeletedInstanceStaysOrComesBack) {
  auto late = routed({1, 2, 3, 4, 5});
  for (const auto* id : {"m", "n", "o"})
    events_.accept({eventOf(id, "chat", "message.exchange")}, kNow);
  auto other = eventOf("e", "chat", "message.exchange");
  other.instance = {"i-2"};
  events_.accept({other}, kNow);
  erase("i-1");
  EXPECT_GT(count("delivery"), 0) << "which take their time";
  const auto nothing = [&](DatabaseEventStore& store) {
    const auto standing = store.restore(kNow);
    EXPECT_TRUE(standing.queues.empty());
    EXPECT_EQ(standing.lastQueue, count("delivery") + count("event_erased") > 0 ? 7 : 0)
        << "no other gets its deliveries";
    EXPECT_EQ(store.unrouted(10).size(), 1u) << "the other's";
    EXPECT_TRUE(list_.counts().empty());
    EXPECT_TRUE(list_.newest({.instance = {"i-1"}, .block = "hook"}).empty());
    EXPECT_TRUE(list_.find({"i-1"}, "hook", {1, 2}).empty());
  };
  nothing(events_);
  late.routings[0].token = 100;
  EXPECT_EQ(events_.write(late).events.size(), 1u) << "what was on its way";
  Write more{.routings = {{.event = late.routings[0].event, .deliveries = {{7, {.id = 9}}}}}};
  EXPECT_EQ(events_.write(more).events.size(), 1u);
  nothing(events_);
  for (int slices = 0;; ++slices) {
    // As after another start, each time.
    DatabaseEventStore again(store_.database());
    const auto rows = count("event") + count("event_seen") + count("delivery");
    if (!again.sweep(2)) {
      EXPECT_GE(slices, 4);
      break;
    }
    EXPECT_LE(rows - count("event") - count("event_seen") - count("delivery"), 4);
    nothing(again);
  }
  EXPECT_EQ(count("delivery") + count("delivery_queue") + count("event_erased"), 0);
  EXPECT_EQ(count("event"), 1) << "the other's";
  EXPECT_EQ(count("event_seen"), 1);
}

TEST_F(EventStoreTest, AQueueThatWasNamedBesideADeletionGoesWithIt) {
  routed({1});
  erase("i-1");
  store_.database().commit([](Session& session) {
    session.once(
        "INSERT INTO delivery_queue VALUES (8, 'i-1', 'hook', 'late', 0, 0, 0, 0, 0, '', 0)");
  });
  EXPECT_TRUE(events_.restore(kNow).queues.empty());
  while (events_.sweep(10)) continue;
  EXPECT_EQ(count("delivery_queue"), 0);
}

TEST_F(EventStoreTest, KnowsSinceWhenTheOldestOfABlockWaits) {
  const auto rows = routed({1, 2}).routings[0].deliveries;
  const auto event = events_.accept({eventOf("l")}, kNow).accepted.at(0).seq;
  Write write{.at = kNow + 70};
  write.queues.push_back({8, {{"i-1"}, "hook", "other"}});
  write.routings.push_back({event, 98, {}, {{8, {.id = 3, .place = 3, .event = event}}}});
  events_.write(write);
  EXPECT_EQ(list_.counts().at("hook").oldest, kNow);
  settle(rows[0].delivery, DeliveryStatus::pending, kNow + 5, kNow + kHour);
  EXPECT_EQ(list_.counts().at("hook").oldest, kNow) << "it waits still";
  for (const auto& each : rows) settle(each.delivery, DeliveryStatus::dead);
  EXPECT_EQ(list_.counts().at("hook").oldest, kNow + 70);
  events_.write(
      {.settlements = {
           {.queue = 8, .delivery = {.id = 3, .place = 3}, .status = DeliveryStatus::delivered}}});
  EXPECT_EQ(list_.counts().at("hook").oldest, std::nullopt);
}

TEST_F(EventStoreTest, TheClockIsKept) {
  EXPECT_FALSE(events_.anchor());
  events_.keep({5, 6, "boot"});
  events_.keep({7, 8, "boot"});
  EXPECT_EQ(events_.anchor()->time, 7);
  EXPECT_EQ(events_.anchor()->sinceBoot, 8);
  EXPECT_EQ(events_.anchor()->boot, "boot");
}

TEST_F(EventStoreTest, SaysWhatTheSimulatedOneSays) { World(10, &events_).run(); }

}  // namespace
}  // namespace pombo
