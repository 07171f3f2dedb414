// The addresses of host names for those who cannot wait for them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/address.hpp"

namespace pombo {

// Looks names up on a bounded number of threads, each name once for all who ask, and remembers what
// it heard: an answer for a minute, a failure for five seconds. A name that had addresses keeps
// them for ten minutes while nobody answers.
//
// Names that have resolved before are never behind those that have not: however many of these wait
// for name servers that are silent, some threads are not for them.
class Names {
 public:
  using Addresses = std::vector<Address>;
  using LookUp = std::function<Addresses(const std::string& host)>;  // takes its time; may be empty
  using Told = std::function<void(const std::string& host)>;         // quick, does not throw
  using Now = std::function<std::chrono::steady_clock::time_point()>;

  // `told` is called on a thread of ours when a look-up has ended. The destructor waits for no
  // look-up: `lookUp` may run on, the others are not called after it. `threads`: at least 2.
  Names(LookUp lookUp, Told told, int threads = 256, Now = std::chrono::steady_clock::now);
  ~Names();
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  // Empty: the name has none. Nothing: not known yet, it is being looked up. [any thread]
  std::optional<Addresses> known(const std::string& host);

 private:
  struct State;
  const std::shared_ptr<State> state_;  // the threads have it too: they are not waited for
};

}  // namespace pombo
