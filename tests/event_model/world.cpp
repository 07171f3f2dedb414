#include "world.hpp"

#include <algorithm>

namespace pombo {
namespace {

constexpr Millis kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr Millis kToday = 1'795'257'000'000;
constexpr Millis kAttemptTimeout = 15 * kSecond;
constexpr Millis kTooLong = 200 * kDay;
const std::vector<Millis> kWaits{5 * kSecond, 30 * kSecond, 2 * kMinute, 10 * kMinute, 30 * kMinute,
                                 2 * kHour,   6 * kHour,    12 * kHour,  24 * kHour};

}  // namespace

World::World(std::uint64_t seed, EventStore* second)
    : dice_(seed), jitter_(~seed), second_(second), ledger_(rules_, store_) {
  drawRules();
}

void World::drawRules() {
  constexpr int kInFlight[] = {1, 2, 8, 64};
  rules_.calm = dice_.chance(0.125);
  rules_.blocks["hook"] = {kWaits, kInFlight[dice_.below(4)]};
  rules_.blocks["strict"] = {kWaits, 1};
  rules_.blocks["brief"] = {{kSecond, kMinute}, kInFlight[dice_.below(4)]};
  PipelineLimits& limits = rules_.limits;
  limits.window = static_cast<std::size_t>(dice_.between(2, 12));
  limits.events = static_cast<std::size_t>(dice_.between(2, 12));
  limits.loads = static_cast<std::size_t>(dice_.between(1, 4));
  limits.perWrite = static_cast<std::size_t>(dice_.between(1, 30));
  limits.inFlight = static_cast<int>(dice_.between(8, 80));
  limits.late = dice_.between(2, 10) * kSecond;
  if (dice_.chance(0.3)) limits.queueDeliveries = dice_.between(3, 40);
  if (dice_.chance(0.2)) limits.queueBytes = dice_.between(500, 4000);
  if (rules_.calm) {
    limits.inFlight = limits.retriesInFlight = limits.breakerAfter = 1'000'000;
    limits.queueDeliveries = limits.queueBytes = 1'000'000'000;
  }
  instances_ = static_cast<int>(dice_.between(1, 4));
  chats_ = static_cast<int>(dice_.between(1, 5));
  rules_.chatsPass = dice_.chance(0.5);
  unpublished_.resize(static_cast<std::size_t>(instances_));
  publishEnd_ = dice_.between(kHour, 3 * kDay);
  faultsEnd_ = publishEnd_ + dice_.between(0, 3 * kDay);
}

void World::after(Millis wait, std::function<void()> what) {
  agenda_.push({time_ + wait, ++steps_, std::move(what)});
}

void World::inProcess(Millis wait, std::function<void()> what) {
  after(wait, [this, epoch = epoch_, what = std::move(what)] {
    if (epoch == epoch_) what();
  });
}

Moment World::moment() const {
  return {kToday + time_ + skew_, time_ - bootedAt_, "boot " + std::to_string(boots_)};
}

template <class Result>
Result World::same(const std::function<Result(EventStore&)>& ask) {
  Result result = ask(store_);
  if (second_ && !(ask(*second_) == result)) throw Violation("the stores differ");
  return result;
}

void World::startProcess() {
  timeline_ = std::make_unique<Timeline>(moment(), anchor_);
  pipeline_ = std::make_unique<Pipeline>(rules_.limits, jitter_);
  if (rules_.chatsPass) pipeline_->letChatsPass();
  for (const auto& [block, rules] : rules_.blocks) pipeline_->serve(block, rules);
  pipeline_->restore(same<StoredQueues>([&](EventStore& store) { return store.restore(now()); }));
  for (int i = 0; i < instances_; ++i) {
    auto& again = unpublished_[static_cast<std::size_t>(i)];
    inProcess(dice_.between(1, kSecond), [this, i, events = again] { publish(i, events); });
  }
  pump();
}

void World::crash() {
  ++epoch_;
  ++tally_.crashes;
  under_ = 0;
  wakeAt_ = kNever;
  ledger_.crashed();
  pipeline_ = nullptr;
  const Millis away = dice_.chance(0.8) ? dice_.between(1, kMinute) : dice_.between(1, 5 * kHour);
  after(away, [this] {
    if (!rules_.calm && dice_.chance(0.2)) {  // the machine, too
      bootedAt_ = time_ - kSecond;
      ++boots_;
      if (stepped_) ledger_.timeWasLost();
    }
    startProcess();
  });
}

void World::stepClock() {
  constexpr Millis kYears = 3652 * kDay;
  constexpr Millis kSteps[] = {kDay, -kDay, kYears, -kYears};
  skew_ += kSteps[dice_.below(4)];
  stepped_ = true;
}

void World::changeMoods() {
  for (auto& [_, endpoint] : endpoints_) {
    const auto mood = dice_.below(8);
    endpoint.mood = mood < 4 ? Mood::well : static_cast<Mood>(mood - 3);
    endpoint.latency = dice_.between(1, dice_.chance(0.2) ? 5 * kSecond : 200);
  }
}

World::Fate World::fate() {
  if (down_) return Fate::refused;
  if (!troubled() || !dice_.chance(0.05)) return Fate::made;
  return dice_.chance(0.5) ? Fate::refused : Fate::unknown;
}

Event World::makeEvent(int instance) {
  Event event;
  event.type = dice_.chance(0.7) ? "message.exchange" : "message.status";
  event.instance = {"i-" + std::to_string(instance)};
  event.chat = "c-" + std::to_string(dice_.below(chats_));
  event.at = TimePoint(std::chrono::milliseconds(kToday + time_));
  event.data = {{"id", "m-" + std::to_string(++made_)},
                {"text", std::string(static_cast<std::size_t>(dice_.below(60)), 'x')}};
  return event;
}

std::vector<Destination> World::wanted(const Event& event) const {
  std::vector<Destination> to;
  if (event.chat != "c-1") to.push_back({"hook", "a"});
  if (event.type == "message.exchange") to.push_back({"hook", "b"});
  if (event.chat != "c-2") to.push_back({"strict", "a"});
  if (event.instance.value == "i-0" && event.chat == "c-1") to.push_back({"brief", "a"});
  if (event.chat == "c-4" && event.type != "message.exchange") to.clear();
  return to;
}

void World::produce(int instance) {
  if (time_ > publishEnd_) return;
  std::vector<Event> events;
  for (auto left = dice_.chance(0.1) ? dice_.between(10, 60) : dice_.between(1, 3); left > 0;
       --left)
    events.push_back(makeEvent(instance));
  unpublished_[static_cast<std::size_t>(instance)] = events;
  publish(instance, std::move(events));
}

// A connector hands its events over in order, and again until they are accepted.
void World::publish(int instance, std::vector<Event> events) {
  if (events.empty()) return produce(instance);
  for (auto& event : events) {
    event.id = "e-" + std::to_string(++made_);
    wanted_[event.id] = wanted(event);
  }
  inProcess(dice_.between(1, 20), [this, instance, events] {
    const Fate what = fate();
    std::vector<AcceptedEvent> accepted;
    if (what != Fate::refused)
      accepted =
          same<Acceptance>([&](EventStore& store) { return store.accept(events, now()); }).accepted;
    if (what != Fate::made) {
      pipeline_->acceptanceUnknown();
      inProcess(kSecond, [this, instance, events] { publish(instance, events); });
      return pump();
    }
    tally_.events += static_cast<std::int64_t>(events.size());
    ledger_.accepted(events);
    unpublished_[static_cast<std::size_t>(instance)].clear();
    // The threads that publish are not the one of the pipeline: it may be told late.
    inProcess(dice_.between(0, 30), [this, instance, accepted] {
      pipeline_->accepted(accepted);
      const Millis pause =
          dice_.chance(0.5) ? dice_.between(1, kSecond) : dice_.between(1, publishEnd_ / 12);
      inProcess(pause, [this, instance] { produce(instance); });
      pump();
    });
  });
}

void World::pump() {
  for (;;) {
    const Work work = pipeline_->work(now());
    perform(work);
    if (work.prepare.empty() && work.readEvents == 0 && work.loads.empty() &&
        work.attempts.empty() && !work.write) {
      if (under_ == 0 && steps_ % 16 == 0 && work.wakeAt > now() + kSecond)
        ledger_.atRest(now(), time_);
      if (work.wakeAt == kNever || work.wakeAt == wakeAt_) return;
      wakeAt_ = work.wakeAt;
      return inProcess(std::max<Millis>(1, wakeAt_ - now()), [this, at = wakeAt_] {
        if (at != wakeAt_) return;
        wakeAt_ = kNever;
        pump();
      });
    }
  }
}

void World::perform(const Work& work) {
  for (const auto& event : work.prepare) prepare(event);
  if (work.readEvents) readEvents(work.readEvents);
  for (const auto& load : work.loads) read(load);
  for (const auto& each : work.attempts) attempt(each);
  if (work.write) write(*work.write);
  // At the worst of moments.
  if (!work.attempts.empty() && time_ < faultsEnd_ && dice_.chance(0.0005))
    inProcess(dice_.below(30), [this, key = work.attempts.back().to] { bury(key); });
  if (troubled() && dice_.chance(0.002)) inProcess(dice_.below(30), [this] { crash(); });
}

void World::prepare(const AcceptedEvent& event) {
  ledger_.preparing(event);
  const Millis takes = dice_.chance(0.02) ? 30 * kSecond : dice_.between(0, 20);
  inProcess(takes, [this, event] {
    ledger_.preparedOrNot(event);
    if (troubled() && dice_.chance(0.02)) {
      pipeline_->notPrepared(event.seq);
    } else {
      const Event& whole = store_.events.at(event.seq).event;
      pipeline_->prepared(
          event, wanted(whole),
          dice_.chance(0.1) ? std::optional(boost::json::serialize(whole.data)) : std::nullopt,
          now());
    }
    pump();
  });
}

void World::write(const Write& write) {
  ++under_;
  // Never slow in a calm world: no retry is made before its failure is recorded, and a queue stands
  // still while too many answers are not.
  inProcess(
      dice_.between(1, troubled() && dice_.chance(0.05) ? 3 * kSecond : 10), [this, copy = write] {
        --under_;
        const Fate what = fate();
        NoEffect refused;
        if (what != Fate::refused) {
          ledger_.writing(copy, now());
          refused = same<NoEffect>([&](EventStore& store) { return store.write(copy); });
          anchor_ = timeline_->anchor(moment());
        }
        what == Fate::made ? pipeline_->committed(refused, now()) : pipeline_->notCommitted(now());
        pump();
      });
}

void World::readEvents(std::size_t most) {
  ++under_;
  inProcess(dice_.between(0, 5), [this, most] {
    const auto found =
        same<std::vector<AcceptedEvent>>([&](EventStore& store) { return store.unrouted(most); });
    inProcess(dice_.between(0, 20), [this, most, found] {  // older than what comes meanwhile
      --under_;
      fate() == Fate::made ? pipeline_->eventsLoaded(found, most)
                           : pipeline_->readEventsFailed(now());
      pump();
    });
  });
}

void World::read(const Load& load) {
  ++under_;
  ++tally_.loads;
  inProcess(dice_.between(0, 5), [this, load] {
    const auto found =
        same<std::vector<PendingDelivery>>([&](EventStore& store) { return store.load(load); });
    inProcess(dice_.between(0, 20), [this, load, found] {
      --under_;
      fate() == Fate::made ? pipeline_->loaded(load, found, now())
                           : pipeline_->loadFailed(load, now());
      pump();
    });
  });
}

World::Endpoint& World::endpoint(const QueueKey& key) {
  const auto [found, isNew] = endpoints_.try_emplace(key);
  if (isNew) found->second.latency = dice_.between(1, 200);
  return found->second;
}

void World::attempt(const Attempt& attempt) {
  ++tally_.attempts;
  ledger_.started(attempt, time_);
  const Endpoint to = endpoint(attempt.to);
  const bool hangs = to.mood == Mood::hanging;
  const bool lost = !rules_.calm && dice_.chance(0.01);
  const Millis there = dice_.between(0, to.latency);
  const auto arrives = [this, attempt] {
    ledger_.received(attempt, wanted(store_.events.at(attempt.delivery.event).event));
  };
  // What is on the wire when the process crashes may arrive all the same.
  if (!hangs) dice_.chance(0.7) ? after(there, arrives) : inProcess(there, arrives);
  inProcess(hangs || lost ? kAttemptTimeout : to.latency,
            [this, attempt, mood = to.mood, lost] { answer(attempt, mood, lost); });
}

void World::answer(const Attempt& attempt, Mood mood, bool lost) {
  AttemptResult answer;
  std::optional<Millis> asked;
  if (lost || mood == Mood::hanging) {
    answer = {.outcome = Outcome::retry, .reason = "no answer"};
  } else if (mood == Mood::failing) {
    answer = {.outcome = Outcome::retry, .reason = "HTTP 500", .httpStatus = 500};
  } else if (mood == Mood::gone) {
    answer = {.outcome = Outcome::drop, .reason = "gone", .httpStatus = 410};
  } else if (mood == Mood::busy) {
    asked = dice_.between(0, 2 * kDay);
    answer = {.outcome = Outcome::retry,
              .reason = "HTTP 503",
              .httpStatus = 503,
              .notBefore = timeline_->fromWall(moment().wall + *asked, moment())};
  }
  ledger_.answered(attempt, answer, asked, time_);
  pipeline_->answered(attempt.delivery.id, answer, now());
  pump();
}

void World::redeliver() {
  std::vector<NewDelivery> chosen;
  for (const auto& [_, each] : store_.deliveries)
    if (dice_.chance(each.status == DeliveryStatus::pending ? 0.2 : 0.02))
      chosen.push_back({each.queue, each.row});
  ledger_.redelivering(chosen);
  pipeline_->redeliver(chosen);
  if (dice_.chance(0.3)) pipeline_->redeliver(chosen);  // impatient
  pump();
}

void World::bury(const QueueKey& key) {
  ledger_.burying(key);
  pipeline_->bury(key, "webhook disabled");
  if (troubled() && dice_.chance(0.3)) inProcess(dice_.below(60), [this] { crash(); });
  pump();
}

Tally World::run() {
  const auto now_and_then = [this](Millis most, auto what) {
    auto again = std::make_shared<std::function<void()>>();
    *again = [this, most, what, weak = std::weak_ptr(again)] {
      if (time_ > faultsEnd_) return;
      if (pipeline_) what();
      after(dice_.between(1, most), [again = weak.lock()] { (*again)(); });
    };
    after(dice_.between(1, most), [again] { (*again)(); });
  };
  now_and_then(6 * kHour, [this] { changeMoods(); });
  now_and_then(kDay, [this] { redeliver(); });
  if (!rules_.calm) {
    now_and_then(kDay, [this] { crash(); });
    now_and_then(kDay, [this] { stepClock(); });
    now_and_then(12 * kHour, [this] {
      down_ = true;
      after(dice_.between(kSecond, kHour), [this] { down_ = false; });
    });
  }
  startProcess();
  while (!agenda_.empty()) {
    const Step step = agenda_.top();
    agenda_.pop();
    time_ = step.at;
    if (time_ > kTooLong) throw Violation("it never comes to rest");
    step.what();
  }
  ledger_.atTheEnd(wanted_);
  tally_.simulated = time_;
  for (const auto& [_, each] : store_.deliveries)
    if (each.status == DeliveryStatus::dead) ++tally_.dead;
  return tally_;
}

}  // namespace pombo
