// Accepted events on their way to the queues: enriched and routed, in order.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "event/taken.hpp"
#include "event/window.hpp"

namespace pombo {

// Where enriching takes its time, only events of the same chat wait for one another, and an
// instance has a few prepared at a time; else all of an instance's stay in order. Those that do not
// fit into memory stay in the store.
class Intake {
 public:
  explicit Intake(const PipelineLimits& limits) : limits_(limits), waiting_(limits.events, true) {}

  // Before anything else: somebody enriches.
  void letChatsPass() { chatsPass_ = true; }
  // Their rows are in the store since just now.
  void accepted(const AcceptedEvent&);
  // To be enriched and routed, by whoever asks.
  void prepare(std::vector<AcceptedEvent>& into);
  // It is known who wants it; the next of its chat may be prepared. The queues that were buried
  // since it was asked. Nothing: nobody asks any more.
  std::optional<std::set<QueueKey>> prepared(std::int64_t seq);
  // It comes to prepare() again.
  void notPrepared(std::int64_t seq);
  // That is in the store.
  void routed(std::int64_t seq) { taken_.release(seq); }
  void forget(const InstanceId&);
  void bury(const QueueKey&);
  // Events may have been accepted that nobody knows of.
  void reread() { waiting_.distrust(); }

  // How many of the first unrouted events are to be read; zero: none.
  std::size_t read();
  void readFailed() { taken_.endRead(); }
  void loaded(const std::vector<AcceptedEvent>&, std::size_t asked);

 private:
  struct Chat {
    std::set<std::int64_t> events;  // that wait in memory
    bool busy = false;              // one is being prepared, or in line for it
  };
  using Name = std::pair<InstanceId, std::string>;
  using Rows = Window<AcceptedEvent>;
  Name nameOf(const AcceptedEvent& event) const {
    return {event.instance, chatsPass_ ? event.chat : std::string()};
  }

  static Rows::Key keyOf(std::int64_t seq) { return {seq, 0}; }
  void arrived(const AcceptedEvent&);
  void next(const Name&);
  void finished(const Name&);

  const PipelineLimits& limits_;
  bool chatsPass_ = false;
  Rows waiting_;
  Taken taken_;
  std::map<Name, Chat> chats_;
  struct Preparing {
    int count = 0;
    std::deque<Name> held;  // chats that have to wait for others of their instance
  };
  std::map<InstanceId, Preparing> preparing_;
  std::deque<Name> ready_;
  struct InHand {
    AcceptedEvent event;
    std::set<QueueKey> buried;
  };
  std::unordered_map<std::int64_t, InHand> inHand_;  // being prepared
};

}  // namespace pombo
