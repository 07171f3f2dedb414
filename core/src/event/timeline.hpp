// The time that deliveries are planned in: the wall's at the start, and then only forwards.
#pragma once

#include <string>

#include "event/record.hpp"

namespace pombo {

// What the machine's clocks say at one moment, in milliseconds.
struct Moment {
  Millis wall = 0;        // since 1970; an operator or NTP may set it
  Millis sinceBoot = 0;   // goes on while the machine sleeps; nobody can set it
  std::string boot = {};  // which boot
};

// Which moment was which time; kept in the database, so that waits go on across restarts.
struct TimeAnchor {
  Millis time = 0;
  Millis sinceBoot = 0;
  std::string boot = {};
};

// A wait that was planned is neither cut short nor drawn out by a wall clock that is set. Within
// one boot of the machine that holds across restarts, too; after another boot only the wall can
// say how long it took, and it is believed as long as it does not go back. Thread-safe.
class Timeline {
 public:
  Timeline(const Moment& now, const std::optional<TimeAnchor>& last);

  Millis at(const Moment& moment) const { return offset_ + moment.sinceBoot; }
  TimeAnchor anchor(const Moment& now) const { return {at(now), now.sinceBoot, now.boot}; }
  // As a client is shown it.
  Millis toWall(Millis time, const Moment& now) const { return time - at(now) + now.wall; }
  Millis fromWall(Millis wall, const Moment& now) const { return wall - now.wall + at(now); }

 private:
  Millis offset_;
};

// Of this machine.
Moment currentMoment();

}  // namespace pombo
