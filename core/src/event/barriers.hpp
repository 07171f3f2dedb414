// Those who wait until what they have said to the pipeline is in the store.
#pragma once

#include <functional>
#include <vector>

#include "event/record.hpp"

namespace pombo {

// On the pipeline's thread.
class Barriers {
 public:
  using Then = std::function<void()>;

  // After so many writes from now on, the one under way left out.
  void add(std::size_t writes, Then then) { waiting_.push_back({std::move(then), writes}); }

  // After each look at what is to be done: the write that begins, if one does.
  void begun(const Write*);
  void committed();
  void notCommitted() { underWay_ = false; }

  bool writing() const { return underWay_; }

 private:
  struct Waiting {
    Then then;
    std::size_t writes;
  };

  std::vector<Waiting> waiting_;
  std::vector<Then> inWrite_;
  bool underWay_ = false;
  bool known_ = false;  // the write that is under way, or will be repeated, has been counted
};

}  // namespace pombo
