// Who listens to which instance, and what is said to them.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

// Thread-safe. Listeners are called without a lock.
class Hub {
 public:
  using Text = std::shared_ptr<const std::string>;
  struct Listener {
    std::set<std::string> events;  // that it wants; empty: all
    std::function<void(const Text&)> send;
  };
  using Key = std::size_t;

  // False when `most` listen to this instance already.
  bool add(const std::string& instance, std::size_t most, Listener, Key&);
  void remove(const std::string& instance, Key);
  bool has(const std::string& instance) const;
  // To everyone who wants the event. The text is written when there is someone, once.
  void send(const std::string& instance, const std::string& event,
            const std::function<Text()>& write) const;

 private:
  using Listeners = std::map<Key, std::shared_ptr<const Listener>>;

  mutable std::mutex mutex_;  // guards all below
  Key last_ = 0;
  std::map<std::string, Listeners> listeners_;  // by instance
};
