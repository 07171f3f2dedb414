// One attempt of a delivery, from the event to what became of it.
#pragma once

#include "event/byte_budget.hpp"
#include "event/event_cache.hpp"
#include "event/lanes.hpp"
#include "event/subscriber.hpp"
#include "event/surroundings.hpp"
#include "event/timeline.hpp"
#include "net/transfers.hpp"

namespace pombo {

// Each is answered once, unless the transfers are stopped before.
class Attempts {
 public:
  using Answer = std::function<void(std::int64_t delivery, const AttemptResult&)>;  // [any thread]

  // Who wants an event that nobody could be asked about before.
  using Spread = std::function<void(const Attempt&, std::vector<std::string> destinations)>;

  // `bodyBytes`: of bodies that are in flight, or about to be.
  Attempts(Surroundings&, EventCache&, const Timeline&, Transfers&, std::uint64_t bodyBytes, Answer,
           Spread);

  void start(const Attempt&, Subscriber&);
  // Nobody waits for room any more. The threads are the subscribers'.
  void close() { bodies_.close(); }

 private:
  using Room = std::shared_ptr<ByteBudget::Share>;  // for a body
  struct Post;
  struct Made;

  void begin(const Attempt&, Subscriber&, Room);
  void fetch(const Attempt&, Subscriber&, const EventCache::Entry&);
  std::shared_ptr<Made> make(const Attempt&, const Subscriber&, const EventCache::Entry&,
                             bool fetches);
  void send(const Attempt&, Subscriber&, OutgoingRequest, Room);
  void ended(const std::shared_ptr<Post>&, Ended);
  void judge(const Post&, const Ended&);
  void deliver(const Attempt&, const Subscriber&);
  void route(const Attempt&, const Subscriber&);
  AttemptResult resultOf(const Verdict&, int httpStatus) const;

  Surroundings& around_;
  EventCache& cache_;
  const Timeline& timeline_;
  Transfers& transfers_;
  const Answer answer_;
  const Spread spread_;
  ByteBudget bodies_;
};

}  // namespace pombo
