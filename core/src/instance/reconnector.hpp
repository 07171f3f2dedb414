// Links a connector's instances again when it has been started: the block remembers nothing.
#pragma once

#include <condition_variable>
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
  // Every instance of this connector that may have a session. Returns at once; does nothing before
  // start() and after stop().
  void reconnect(const std::string& connector);
  void stop();  // leaves the rest

 private:
  void work();
  bool pause(std::unique_lock<std::mutex>&);
  void link(const Instance&);

  const InstanceStore& instances_;
  Linker& linker_;
  ILogger& log_;
  const std::chrono::milliseconds pace_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::set<std::string> wanted_;
  bool stopping_ = true;
  std::thread thread_;
};

}  // namespace pombo
