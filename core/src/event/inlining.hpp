// Where the bytes of media are fetched: not on a thread that others wait for.
#pragma once

#include <utility>

namespace pombo {

// As long as it lives, an envelope that this thread makes is made without the bytes of its media,
// and `wanted` says that they were asked for.
class NoInlining {
 public:
  explicit NoInlining(bool& wanted) : outer_(std::exchange(current_, &wanted)) {}
  ~NoInlining() { current_ = outer_; }
  NoInlining(const NoInlining&) = delete;
  NoInlining& operator=(const NoInlining&) = delete;

  // False: they may be fetched here.
  static bool leaves() {
    if (current_) *current_ = true;
    return current_ != nullptr;
  }

 private:
  inline static thread_local bool* current_ = nullptr;
  bool* const outer_;
};

}  // namespace pombo
