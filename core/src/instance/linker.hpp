// What can be asked of an instance's link. How it goes on is told by events.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "block/registry.hpp"
#include "instance/instance_store.hpp"

namespace pombo {

// Thread-safe. Throws Error with the wire's sentences; anything else is a failure of storage.
class Linker {
 public:
  using Publish = std::function<void(const std::vector<Event>&)>;

  Linker(Database& database, const Registry& registry, IClock& clock, ILogger& log, Publish publish)
      : database_(database),
        registry_(registry),
        clock_(clock),
        log_(log),
        publish_(std::move(publish)) {}

  // Holds the caller until there is a code, or a link.
  Link connect(const Instance&, const LinkRequest&);
  // Of the stored session.
  void reconnect(const Instance&);
  // When it returns there is no session any more.
  void logout(const Instance&);

  // At the start, before anybody asks: nothing is linked. Which connectors there are that have
  // instances to link again.
  std::vector<std::string> reset();
  // This one has been started again.
  void reset(const std::string& connector);

 private:
  // The instance is connecting from its begin on. When nothing comes of it, it is what it was.
  struct Attempt {
    InstanceId instance;
    std::string before;
    std::uint64_t number = 0;
  };
  Link attempt(const Instance&, bool evenConnected, const std::function<Link()>& call);
  Attempt begin(const InstanceId&, bool evenConnected);
  bool isNewest(const Attempt&);
  void end(const Attempt&);
  void giveUp(const Attempt&);
  void requireConnector(const Instance&) const;

  Database& database_;
  const Registry& registry_;
  IClock& clock_;
  ILogger& log_;
  const Publish publish_;

  std::mutex mutex_;  // guards the two below
  std::uint64_t lastNumber_ = 0;
  std::map<InstanceId, std::uint64_t> newest_;  // attempts that have not ended
};

}  // namespace pombo
