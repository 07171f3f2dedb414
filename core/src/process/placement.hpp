// Which of several processes has an instance, and who leaves one that ends again and again: half of
// those it was asked for, until whoever ends processes is alone in one.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "pombo/instance.hpp"

namespace pombo {

// Processes are numbers: those from 0 have instances by their ids, those beyond have what has left
// another. Thread-safe.
class Placement {
 public:
  using Clock = std::chrono::steady_clock;
  using Its = std::function<bool(const InstanceId&)>;

  // An end counts as one more in a row for so long after the one before it.
  Placement(int processes, std::chrono::milliseconds inARow)
      : processes_(processes), inARow_(inARow) {}

  int placeOf(const InstanceId&) const;
  // Which instances a process has, as it is now; empty: all.
  Its itsOf(int process) const;

  // It is about to be asked for this one; false when another has it by now.
  bool ask(int process, const InstanceId&);
  void told(int process, const InstanceId&);  // of this one, by the process
  void forget(const InstanceId&);

  // A life is over, and what it was asked for with it. Who is to leave, the last first: one of them
  // or one of the others has ended it. Nobody when it has not ended in a row, and never all that it
  // has, unless others have left it before and it may be asked for whoever is new.
  std::vector<InstanceId> ended(int process, Clock::time_point);
  void move(const std::vector<InstanceId>&, int from, int to, Clock::time_point);
  // One that has nobody any more and has never ended; nobody else gets it.
  std::optional<int> takeSpare();

 private:
  struct Place {
    std::map<InstanceId, Clock::time_point> asked;  // in this life, and when it was heard of last
    std::set<InstanceId> known;                     // whom it was asked for, in all its lives
    bool wasLeft = false, hasEnded = false, isSpare = false;
    Clock::time_point inARowUntil{};
  };

  int locate(const InstanceId&) const;  // under mutex_

  const int processes_;
  const std::chrono::milliseconds inARow_;

  mutable std::mutex mutex_;  // guards all below
  std::map<InstanceId, int> moved_;
  std::map<int, Place> places_;
};

}  // namespace pombo
