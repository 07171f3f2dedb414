// Threads that instances share, and who is next.
#pragma once

#include <deque>
#include <map>

#include "event/crew.hpp"
#include "pombo/instance.hpp"

namespace pombo {

// One instance's jobs are begun in the order in which they came, `each` at a time: with one, they
// run one after another. Instances take turns. Thread-safe.
class SinkLane {
 public:
  using Job = std::function<void()>;  // never throws

  // Not more than `most` wait or run at a time.
  SinkLane(int workers, std::size_t most, int each = 1)
      : most_(most), each_(each), crew_("pombo-lane", workers) {}

  // False: it is full. After stop() it is dropped.
  bool push(const InstanceId&, Job);
  // Of no instance: it is not counted, and in no order.
  void pushAside(Job job) { crew_.push(std::move(job)); }
  // As Crew::stop(). Nothing that jobs hold is held any more once it has returned 0.
  int stop(Crew::Time deadline);

 private:
  struct Line {
    std::deque<Job> jobs;
    int turns = 0;  // in hand, or in turns_
  };

  void next();

  const std::size_t most_;
  const int each_;
  std::mutex mutex_;  // guards all below
  std::map<InstanceId, Line> waiting_;
  std::deque<InstanceId> turns_;
  std::size_t count_ = 0;
  bool stopped_ = false;
  Crew crew_;  // last: its threads use all of the above
};

}  // namespace pombo
