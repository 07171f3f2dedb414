// A gateway, its store, its clocks and the endpoints in one thread and in virtual time, with
// everything that can go wrong: the same seed gives the same run.
#pragma once

#include <functional>
#include <memory>
#include <queue>
#include <random>

#include "event/pipeline.hpp"
#include "event/timeline.hpp"
#include "ledger.hpp"

namespace pombo {

// The same on every machine.
class Dice final : public Random {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  double unit() override { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  std::int64_t below(std::int64_t end) { return static_cast<std::int64_t>(unit() * end); }
  std::int64_t between(std::int64_t from, std::int64_t to) { return from + below(to - from + 1); }
  bool chance(double probability) { return unit() < probability; }

 private:
  std::mt19937_64 engine_;
};

struct Tally {
  Millis simulated = 0;
  std::int64_t events = 0, attempts = 0, crashes = 0, dead = 0, loads = 0;
};

class World {
 public:
  // `second`: a store that is to say the same as the simulated one, all the time. Null: none.
  explicit World(std::uint64_t seed, EventStore* second = nullptr);

  // Throws Violation.
  Tally run();

 private:
  enum class Mood { well, failing, hanging, gone, busy };
  enum class Fate { made, refused, unknown };
  struct Endpoint {
    Mood mood = Mood::well;
    Millis latency = 10;
  };
  struct Step {
    Millis at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Step& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  void drawRules();
  void after(Millis wait, std::function<void()>);
  void inProcess(Millis wait, std::function<void()>);  // forgotten when it crashes

  void startProcess();
  void crash();
  void stepClock();
  void changeMoods();
  Moment moment() const;
  Millis now() const { return timeline_->at(moment()); }  // as the process sees it

  void publish(int instance, std::vector<Event>);
  void produce(int instance);
  void pump();
  void perform(const Work&);
  void prepare(const AcceptedEvent&);
  void write(const Write&);
  void readEvents(std::size_t most);
  void read(const Load&);
  void attempt(const Attempt&);
  void answer(const Attempt&, Mood, bool lost);
  void redeliver();
  void bury(const QueueKey&);

  Event makeEvent(int instance);
  std::vector<Destination> wanted(const Event&) const;
  Endpoint& endpoint(const QueueKey&);
  Fate fate();
  bool troubled() const { return !rules_.calm && time_ < faultsEnd_; }

  template <class Result>
  Result same(const std::function<Result(EventStore&)>&);

  Dice dice_, jitter_;
  WorldRules rules_;
  SimulatedStore store_;
  EventStore* const second_;
  Ledger ledger_;
  Tally tally_;

  std::priority_queue<Step> agenda_;
  Millis time_ = 0;
  std::uint64_t steps_ = 0;
  Millis publishEnd_ = 0, faultsEnd_ = 0;
  Millis bootedAt_ = -1'000'000, skew_ = 0;
  int boots_ = 1;
  bool stepped_ = false, down_ = false;

  std::optional<TimeAnchor> anchor_;
  std::unique_ptr<Timeline> timeline_;
  std::unique_ptr<Pipeline> pipeline_;
  std::uint64_t epoch_ = 0;
  Millis wakeAt_ = kNever;
  int under_ = 0;  // calls to the store that have not come back

  int instances_ = 1, chats_ = 1;
  std::int64_t made_ = 0;
  std::vector<std::vector<Event>> unpublished_;  // by instance, handed over again after a crash
  std::map<std::string, std::vector<Destination>> wanted_;  // by event
  std::map<QueueKey, Endpoint> endpoints_;
};

}  // namespace pombo
