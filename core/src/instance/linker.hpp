// What can be asked of an instance's link. How it goes on is told by events.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

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
  // The same after reset(), which was at `since`; one that somebody has linked since then is left
  // as it is. Throws Error{conflict} then.
  void resume(const Instance&, TimePoint since);
  // When it returns there is no session any more.
  void logout(const Instance&);

  // At the start, before anybody asks: nothing is linked. Which connectors there are that have
  // instances to link again.
  std::vector<std::string> reset();
  // This one has been started again. When that was.
  TimePoint reset(const std::string& connector);
  // The server stops: each that is linked, or about to be, is told to be `disconnected`, as long as
  // there is time; a thousand in a commit. One that has no number stays `connected`: by nothing
  // else would the next start know that it was.
  void close(const InstanceStore&, std::chrono::steady_clock::time_point until);

 private:
  // The instance is connecting from its begin on. When nothing comes of it, it is what it was.
  struct Attempt {
    InstanceId instance;
    std::string before = {};
    bool isOver = false;  // a newer one has succeeded
  };
  struct Ways {
    bool evenConnected = false;
    bool mayLackSession = false;          // then nothing has changed
    std::optional<TimePoint> since = {};  // who has been connecting for longer is alone
  };
  void reopen(const Instance&, const Ways&);
  [[noreturn]] void refuseCode(const Instance&);
  Link attempt(const Instance&, const Ways&, const std::function<Link()>& call);
  void begin(Attempt&, const Ways&);
  void succeeded(const Attempt&);
  void giveUp(const Attempt&, bool untouched);
  std::optional<std::string> stateAfter(const Attempt&, bool untouched);
  void end(const Attempt&);
  void tellOfStop(const std::vector<Event>&);
  void requireConnector(const Instance&) const;

  Database& database_;
  const Registry& registry_;
  IClock& clock_;
  ILogger& log_;
  const Publish publish_;

  std::mutex mutex_;  // guards underWay_ and what is in it
  // The attempts of each that have not ended, in the order of their begin.
  std::map<InstanceId, std::vector<Attempt*>> underWay_;
};

}  // namespace pombo
