// What is to be closed: codes that nobody has scanned, and what nobody waits for any more.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "instance/link_timer.hpp"

namespace pombo {

// Thread-safe. Of one instance nothing is ended while it is being linked, nor the other way round.
class LinkEnds {
 public:
  using Clock = LinkTimer::Clock;

  // `timer` is set for each code. `close` runs on a thread of its own, and does not throw.
  LinkEnds(LinkTimer& timer, std::function<void(const Instance&)> close);

  void start() { closer_.start(); }
  void stop() { closer_.stop(); }  // leaves the rest

  // A call that links it: what was to be closed before is not any more, and what is being closed
  // has been, or has had its time.
  class Hold {
   public:
    Hold(LinkEnds& ends, const InstanceId& id) : ends_(ends), id_(id) { ends_.hold(id_); }
    ~Hold() { ends_.release(id_); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    LinkEnds& ends_;
    const InstanceId id_;
  };

  // A code in place of all before.
  void show(const Instance&, Clock::time_point until);
  // The same when there is none.
  void showLater(const Instance&, Clock::time_point until);
  bool isShown(const InstanceId&) const;
  void takenBack(const InstanceId&);  // by others
  // By a phone, at the last moment perhaps: nothing is to be closed any more.
  void scanned(const InstanceId&);
  // Nothing is to be closed any more, but its code.
  void keep(const InstanceId&);
  void forget(const InstanceId&);

  // Soon, unless it is not to be by then.
  void close(const Instance&, const std::function<bool()>& isPast);
  // If the time of its code is up, and nobody links it: `tell` says whether it is to be closed,
  // too.
  void endUnscanned(const InstanceId&, const std::function<bool()>& isLinking,
                    const std::function<bool(const Instance&)>& tell);
  // When a call has come to nothing: the time of an earlier code may be up meanwhile.
  void goOn(const InstanceId&);

 private:
  void hold(const InstanceId&);
  void release(const InstanceId&);
  void closeNow(const InstanceId&);
  bool isBusy(const InstanceId&) const;  // under mutex_, as the next
  void wake(const InstanceId&);

  LinkTimer& timer_;
  const std::function<void(const Instance&)> close_;

  struct Shown {
    Instance instance;
    Clock::time_point until;
  };
  mutable std::mutex mutex_;  // guards all below but the closer
  std::condition_variable ended_;
  std::map<InstanceId, Shown> shown_;       // a code that nobody has scanned yet
  std::map<InstanceId, Instance> closing_;  // nobody waits for it any more
  std::map<InstanceId, int> held_;          // calls that link it
  std::map<InstanceId, bool> ending_;       // by one of our threads; whether it was scanned since
  LinkTimer closer_;                        // last: its thread uses all the above
};

}  // namespace pombo
