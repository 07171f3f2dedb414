// The addresses of a host name, for as long as somebody can wait for them.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "net/address.hpp"

namespace pombo {

// What the system's own resolver says of a name, when it has said it: so many tries of so many
// seconds for each name server. Nothing when there is no such name, or no answer. [any thread]
std::vector<Address> lookUp(const std::string& host, int tries, int seconds);

// Asks the system's own resolver, on a thread per look-up: behind a server that is silent nobody
// else has to queue. Copies share what is counted.
class Resolver {
 public:
  // `patience`: of whoever asks. `most`: look-ups under way at once, those that nobody waits for
  // any more among them.
  explicit Resolver(std::chrono::milliseconds patience = std::chrono::seconds(1), int most = 256)
      : patience_(patience), most_(most) {}

  // Nothing when there is no such name, no answer in time, or no room. [any thread]
  std::vector<Address> operator()(const std::string& host) const;

 private:
  std::chrono::milliseconds patience_;
  int most_;
  std::shared_ptr<std::atomic<int>> underWay_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace pombo
