// Links a connector's instances again when it has been started: the block remembers nothing.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "instance/instance_store.hpp"
#include "instance/linker.hpp"

namespace pombo {

class Reconnector {
 public:
  // One instance per `pace`: thousands at once would look like an attack, and be one on ourselves.
  Reconnector(const InstanceStore&, Linker&, ILogger&,
              std::chrono::milliseconds pace = std::chrono::milliseconds(50));
  ~Reconnector() { stop(); }

  void start();
  // Every instance of this connector that may have a session, but those that others have linked by
  // then. Returns at once; does nothing before start() and after stop().
  void reconnect(const std::string& connector);
  void stop();  // leaves the rest

 private:
  struct Wanted {
    Instance instance;
    TimePoint since;  // of its connector's reset
  };

  void work();
  void enlist(const std::string& connector);
  void link(const Wanted&);

  const InstanceStore& instances_;
  Linker& linker_;
  ILogger& log_;
  const std::chrono::milliseconds pace_;

  std::deque<Wanted> line_;  // of the thread

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::set<std::string> wanted_;
  bool stopping_ = true;
  std::thread thread_;
};

}  // namespace pombo
