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
  std::chrono::milliseconds pause{50};   // between two
  std::size_t underWay = 20;             // whose outcome is not known yet
  std::chrono::seconds patience{60};     // with one of them
  std::chrono::milliseconds away{1000};  // until the database is asked again
};

// Thread-safe.
class Reconnector {
 public:
  Reconnector(Linker&, ILogger&, const ReconnectPace& = {});
  ~Reconnector() { stop(); }

  // With those that Linker::reset() has found.
  void start(const std::vector<InstanceId>&);
  // Every instance of this connector that may have a session, but those that others have linked by
  // then. Returns at once; does nothing before start() and after stop().
  void reconnect(const std::string& connector);
  // These have been accepted: what came of those under way.
  void heard(const std::vector<Event>&);
  void stop();  // leaves the rest

 private:
  using Clock = std::chrono::steady_clock;

  void work();
  void enlist(const std::string& connector);
  bool link(const InstanceId&);  // false: the database is away, and it waits again
  // Under mutex_, as the next.
  bool mayGoOn() const;
  Clock::time_point patienceEnds() const;  // with the first of those under way

  Linker& linker_;
  ILogger& log_;
  const ReconnectPace pace_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<InstanceId> line_;
  std::map<InstanceId, Clock::time_point> underWay_;  // and until when their outcome is waited for
  std::set<std::string> wanted_;
  bool stopping_ = true;
  std::thread thread_;
};

}  // namespace pombo
