// How a block's calls have come back so far.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "pombo/error.hpp"

namespace pombo {

// A thread cannot be stopped: one whose call has run over its time is written off, and is missing
// until the call ends, if ever. A block that keeps this many is asked nothing more meanwhile.
inline constexpr int kMostMissing = 4;

// Shared with threads that were written off, which may outlive everything else. Thread-safe.
class Standing {
 public:
  explicit Standing(std::string block) : block_(std::move(block)) {}

  void writeOff() {
    ++writtenOff_;
    ++missing_;
  }
  void comeBack() { --missing_; }

  int writtenOff() const { return writtenOff_; }  // calls, so far
  int missing() const { return missing_; }        // of those, the ones that have not ended
  bool quarantined() const { return missing_ >= kMostMissing; }

  // Throws Error{unavailable} while the block is in quarantine.
  void requireGood() const {
    if (quarantined())
      throw Error(Code::unavailable, "The " + block_ + " block is in quarantine: " +
                                         std::to_string(missing_) + " of its calls have not ended");
  }
  std::shared_ptr<const Error> late() const {
    return std::make_shared<const Error>(Code::timedOut,
                                         "The " + block_ + " block did not answer in time");
  }

 private:
  const std::string block_;
  std::atomic<int> writtenOff_{0}, missing_{0};
};

// One call, which ends or is written off; whichever comes first decides who counts it back.
class Watched {
 public:
  explicit Watched(std::shared_ptr<Standing> standing) : standing_(std::move(standing)) {}

  void begin() { state_ = State::running; }
  // By whoever waits. False: it has not begun, or it has ended.
  bool writeOff() {
    State expected = State::running;
    if (!state_.compare_exchange_strong(expected, State::writtenOff)) return false;
    standing_->writeOff();
    return true;
  }
  // By the thread that made it. False: it was written off, and nobody wants what it brings.
  bool end() {
    if (state_.exchange(State::ended) != State::writtenOff) return true;
    standing_->comeBack();
    return false;
  }
  bool isWrittenOff() const { return state_ == State::writtenOff; }
  const Standing& standing() const { return *standing_; }

 private:
  enum class State { waiting, running, writtenOff, ended };
  const std::shared_ptr<Standing> standing_;
  std::atomic<State> state_{State::waiting};
};

}  // namespace pombo
