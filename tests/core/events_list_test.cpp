// What is told of deliveries afterwards, and what is done with them by hand.
#include "events_fixture.hpp"

namespace pombo {
namespace {

TEST_F(EventsTest, WhatIsGivenUpIsDeadAndCanBeDeliveredAgain) {
  ScriptedSink sink;
  std::atomic<bool> good{false};
  sink.onDeliver = doneIf(good);
  keep("own", sink, {.retries = {1h}});
  const Running running(*this);
  publish({"a", "b"});
  sink.handed.first(2);
  while (records("own", DeliveryStatus::pending).at(1).attempts == 0) std::this_thread::yield();
  while (records("own", DeliveryStatus::pending).at(0).attempts == 0) std::this_thread::yield();
  events_->deliveries().giveUp({{"i-1"}, "own", "default"}, "webhook deleted");
  const auto dead = records("own", DeliveryStatus::dead, 2);
  EXPECT_EQ(dead[0].reason, "webhook deleted");
  good = true;
  events_->deliveries().redeliver("own", {"i-2"}, {dead[0].id});
  events_->deliveries().redeliver("own", {"i-1"}, {dead[0].id, "no id"});
  EXPECT_EQ(records("own", DeliveryStatus::delivered, 1).at(0).id, dead[0].id);
  EXPECT_EQ(records("own", DeliveryStatus::dead).size(), 1u);
}

TEST_F(EventsTest, DeliveriesAreListedPageByPage) {
  ScriptedSink sink;
  sink.to = {"a", "b"};
  keep("own", sink);
  const Running running(*this);
  publish(numbered(3));
  const auto all = records("own", DeliveryStatus::delivered, 6);
  const auto list = [&](const DeliveryQuery& query) {
    return events_->deliveries().list("own", {"i-1"}, query);
  };
  EXPECT_EQ(list({.limit = 2}), std::vector(all.begin(), all.begin() + 2));
  EXPECT_EQ(list({.after = all[1].id}), std::vector(all.begin() + 2, all.end()));
  EXPECT_EQ(list({.ids = {all[3].id, "x"}}), std::vector{all[3]});
  EXPECT_EQ(list({.destination = "a"}).size(), 3u);
  EXPECT_TRUE(list({.since = clock_.now() + 1h}).empty());
  EXPECT_EQ(refusalOf([&] { list({.after = "x"}); }), refusal(Code::invalid, "Invalid cursor"));
}

TEST_F(EventsTest, QueuesOfABlockThatIsNotThereWait) {
  ScriptedSink sink, other;
  sink.onDeliver = [](const Event&) { return Verdict{Outcome::retry, "no"}; };
  keep("own", sink, {.retries = {1h}});
  const Running running(*this);
  publish({"a"});
  sink.handed.first(1);
  open();
  keep("other", other);
  const Running again(*this);
  publish({"b"});
  other.handed.first(1);
  EXPECT_EQ(records("own", DeliveryStatus::pending).size(), 1u);
}

TEST_F(EventsTest, ShowsHowLongTheOldestHasWaited) {
  ScriptedSink sink;
  std::atomic<bool> good{false};
  sink.onDeliver = doneIf(good);
  keep("own", sink, {.retries = {1h}});
  const Running running(*this);
  const auto age = [this] {
    events_->collect(metrics_);
    const std::string text = metrics_.text(), name = "\npombo_own_oldest_pending_seconds ";
    const auto at = text.find(name);
    return at == text.npos ? -1 : std::stod(text.substr(at + name.size()));
  };
  EXPECT_EQ(age(), 0);
  publish({"a"});
  const auto waiting = records("own", DeliveryStatus::pending, 1).at(0);
  store_.database().commit([](Session& session) {
    session.once("UPDATE delivery SET created_at = created_at - 3600000");
  });
  EXPECT_GE(age(), 3600);
  EXPECT_LT(age(), 7200);
  while (records("own", DeliveryStatus::pending).at(0).attempts == 0) std::this_thread::yield();
  good = true;
  events_->deliveries().redeliver("own", {"i-1"}, {waiting.id});
  records("own", DeliveryStatus::delivered, 1);
  EXPECT_EQ(age(), 0);
}

TEST_F(EventsTest, WhatIsLeftOfAnInstanceGoesWithTheNextTidying) {
  ScriptedSink sink;
  sink.onDeliver = [](const Event&) { return Verdict{Outcome::retry, "no"}; };
  keep("own", sink, {.retries = {1h}});
  const Running running(*this);
  publish(numbered(20));
  records("own", DeliveryStatus::pending, 20);
  store_.database().commit([](Session& session) { DatabaseEventStore::erase(session, {"i-1"}); });
  events_->forget({"i-1"});
  EXPECT_TRUE(records("own", DeliveryStatus::pending).empty());
  events_->tidy();
  const auto left = [this] {
    return store_.database().read([](Session& session) {
      return session
          .rows(
              "SELECT (SELECT COUNT(*) FROM delivery) + (SELECT COUNT(*) FROM event) + "
              "(SELECT COUNT(*) FROM event_erased)",
              "n")[0]
          .number(0);
    });
  };
  while (left() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace pombo
