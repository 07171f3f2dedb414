// The lane of one block's own sink: its threads, and who is next.
#pragma once

#include <deque>
#include <map>

#include "event/crew.hpp"
#include "pombo/instance.hpp"

namespace pombo {

// One instance's jobs run one after another, in the order in which they came; instances take turns.
// Thread-safe.
class SinkLane {
 public:
  using Job = std::function<void()>;  // never throws

  // Not more than `most` wait or run at a time.
  SinkLane(int workers, std::size_t most) : most_(most), crew_("pombo-lane", workers) {}

  // False: it is full.
  bool push(const InstanceId&, Job);
  int stop(Crew::Time deadline) { return crew_.stop(deadline); }

 private:
  void next();

  const std::size_t most_;
  std::mutex mutex_;                               // guards all below
  std::map<InstanceId, std::deque<Job>> waiting_;  // an instance has one in hand, or in line
  std::deque<InstanceId> turns_;
  std::size_t count_ = 0;
  Crew crew_;  // last: its threads use all of the above
};

}  // namespace pombo
