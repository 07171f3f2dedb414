// Who is being linked right now, and what each was before: in memory, and in the status of its row.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "instance/instance_store.hpp"
#include "instance/link_state.hpp"

namespace pombo {

// One call that links an instance, from its begin to its end. Its members are guarded by the
// attempts it is one of.
struct LinkAttempt {
  // With a link, or with why there is none. Called once.
  using Tell = std::function<void(const Link*, const Error*)>;

  const Instance instance;
  const bool listens = false;  // to what events tell of a code
  std::string before = {};
  bool wasStale = false;
  bool isOver = false;  // a newer one has succeeded
  bool isSuperseded = false;
  bool isGone = false;     // its instance is
  bool isSettled = false;  // an event has spoken since its begin
  std::optional<LinkOutcome> heard = {};
  Tell tell = {};                                    // of one that waits, and holds no thread
  std::chrono::steady_clock::time_point until = {};  // of its wait
};
using LinkAttemptPointer = std::shared_ptr<LinkAttempt>;

struct LinkTerms {
  bool evenConnected = false;
  bool alone = false;           // not beside another
  bool mayLackSession = false;  // then nothing has changed
  bool listens = false;
};

// What an attempt that came to nothing has left of the link that was there before.
enum class LinkLeft {
  nothing,  // as far as anybody knows
  code,     // there was no session: one that was connecting goes on with that
  all,      // nobody has tried
};

// Thread-safe.
class LinkAttempts {
 public:
  LinkAttempts(Database& database, IClock& clock, ILogger& log)
      : database_(database), clock_(clock), log_(log) {}

  // The instance is connecting. Throws Error{notFound, conflict}.
  LinkAttemptPointer begin(const Instance&, const LinkTerms&);
  // What older ones come to is of no interest any more.
  void succeeded(const LinkAttemptPointer&);
  // The instance is what it was, as far as that is `left`, unless an event or a newer attempt has
  // spoken meanwhile.
  void giveUp(const LinkAttemptPointer&, LinkLeft left = LinkLeft::nothing);
  // It is begun again later: until then it stays connecting, by nobody.
  void postpone(const LinkAttemptPointer&);
  // Whether receivers believe in a link, or a code, that is no more, and nobody else will tell
  // them.
  bool isLost(const LinkAttemptPointer&) const;
  // By the connector that is told to do so: it is disconnected once the database takes that.
  void settleLater(const InstanceId&);

  // What it has heard already; otherwise `tell` is called with what comes. Nothing is told twice.
  // Throws Error when a newer one has begun, the instance is gone, or the server stops.
  std::optional<LinkOutcome> park(const LinkAttemptPointer&,
                                  std::chrono::steady_clock::time_point until,
                                  LinkAttempt::Tell tell);
  void close();  // nobody waits any more: the server stops
  // Those that wait and are to be told now: they wait no longer.
  struct Told {
    LinkAttemptPointer attempt;
    LinkAttempt::Tell tell;
  };
  std::vector<Told> take(const std::function<bool(const LinkAttempt&)>& which);
  // The instance is gone: those that wait for it. The others learn of it when they begin to.
  std::vector<Told> gone(const InstanceId&);
  // Those older than this, which wait: nobody does any more for what they were promised.
  std::vector<Told> supersede(const LinkAttemptPointer&);
  // An event has come; the newest one that listens is told of it.
  std::optional<Told> hear(const InstanceId&, const LinkOutcome&);
  // An event has said what it is: nothing else is to be settled.
  void settled(const InstanceId&);
  bool isUnderWay(const InstanceId&) const;
  bool isSuperseded(const LinkAttemptPointer&) const;
  // A newer one has begun to wait, or has succeeded.
  bool isPast(const LinkAttemptPointer&) const;
  // The one that waits, if one does.
  std::optional<std::chrono::steady_clock::time_point> waitsUntil(const InstanceId&) const;

  // Inside a transaction: what these were linked by is no more. Nor is, to those that are being
  // linked right now, what was before.
  void abandon(const std::vector<InstanceId>&);
  // What could not be given up while the database was away.
  void sweep();

 private:
  bool settle(const InstanceId&, const std::function<std::optional<std::string>()>& after);
  std::optional<std::string> stateAfter(const LinkAttemptPointer&, LinkLeft);
  void end(const LinkAttemptPointer&);
  // Under mutex_: nothing else has spoken meanwhile.
  bool decides(const LinkAttemptPointer&) const;

  Database& database_;
  IClock& clock_;
  ILogger& log_;

  mutable std::mutex mutex_;  // guards all below, and the members of attempts
  // In the order of their begin.
  std::map<InstanceId, std::vector<LinkAttemptPointer>> underWay_;
  // Connecting or connected, and that by what is no more.
  std::set<InstanceId> stale_;
  std::map<InstanceId, std::string> unsettled_;  // what each is to be
  bool closed_ = false;
};

}  // namespace pombo
