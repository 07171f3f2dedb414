// The threads that blocks' code runs on. One that does not come back is left behind, and whoever
// asked goes on without it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "block/guard.hpp"
#include "block/standing.hpp"

namespace pombo {

// One call into a block.
struct BlockCall {
  std::shared_ptr<Standing> standing;
  ILogger* log = nullptr;  // of the block; outlives the threads
  std::string what = {};   // "configure"
  std::chrono::milliseconds budget{};
  // On the caller's thread: of blocks that are trusted to come back.
  bool inPlace = false;
  // Owns everything it touches, or what it touches outlives the threads: it may outlive the caller.
  std::function<Json()> run;

  Json result = {};
  Failure failure = {};
};

// Thread-safe.
class BlockThreads {
 public:
  BlockThreads();
  ~BlockThreads();  // waits for every thread, those that were written off too

  // Runs the calls one after another and returns when each has ended or been given up. Those that
  // are not in place run on a thread that is not the caller's, with the caller's request and its
  // turn at the processor; a thread of which a call does not come back is written off, and the rest
  // run on the next. A call has its budget, and three quarters of what is left of the request at
  // most: the others, and the answer, need time too.
  void run(std::vector<BlockCall>&);

  struct Origin;

 private:
  using Calls = std::vector<BlockCall>::iterator;
  // Up to the first that is given up, or to the end; the place after it.
  Calls runApart(Calls first, Calls last);

  class Pool;
  std::shared_ptr<Pool> pool_;
};

}  // namespace pombo
