#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

// Messages that could not be kept yet and will be tried again: what changes one of them has to wait
// for it, while what changes a message that was never there is passed over. Nothing outlives the
// process. Thread-safe.
class LateMessages {
 public:
  using Time = std::chrono::system_clock::time_point;
  // Instance, id, a name of its chat.
  using Key = std::tuple<std::string, std::string, std::string>;

  void add(const Key&, Time now);
  void remove(const Key&);
  bool contains(const Key&, Time now);

 private:
  void dropOld(Time now);

  std::mutex mutex_;           // guards the next
  std::map<Key, Time> since_;  // when it was tried last
};
