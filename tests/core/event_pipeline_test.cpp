#include <gtest/gtest.h>

#include "event/pipeline.hpp"
#include "world.hpp"

namespace pombo {
namespace {

const std::vector<Millis> kWaits{5'000, 30'000, 120'000};

// A pipeline whose writes and reads are made at once.
class EventPipelineTest : public ::testing::Test {
 protected:
  EventPipelineTest() {
    limits_.window = 4;
    rules_ = {kWaits, 8};
  }
  void begin() {
    pipeline_ = std::make_unique<Pipeline>(limits_, dice_);
    pipeline_->serve("hook", rules_);
    pipeline_->restore(store_.restore(now_));
    settle();
  }
  static Event eventFor(const std::string& instance, const std::string& chat = "chat") {
    static int count = 0;
    return {.id = "e-" + std::to_string(++count),
            .type = "message.status",
            .instance = {instance},
            .chat = chat,
            .data = {{"id", "m"}}};
  }
  void publish(const std::string& instance, int count, const std::string& chat = "chat") {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) events.push_back(eventFor(instance, chat));
    pipeline_->accepted(store_.accept(events, now_).accepted);
    settle();
  }
  // What it wants done, but attempts, is done; those are left in attempts_.
  void settle() {
    for (;;) {
      const Work work = pipeline_->work(now_);
      for (const auto& event : work.prepare)
        pipeline_->prepared(event, {{"hook", "default"}}, std::nullopt, now_);
      if (work.readEvents)
        pipeline_->eventsLoaded(store_.unrouted(work.readEvents), work.readEvents);
      for (const auto& load : work.loads) {
        const auto rows = store_.load(load);
        read_ += rows.size();
        pipeline_->loaded(load, rows, now_);
      }
      if (work.write) pipeline_->committed(store_.write(*work.write), now_);
      attempts_.insert(attempts_.end(), work.attempts.begin(), work.attempts.end());
      wakeAt_ = work.wakeAt;
      if (work.prepare.empty() && !work.readEvents && work.loads.empty() && !work.write &&
          work.attempts.empty())
        return;
    }
  }
  std::vector<Attempt> taken() { return std::exchange(attempts_, {}); }
  void answer(const std::vector<Attempt>& attempts, const AttemptResult& result) {
    for (const auto& each : attempts) pipeline_->answered(each.delivery.id, result, now_);
    settle();
  }
  void passes(Millis time) {
    now_ += time;
    settle();
  }
  std::map<std::string, int> deadByReason() const {
    std::map<std::string, int> dead;
    for (const auto& [_, each] : store_.deliveries)
      if (each.status == DeliveryStatus::dead) ++dead[each.reason];
    return dead;
  }
  // A queue with that many deliveries, of which nothing is in memory.
  void keep(std::int64_t queue, const std::string& instance, int deliveries) {
    store_.queues[queue] = {{{instance}, "hook", "default"}};
    for (int i = 0; i < deliveries; ++i) {
      const auto id = queue * 1'000'000 + i;
      store_.put(
          id,
          {queue, {.id = id, .place = id, .event = 1, .bytes = 10}, DeliveryStatus::pending, ""});
    }
  }

  const AttemptResult kDone{}, kFailed{.outcome = Outcome::retry, .reason = "HTTP 500"};
  PipelineLimits limits_;
  QueueRules rules_;
  Dice dice_{1};
  SimulatedStore store_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<Attempt> attempts_;
  Millis now_ = 1'000'000, wakeAt_ = 0;
  std::size_t read_ = 0;
};

std::vector<std::int64_t> placesOf(const std::vector<Attempt>& attempts) {
  std::vector<std::int64_t> places;
  for (const auto& each : attempts) places.push_back(each.delivery.place);
  return places;
}

TEST_F(EventPipelineTest, FirstAttemptsAreStartedInOrderAsManyAsMayBeInFlight) {
  begin();
  publish("i-1", 20);
  const auto first = taken();
  ASSERT_EQ(first.size(), 8u);
  auto places = placesOf(first);
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  answer({first[5]}, kDone);
  const auto next = taken();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].delivery.place, places.back() + 1);
}

