// What was promised, and what has happened: each rule that is broken is thrown as a sentence.
#pragma once

#include <array>
#include <map>
#include <set>
#include <stdexcept>

#include "event/pipeline.hpp"
#include "simulated_store.hpp"

namespace pombo {

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct WorldRules {
  std::map<std::string, QueueRules> blocks;
  PipelineLimits limits;
  bool chatsPass = false;
  bool calm = false;  // no fault, and room for everything: what is due is started at once
};

// Times are the world's own, which no clock of the model shows and no fault changes.
class Ledger {
 public:
  Ledger(const WorldRules& rules, const SimulatedStore& store) : rules_(rules), store_(store) {}

  void accepted(const std::vector<Event>&);
  void preparing(const AcceptedEvent&);
  void preparedOrNot(const AcceptedEvent&);
  // Before it is applied; `now` as the process sees it.
  void writing(const Write&, Millis now);

  void started(const Attempt&, Millis now);
  void received(const Attempt&, const std::vector<Destination>& wanted);
  void answered(const Attempt&, const AttemptResult&, std::optional<Millis> askedWait, Millis now);
  // At the wish of somebody, who may not know what became of it.
  void redelivering(const std::vector<NewDelivery>&);
  void burying(const QueueKey&);
  // All that was started and is not in the store may happen once more.
  void crashed();
  // Nobody can say how long it lasted: waits that were under way are not judged.
  void timeWasLost() { waits_.clear(); }

  // The store has nothing to do, nor has anything else; `now` as the process sees it, `time` as the
  // world does.
  void atRest(Millis now, Millis time) const;
  void atTheEnd(const std::map<std::string, std::vector<Destination>>& wantedByEvent) const;

 private:
  using Id = std::pair<std::int64_t, std::int64_t>;  // of a delivery, with its place
  struct Flight {
    int attempt = 0;
    bool first = false, answered = false;
    QueueKey to = {};
    Millis since = 0;
    Pace pace = Pace::fresh;  // of its queue, when it was started
  };
  struct Wait {
    Millis since = 0, scheduled = 0, asked = 0;
    Millis planned = 0;  // zero: it is not in the store yet
  };
  struct Queue {
    int firsts = 0, retries = 0, failures = 0;
    bool isTried = false, wasLate = false;
    std::int64_t lastPlace = 0;
    std::set<Id> startedOnce;
  };

  void checkOrder(const Attempt&, Queue&);
  void checkCaps(const std::string& block, Queue&, const QueueRules&, Millis now);
  void checkPlaces(const std::string& block, Millis now) const;
  void checkWait(const Attempt&, Millis now);
  void settled(const Settlement&, const Write&, Millis now);
  void checkRemoved(const Settlement&, const Write&) const;
  void checkOldest(const Settlement&) const;
  void checkLimits() const;
  bool isTurnOf(const SimulatedStore::Delivery&, Millis now) const;
  bool isLate(const Flight& flight, Millis time) const {
    return time - flight.since >= rules_.limits.late;
  }
  // In flight, of one block, by the pace with which it was started.
  struct Flying {
    std::array<int, kPaces.size()> inTime = {}, late = {};
    static std::size_t at(Pace pace) { return static_cast<std::size_t>(pace); }
  };
  Flying flying(const std::string& block, Millis time) const;
  Pace paceOf(const QueueKey&, Millis time) const;
  int placesOf(Pace) const;
  bool hasRoom(const QueueKey&, Millis time) const;

  const WorldRules& rules_;
  const SimulatedStore& store_;
  std::map<QueueKey, Queue> queues_;
  std::map<Id, Flight> unsettled_;
  std::map<std::pair<Id, int>, int> made_, allowed_;  // how often an attempt was, and may be
  std::map<Id, Wait> waits_;
  std::map<Id, Millis> recorded_;                        // when its last failure was
  std::set<Id> removed_;                                 // from a full queue, or a buried one
  std::set<Id> doomed_;                                  // were waiting when their queue was buried
  std::set<std::int64_t> asked_;                         // to be delivered again, by id
  std::set<std::pair<std::string, QueueKey>> unwanted_;  // perhaps: not routed at a burial
  using Line = std::pair<InstanceId, std::string>;       // of events that stay in order
  Line lineOf(const InstanceId& instance, const std::string& chat) const {
    return {instance, rules_.chatsPass ? chat : std::string()};
  }
  std::map<Line, std::int64_t> lastRouted_;
  std::set<Line> busyLines_;
  std::map<InstanceId, int> preparing_;
  std::map<std::string, Event> accepted_;  // by id
  std::set<std::pair<std::string, QueueKey>> received_;
  double least_ = 2, most_ = 0;
  int waited_ = 0;
};

}  // namespace pombo
