// What can be asked of an instance's link. How it goes on is told by events.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "block/registry.hpp"
#include "instance/link_attempts.hpp"
#include "instance/link_ends.hpp"
#include "instance/link_process.hpp"
#include "instance/link_timer.hpp"

namespace pombo {

struct LinkTimes {
  std::chrono::milliseconds code{60'000};   // that a call waits for one
  std::chrono::milliseconds scan{180'000};  // that an instance is connecting by a code
};

// Thread-safe. Throws Error with the wire's sentences; anything else is a failure of storage.
class Linker {
 public:
  using Publish = std::function<void(const std::vector<Event>&)>;
  // What a connector has to know of an instance before it links it.
  using Prepare = std::function<void(const Instance&)>;

  Linker(Database&, const InstanceStore&, const Registry&, IClock&, ILogger&, const LinkTimes&,
         Publish, Prepare);
  ~Linker() { stop(); }

  // Nothing limits the time of what is said `later` before this.
  void start();
  // Whoever waits for a code is told that the server stops; nobody is called after that.
  void drain();

  // A code, or a link; nothing: `tell` is called with one, or with why there is none, later.
  std::optional<Link> connect(const Instance&, const LinkRequest&, LinkAttempt::Tell tell);
  // Of the stored session.
  void reconnect(const Instance&);
  // The same after reset(); one that somebody has linked since then is left as it is: Error{
  // conflict}. Throws Error{notFound} for one that is gone. What fails in passing stays connecting,
  // to be resumed later, unless this `isLast`; of what has ended receivers are told.
  void resume(const InstanceId&, bool isLast = false);
  static bool isPassing(const Error&);
  // When it returns there is no session any more. One that has none needs no connector for that.
  void logout(const Instance&);

  // At the start, before anybody asks: nothing is linked. Those that may be linked again.
  std::vector<InstanceId> reset();
  // The same for the instances of one process of a connector, which has ended; before there is
  // another.
  std::vector<InstanceId> reset(const LinkProcess&);
  // There will be no other: each that was linked, or about to be, is told to be `disconnected`.
  // Returns all that are to be linked no more. May be repeated after a StorageError, or an Error{
  // unavailable}.
  std::vector<InstanceId> lose(const LinkProcess&);
  // The server stops: each that is linked, or about to be, is told to be `disconnected`, as long as
  // there is time; a thousand in a commit. One that has no number stays as it is: by nothing else
  // would the next start know that it was linked.
  void close(std::chrono::steady_clock::time_point until);

  // It is gone.
  void forget(const InstanceId&);
  // These have been accepted.
  void heard(const std::vector<Event>&);
  // Now and then: bans that are over, and what failed while the database was away.
  void sweep();

 private:
  using Clock = LinkTimer::Clock;

  void tellLost(const LinkAttemptPointer&);
  void breakPromises(const LinkProcess&);
  Link attempt(const LinkAttemptPointer&, const LinkTerms&, const std::function<Link()>& call);
  Link call(const LinkAttemptPointer&, const LinkRequest&);
  std::optional<Link> wait(const LinkAttemptPointer&, Clock::time_point until, LinkAttempt::Tell);
  Link settled(const LinkAttemptPointer&, const LinkOutcome&);
  void tell(const LinkAttempts::Told&, const LinkOutcome&);
  void fail(const LinkAttempts::Told&, const Error&);
  void begun(const Instance&, const Link&);
  void giveUp(const LinkAttemptPointer&, LinkLeft left = LinkLeft::nothing);
  void codeComes(const InstanceId&);
  void timeUp(const InstanceId&);
  bool tellUnscanned(const Instance&);
  void disconnect(const Instance&) const;
  void disconnectLater(const LinkAttemptPointer&);
  void stop();
  void tellDisconnected(const std::vector<InstanceId>&, const char* reason,
                        Clock::time_point until);
  void tellThoseThere(const std::vector<Event>&);
  void requireConnector(const Instance&) const;

  Database& database_;
  const InstanceStore& instances_;
  const Registry& registry_;
  IClock& clock_;
  ILogger& log_;
  const LinkTimes times_;
  const Publish publish_;
  const Prepare prepare_;
  LinkAttempts attempts_;
  // Last, as their threads use all the above.
  LinkTimer timer_{[this](const InstanceId& id) { timeUp(id); }};
  LinkEnds ends_{timer_, [this](const Instance& instance) { disconnect(instance); }};
};

}  // namespace pombo