TEST_F(EventPipelineTest, AFailedOneStepsAsideAndComesBackAfterItsWait) {
  rules_.inFlight = 1;
  begin();
  publish("i-1", 2);
  answer(taken(), kFailed);
  const auto second = taken();
  ASSERT_EQ(second.size(), 1u);
  answer(second, kDone);
  EXPECT_TRUE(taken().empty());
  EXPECT_GE(wakeAt_, now_ + 4'000);
  EXPECT_LE(wakeAt_, now_ + 6'000);
  passes(wakeAt_ - now_ - 1);
  EXPECT_TRUE(attempts_.empty());
  passes(1);
  ASSERT_EQ(attempts_.size(), 1u);
  EXPECT_EQ(attempts_[0].delivery.attempts, 2);
}

TEST_F(EventPipelineTest, ItIsGivenUpAfterTheLastWaitWithItsReason) {
  begin();
  publish("i-1", 2);
  for (int attempt = 1; attempt <= 4; ++attempt) {
    const auto made = taken();
    ASSERT_EQ(made.size(), 2u) << attempt;
    answer({made[0]}, kFailed);
    answer({made[1]}, {.outcome = Outcome::retry, .exhausted = "target not allowed"});
    passes(200'000);
  }
  EXPECT_TRUE(taken().empty());
  EXPECT_EQ(deadByReason(),
            (std::map<std::string, int>{{"attempts exhausted", 1}, {"target not allowed", 1}}));
}

TEST_F(EventPipelineTest, WhatIsDroppedIsDeadAtOnce) {
  begin();
  publish("i-1", 1);
  answer(taken(), {.outcome = Outcome::drop, .reason = "gone", .httpStatus = 410});
  EXPECT_EQ(deadByReason(), (std::map<std::string, int>{{"gone", 1}}));
  EXPECT_EQ(wakeAt_, kNever);
}

TEST_F(EventPipelineTest, RetriesDoNotTakeMoreThanTheirShare) {
  limits_.breakerAfter = 1'000;
  begin();
  publish("i-1", 30);
  for (auto made = taken(); !made.empty(); made = taken()) answer(made, kFailed);
  passes(6'000);
  EXPECT_EQ(taken().size(), 4u);
}

TEST_F(EventPipelineTest, TheBreakerLetsOneThroughUntilOneSucceeds) {
  begin();
  publish("i-1", 40);
  answer(taken(), kFailed);
  answer(taken(), kFailed);
  const auto probe = taken();
  ASSERT_EQ(probe.size(), 1u);
  EXPECT_TRUE(pipeline_->find({{"i-1"}, "hook", "default"})->breakerOpen());
  answer(probe, kFailed);
  EXPECT_EQ(attempts_.size(), 1u);
  answer(taken(), kDone);
  EXPECT_EQ(taken().size(), 8u);
}

TEST_F(EventPipelineTest, AnOpenBreakerIsOpenAfterARestart) {
  begin();
  publish("i-1", 40);
  answer(taken(), kFailed);
  answer(taken(), kFailed);
  taken();
  begin();
  EXPECT_EQ(taken().size(), 1u);
}

TEST_F(EventPipelineTest, AFullQueueLosesItsOldest) {
  limits_.queueDeliveries = 10;
  rules_.inFlight = 2;
  begin();
  publish("i-1", 30);
  EXPECT_EQ(deadByReason(), (std::map<std::string, int>{{"queue full", 20}}));
  const auto flying = placesOf(taken());
  std::vector<std::int64_t> left;
  for (const auto& [_, each] : store_.deliveries)
    if (each.status == DeliveryStatus::pending) left.push_back(each.row.place);
  ASSERT_EQ(left.size(), 10u);
  EXPECT_EQ(left[0], flying[0]) << "what is being tried stays";
  EXPECT_EQ(left[9] - left[2], 7) << "and the newest";
}

// Endpoints by the first letters of their instance: what is dead hangs for 15 s.
class PaceTest : public EventPipelineTest {
 protected:
  PaceTest() {
    limits_.inFlight = 64;  // quick 16, fresh 4, slow 8, failing 4, hanging 8, spare 24
    begin();
  }
  void publishForEach(const std::string& kind, int count) {
    for (int i = 0; i < count; ++i) publish(kind + std::to_string(i), 1);
  }
  // A tenth of a second, with what is answered in it.
  void step() {
    now_ += 100;
    for (auto each = flying_.begin(); each != flying_.end() && each->first <= now_;) {
      const auto& attempt = each->second;
      const bool isDead = attempt.to.instance.value.starts_with("dead");
      pipeline_->answered(attempt.delivery.id, isDead ? kFailed : kDone, now_);
      each = flying_.erase(each);
    }
    settle();
    for (const auto& each : taken()) {
      const auto& name = each.to.instance.value;
      ++started_[name];
      const Millis takes = name.starts_with("dead")   ? 15'000
                           : name.starts_with("slow") ? 3'000
                                                      : 10;
      flying_.emplace(now_ + takes, each);
    }
  }
  // The longest time in which nothing of it was started, though something waited: milliseconds.
  Millis longestWait(const std::string& instance, Millis time) {
    Millis longest = 0, waits = 0;
    for (const Millis end = now_ + time; now_ < end;) {
      publish(instance, 1);
      const int before = started_[instance];
      step();
      waits = started_[instance] > before ? 0 : waits + 100;
      longest = std::max(longest, waits);
    }
    return longest;
  }

  std::multimap<Millis, Attempt> flying_;
  std::map<std::string, int> started_;
};

TEST_F(PaceTest, HangingEndpointsThatNobodyKnewAreNoWait) {
  EXPECT_EQ(longestWait("live", 1'000), 0);
  publishForEach("dead", 300);
  EXPECT_EQ(longestWait("live", 60'000), 0);
}

TEST_F(PaceTest, AnEndpointThatIsNewWaitsForTheUnknownOnly) {
  publishForEach("dead", 20);
  // The four places of those before it are its own again a second later, and so on.
  EXPECT_LE(longestWait("live", 30'000), 5'100);
}

TEST_F(PaceTest, EndpointsThatHangFromNowOnAreAWaitOfASecond) {
  publishForEach("dead", 36);
  for (int i = 0; i < 36; ++i) {  // they were well
    for (const auto& each : taken()) pipeline_->answered(each.delivery.id, kDone, now_);
    settle();
  }
  EXPECT_EQ(longestWait("live", 1'000), 0);
  publishForEach("dead", 36);
  EXPECT_LE(longestWait("live", 60'000), 3'000);
}

TEST_F(PaceTest, WhoIsSlowAndAnswersIsNotHeldUpByWhoDoesNot) {
  EXPECT_LE(longestWait("slow", 10'000), 3'000);
  publishForEach("dead", 300);
  started_.clear();
  EXPECT_LE(longestWait("slow", 60'000), 3'000);
  EXPECT_GE(started_["slow"], 60'000 / 3'000 * 7) << "eight at once";
}

TEST_F(PaceTest, NobodyHangsInMorePlacesThanThereAre) {
  publishForEach("dead", 300);
  longestWait("live", 60'000);
  EXPECT_LE(flying_.size(), 64u);
  EXPECT_GE(flying_.size(), 30u) << "and what is to spare is used";
}

TEST_F(EventPipelineTest, ABlockThatHangsTakesNothingFromTheOthers) {
  limits_.inFlight = 32;  // two for those that have not been tried
  pipeline_ = std::make_unique<Pipeline>(limits_, dice_);
  pipeline_->serve("hook", rules_);
  pipeline_->serve("other", rules_);
  for (int queue = 1; queue <= 20; ++queue) keep(queue, "i-" + std::to_string(queue), 2);
  store_.queues[21] = {{{"i-1"}, "other", "default"}};
  store_.put(1, {21, {.id = 1, .place = 1, .event = 1}, DeliveryStatus::pending, ""});
  pipeline_->restore(store_.restore(now_));
  settle();
  std::map<std::string, int> started;
  for (const auto& each : taken()) ++started[each.to.block];
  EXPECT_EQ(started, (std::map<std::string, int>{{"hook", 2}, {"other", 1}}));
}

TEST_F(EventPipelineTest, QueuesTakeTurns) {
  limits_.inFlight = 96;  // six for those that have not been tried
  rules_.inFlight = 64;
  begin();
  for (const auto* instance : {"a", "b", "c"}) keep(instance[0], instance, 10);
  begin();
  std::map<std::string, int> started;
  for (const auto& each : taken()) ++started[each.to.instance.value];
  EXPECT_EQ(started, (std::map<std::string, int>{{"a", 2}, {"b", 2}, {"c", 2}}));
}

TEST_F(EventPipelineTest, AMillionThatWaitAreNotReadAtOnce) {
  for (int queue = 1; queue <= 100; ++queue) keep(queue, "i-" + std::to_string(queue), 200);
  begin();
  EXPECT_EQ(taken().size(), 128u) << "a sixteenth, for those that have not been tried";
  EXPECT_LT(read_, 100u * 60);
}

TEST_F(EventPipelineTest, WithNobodyWhoEnrichesAnInstancesEventsStayInOrder) {
  begin();
  const auto accepted =
      store_.accept({eventFor("i-1", "a"), eventFor("i-1", "b"), eventFor("i-2", "a")}, now_)
          .accepted;
  pipeline_->accepted(accepted);
  EXPECT_EQ(pipeline_->work(now_).prepare, (std::vector{accepted[0], accepted[2]}));
  pipeline_->prepared(accepted[0], {}, std::nullopt, now_);
  EXPECT_EQ(pipeline_->work(now_).prepare, std::vector{accepted[1]});
}

TEST_F(EventPipelineTest, WithSomebodyOnlyEventsOfTheSameChatWait) {
  begin();
  pipeline_->letChatsPass();
  const auto accepted = store_
                            .accept({eventFor("i-1", "a"), eventFor("i-1", "a"),
                                     eventFor("i-1", "b"), eventFor("i-2", "a")},
                                    now_)
                            .accepted;
  pipeline_->accepted(accepted);
  auto work = pipeline_->work(now_);
  ASSERT_EQ(work.prepare.size(), 3u);
  EXPECT_EQ(std::count(work.prepare.begin(), work.prepare.end(), accepted[1]), 0);
  pipeline_->prepared(accepted[0], {}, std::nullopt, now_);
  work = pipeline_->work(now_);
  ASSERT_EQ(work.prepare.size(), 1u);
  EXPECT_EQ(work.prepare[0], accepted[1]);
}

TEST_F(EventPipelineTest, AnInstanceHasAFewPreparedAtATime) {
  begin();
  pipeline_->letChatsPass();
  std::vector<Event> events;
  for (int i = 0; i < 10; ++i) events.push_back(eventFor("i-1", "chat-" + std::to_string(i)));
  const auto accepted = store_.accept(events, now_).accepted;
  pipeline_->accepted(accepted);
  const auto first = pipeline_->work(now_).prepare;
  ASSERT_EQ(first.size(), 4u);
  pipeline_->prepared(first[2], {}, std::nullopt, now_);
  EXPECT_EQ(pipeline_->work(now_).prepare.size(), 1u);
}

TEST_F(EventPipelineTest, WhatIsNotRoutedAtACrashIsRoutedAfterIt) {
  begin();
  store_.accept({eventFor("i-1"), eventFor("i-1")}, now_);
  begin();
  EXPECT_EQ(taken().size(), 2u);
  begin();
  EXPECT_EQ(taken().size(), 2u) << "not settled: once more";
  EXPECT_EQ(store_.deliveries.size(), 2u);
}

TEST_F(EventPipelineTest, AnInstanceThatIsGoneHasNothingLeftToDo) {
  begin();
  publish("i-1", 20);
  publish("i-2", 1);
  const auto flying = taken();
  pipeline_->forget({"i-1"});
  answer(flying, kDone);
  EXPECT_TRUE(taken().empty());
  EXPECT_EQ(pipeline_->find({{"i-1"}, "hook", "default"}), nullptr);
  EXPECT_EQ(pipeline_->find({{"i-2"}, "hook", "default"})->standing().pending, 0);
}

TEST_F(EventPipelineTest, QueuesOfABlockThatIsNotThereWait) {
  keep(1, "i-1", 5);
  store_.queues[1].key.block = "other";
  begin();
  EXPECT_TRUE(taken().empty());
  EXPECT_EQ(wakeAt_, kNever);
}

TEST_F(EventPipelineTest, WhatIsDeliveredAgainHasAllItsAttempts) {
  begin();
  publish("i-1", 1);
  const auto made = taken();
  answer(made, {.outcome = Outcome::drop, .reason = "gone"});
  const NewDelivery again{store_.deliveries.begin()->second.queue,
                          store_.deliveries.begin()->second.row};
  pipeline_->redeliver({again, again});
  settle();
  const auto second = taken();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].delivery.attempts, 1);
  EXPECT_EQ(second[0].delivery.event, made[0].delivery.event);
  EXPECT_GT(second[0].delivery.place, made[0].delivery.place);
}

TEST_F(EventPipelineTest, WhatWaitsForItsScheduleIsDeliveredAgainAtOnceAndNothingElse) {
  rules_.inFlight = 2;
  begin();
  publish("i-1", 4);
  answer({taken().at(0)}, kFailed);  // another one, and the one started for it, are in flight
  ASSERT_EQ(taken().size(), 1u);
  std::vector<NewDelivery> all;
  for (const auto& [_, each] : store_.deliveries) all.push_back({each.queue, each.row});
  pipeline_->redeliver(all);
  settle();
  std::map<int, int> byAttempts;
  for (const auto& [_, each] : store_.deliveries) ++byAttempts[each.row.attempts];
  EXPECT_EQ(byAttempts, (std::map<int, int>{{0, 4}}));
  passes(limits_.late);
  EXPECT_EQ(wakeAt_, kNever) << "nothing waits for its schedule";
  EXPECT_TRUE(taken().empty());
  EXPECT_EQ(pipeline_->find({{"i-1"}, "hook", "default"})->standing().pending, 4);
}

TEST_F(EventPipelineTest, OneThatIsNotMadeAgainHoldsUpNoRetry) {
  limits_.breakerAfter = 1'000;
  rules_.inFlight = 1;
  begin();
  publish("i-1", 30);
  const AttemptResult muchLater{.outcome = Outcome::retry, .notBefore = now_ + 3'600'000};
  for (int i = 0; i < 4; ++i) answer(taken(), muchLater);
  const auto flying = taken();
  const auto& last = store_.deliveries.rbegin()->second;
  pipeline_->redeliver({{last.queue, last.row}});
  settle();
  answer(flying, kFailed);
  taken();
  passes(6'000);
  ASSERT_EQ(attempts_.size(), 1u);
  EXPECT_EQ(attempts_[0].delivery.id, flying.at(0).delivery.id);
}

TEST_F(EventPipelineTest, ABuriedQueueIsDeadButForWhatIsDelivered) {
  limits_.window = 2;
  rules_.inFlight = 3;
  begin();
  publish("i-1", 600);
  const auto flying = taken();
  ASSERT_EQ(flying.size(), 3u);
  answer({flying[0]}, kFailed);
  const QueueKey key{{"i-1"}, "hook", "default"};
  pipeline_->bury(key, "webhook disabled");
  settle();
  answer({flying[1]}, kFailed);
  answer({flying[2]}, kDone);
  answer(taken(), kDone);  // that took the place of the first
  EXPECT_EQ(deadByReason(), (std::map<std::string, int>{{"webhook disabled", 598}}));
  EXPECT_EQ(pipeline_->find(key)->standing().pending, 0);
  EXPECT_EQ(wakeAt_, kNever);
  publish("i-1", 2);
  EXPECT_EQ(taken().size(), 2u) << "what comes afterwards is delivered";
}

TEST_F(EventPipelineTest, ABurialIsFinishedAfterARestart) {
  keep(1, "i-1", 1000);
  store_.queues[1].buried = 1'000'599;
  store_.queues[1].burial = "webhook disabled";
  begin();
  EXPECT_EQ(deadByReason(), (std::map<std::string, int>{{"webhook disabled", 600}}));
  EXPECT_EQ(taken().at(0).delivery.place, 1'000'600);
}

TEST_F(EventPipelineTest, WhatWasBeingPreparedDoesNotEnterAQueueThatIsBuried) {
  begin();
  const auto accepted = store_.accept({eventFor("i-1")}, now_).accepted;
  pipeline_->accepted(accepted);
  ASSERT_EQ(pipeline_->work(now_).prepare.size(), 1u);
  pipeline_->bury({{"i-1"}, "hook", "default"}, "webhook disabled");
  pipeline_->prepared(accepted[0], {{"hook", "default"}, {"hook", "other"}}, std::nullopt, now_);
  settle();
  EXPECT_EQ(taken().at(0).to.destination, "other");
  EXPECT_EQ(store_.deliveries.size(), 1u);
}

TEST_F(EventPipelineTest, AQueueThatHasRecoveredDoesNotWaitAmongTheFailing) {
  limits_.inFlight = 16;  // four for the quick, one each for the untried and for those that fail
  rules_.inFlight = 2;
  begin();
  publish("i-1", 5);
  answer(taken(), kDone);
  const auto flying = taken();
  ASSERT_EQ(flying.size(), 2u);
  publish("dead", 2);
  answer({taken().at(0)}, kFailed);
  ASSERT_EQ(taken().size(), 1u) << "takes the place of those that fail";
  answer({flying[0]}, kFailed);
  EXPECT_TRUE(taken().empty());
  answer({flying[1]}, kDone);
  std::map<std::string, int> started;
  for (const auto& each : taken()) ++started[each.to.instance.value];
  EXPECT_EQ(started, (std::map<std::string, int>{{"i-1", 2}}));
}

TEST(EventModel, KeepsEveryPromiseInVirtualTime) {
  for (std::uint64_t seed = 1; seed < 4; ++seed) {
    SCOPED_TRACE("event_model --seed " + std::to_string(seed));
    ASSERT_NO_THROW(World(seed).run());
  }
}

TEST(EventModel, TheSameSeedIsTheSameRun) {
  const auto first = World(10).run(), second = World(10).run();
  EXPECT_EQ(first.attempts, second.attempts);
  EXPECT_EQ(first.simulated, second.simulated);
  EXPECT_GT(first.attempts, 0);
}

}  // namespace
}  // namespace pombo
