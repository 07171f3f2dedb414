// Links a connector's instances again when it has been started: the block remembers nothing.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "instance/linker.hpp"

namespace pombo {

// How many at once, and how fast: thousands at once would look like an attack, and be one on
// ourselves.
struct ReconnectPace {
  std::chrono::milliseconds pause{50};                      // between two
  std::size_t underWay = 20;                                // whose outcome is not known yet
  std::chrono::seconds patience{60};                        // with one of them
  std::chrono::milliseconds away{1000};                     // until the database is asked again
  std::chrono::milliseconds again{1000}, longest{300'000};  // after a failure in passing; doubles
  int tries = 10;                                           // with one of them
};

// Thread-safe.
class Reconnector {
 public:
  Reconnector(Linker&, ILogger&, const ReconnectPace& = {});
  ~Reconnector() { stop(); }

  // With those that Linker::reset() has found.
  void start(const std::vector<InstanceId>&);
  // This process of a connector has ended, `forGood` when there will be no other. When it returns
  // no row says that something is linked by it: as long as the database is away it waits, but not
  // after stop(). Does nothing before start().
  void ended(const LinkProcess&, bool forGood);
  // There is another. Every instance that may have a session is linked again, but those that others
  // have linked by then. Returns at once.
  void revived(const LinkProcess&);
  // These have been accepted: what came of those under way.
  void heard(const std::vector<Event>&);
  void stop();  // leaves the rest

 private:
  using Clock = std::chrono::steady_clock;
  struct Turn {
    InstanceId id;
    int tries = 0;
  };

  void work();
  void waitForTurn(std::unique_lock<std::mutex>&);
  std::chrono::milliseconds link(Turn);  // returns the pause after it
  bool tryEnd(const LinkProcess&, bool forGood);
  std::chrono::milliseconds pauseAfter(int tries) const;
  // Under mutex_, as the next.
  bool mayGoOn() const;
  void takeOff(const std::set<InstanceId>&);

  Linker& linker_;
  ILogger& log_;
  const ReconnectPace pace_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Turn> line_;
  std::multimap<Clock::time_point, Turn> later_;      // those that have failed
  std::map<InstanceId, Clock::time_point> underWay_;  // and until when their outcome is waited for
  // By processes that are no more: of a connector, and their number.
  std::map<std::pair<std::string, int>, std::vector<InstanceId>> lost_;
  bool stopping_ = true;
  std::thread thread_;
};

}  // namespace pombo
