#include "ledger.hpp"

#include <algorithm>

namespace pombo {
namespace {

constexpr Millis kDay = Millis{24} * 60 * 60 * 1000;
constexpr Millis kSlack = 1000;  // of a calm world: reads and writes take their time
const std::string kBurial = "webhook disabled";
constexpr Millis kRounding = 2;  // of clocks that are read at a restart

void require(bool holds, const std::string& rule) {
  if (!holds) throw Violation(rule);
}

// The same for an event that is published again.
std::string nameOf(const Event& event) {
  if (event.type != "message.exchange") return event.id;
  return event.instance.value + "/" + event.chat + "/" +
         std::string(event.data.at("id").as_string());
}

std::string nameOf(const PendingDelivery& row) {
  return "delivery " + std::to_string(row.id) + " attempt " + std::to_string(row.attempts);
}

}  // namespace

void Ledger::accepted(const std::vector<Event>& events) {
  for (const auto& event : events) accepted_[event.id] = event;
}

void Ledger::preparing(const AcceptedEvent& event) {
  require(busyLines_.insert(lineOf(event.instance, event.chat)).second, "two of a line at once");
  require(++preparing_[event.instance] <= rules_.limits.preparing, "too many are prepared at once");
}

void Ledger::preparedOrNot(const AcceptedEvent& event) {
  busyLines_.erase(lineOf(event.instance, event.chat));
  --preparing_[event.instance];
}

void Ledger::writing(const Write& write, Millis now) {
  for (const auto& routing : write.routings) {
    const auto event = store_.events.find(routing.event);
    if (event == store_.events.end() || event->second.routed != 0) continue;
    auto& last = lastRouted_[lineOf(event->second.event.instance, event->second.event.chat)];
    require(routing.event > last, "events of a line are routed out of order");
    last = routing.event;
  }
  for (const auto& settlement : write.settlements) settled(settlement, write, now);
}

void Ledger::checkRemoved(const Settlement& removed, const Write& write) const {
  if (removed.reason != kBurial) return checkOldest(removed);
  auto buried = store_.queues.at(removed.queue).buried;
  for (const auto& burial : write.burials)
    if (burial.queue == removed.queue) buried = std::max(buried, burial.place);
  require(removed.delivery.place <= buried, nameOf(removed.delivery) + " was not to be buried");
}

// What was being tried when it was chosen is no candidate.
void Ledger::checkOldest(const Settlement& chosen) const {
  for (const auto& [_, other] : store_.deliveries) {
    if (other.queue != chosen.queue || other.status != DeliveryStatus::pending) continue;
    const Id id{other.row.id, other.row.place};
    const auto recorded = recorded_.find(id);
    require(other.row.place >= chosen.delivery.place || unsettled_.contains(id) ||
                removed_.contains(id) || asked_.contains(id.first) ||
                (recorded != recorded_.end() && recorded->second >= chosen.at),
            "another one than the oldest has left a full queue: " + nameOf(chosen.delivery) +
                " before " + nameOf(other.row));
  }
}

void Ledger::settled(const Settlement& settlement, const Write& write, Millis now) {
  const PendingDelivery& row = settlement.delivery;
  const Id id{row.id, row.place};
  if (!settlement.attempted) {
    removed_.insert(id);
    return checkRemoved(settlement, write);
  }
  recorded_[id] = now;
  unsettled_.erase(id);
  const auto known = waits_.find(id);
  if (settlement.status != DeliveryStatus::pending || known == waits_.end()) return;
  Wait& wait = known->second;
  wait.planned = row.dueAt - settlement.at;
  const Millis asked = std::min(wait.asked, kDay);
  require(wait.planned >= asked - kRounding, "a wait is shorter than Retry-After");
  if (wait.planned == asked || wait.scheduled == 0) return;
  const double ratio = static_cast<double>(wait.planned) / static_cast<double>(wait.scheduled);
  require(ratio > 0.7999 && ratio < 1.2001, "a wait is not within 20 % of its schedule");
  least_ = std::min(least_, ratio);
  most_ = std::max(most_, ratio);
  ++waited_;
}

void Ledger::checkOrder(const Attempt& attempt, Queue& queue) {
  const PendingDelivery& row = attempt.delivery;
  if (!queue.startedOnce.insert({row.id, row.place}).second) return;
  if (asked_.contains(row.id)) return;
  require(row.place > queue.lastPlace, "first attempts out of order");
  queue.lastPlace = row.place;
}

void Ledger::checkCaps(const std::string& block, Queue& queue, const QueueRules& rules,
                       Millis now) {
  require(queue.firsts <= rules.inFlight, "too many first attempts in flight");
  require(queue.retries <= rules_.limits.retriesInFlight, "too many retries in flight");
  require(queue.failures < rules_.limits.breakerAfter || queue.firsts + queue.retries == 1,
          "an open breaker lets more than one through");
  checkPlaces(block, now);
}

// Of what may be in flight, each pace has a part of its own.
int Ledger::placesOf(Pace pace) const {
  constexpr int kParts[] = {4, 16, 8, 16, 8};  // quick, fresh, slow, failing, hanging
  return std::max(1, rules_.limits.inFlight / kParts[static_cast<std::size_t>(pace)]);
}

Ledger::Flying Ledger::flying(const std::string& block, Millis time) const {
  Flying flying;
  for (const auto& [_, each] : unsettled_)
    if (!each.answered && each.to.block == block)
      ++(isLate(each, time) ? flying.late : flying.inTime)[Flying::at(each.pace)];
  return flying;
}

Pace Ledger::paceOf(const QueueKey& key, Millis time) const {
  const auto found = queues_.find(key);
  static const Queue untouched;
  const Queue& queue = found == queues_.end() ? untouched : found->second;
  const bool late =
      queue.wasLate || std::any_of(unsettled_.begin(), unsettled_.end(), [&](const auto& each) {
        return !each.second.answered && each.second.to == key && isLate(each.second, time);
      });
  if (queue.failures > 0) return late ? Pace::hanging : Pace::failing;
  if (!queue.isTried) return late ? Pace::hanging : Pace::fresh;
  return late ? Pace::slow : Pace::quick;
}

void Ledger::checkPlaces(const std::string& block, Millis now) const {
  const Flying all = flying(block, now);
  int sum = 0;
  for (const Pace pace : kPaces) {
    const auto at = Flying::at(pace);
    sum += all.inTime[at] + all.late[at];
    require(all.inTime[at] <= placesOf(pace), "too many attempts in flight of one pace");
  }
  require(sum <= rules_.limits.inFlight, "too many attempts in flight");
}

// Those that are late are in spare places, as far as these go.
bool Ledger::hasRoom(const QueueKey& key, Millis time) const {
  const Pace pace = paceOf(key, time);
  const Flying all = flying(key.block, time);
  const auto late = [&](Pace each) { return all.late[Flying::at(each)]; };
  if (pace == Pace::slow || pace == Pace::hanging)
    return all.inTime[Flying::at(pace)] + late(pace) < placesOf(pace);
  int spare = rules_.limits.inFlight;
  for (const Pace each : kPaces) spare -= placesOf(each);
  const int stay = late(Pace::quick) + late(Pace::fresh) + late(Pace::failing) - spare;
  return all.inTime[Flying::at(pace)] + std::max(0, stay) < placesOf(pace);
}

void Ledger::checkWait(const Attempt& attempt, Millis now) {
  const auto wait = waits_.find({attempt.delivery.id, attempt.delivery.place});
  if (wait == waits_.end()) return;
  require(wait->second.planned > 0, "a retry before its failure was recorded");
  const Millis waited = now - wait->second.since;
  require(waited >= wait->second.planned - kRounding,
          nameOf(attempt.delivery) + " is early: " + std::to_string(waited) + " ms");
  require(!rules_.calm || waited <= wait->second.planned + kSlack,
          nameOf(attempt.delivery) + " is late: " + std::to_string(waited) + " ms");
  waits_.erase(wait);
}

void Ledger::started(const Attempt& attempt, Millis now) {
  const PendingDelivery& row = attempt.delivery;
  const Id id{row.id, row.place};
  const QueueRules& rules = rules_.blocks.at(attempt.to.block);
  require(row.attempts <= static_cast<int>(rules.waits.size()) + 1, "an attempt too many");
  const auto stored = store_.deliveries.find(row.id);
  require(stored != store_.deliveries.end() && stored->second.row.place == row.place &&
              stored->second.status == DeliveryStatus::pending &&
              stored->second.row.attempts + 1 == row.attempts,
          nameOf(row) + " is not what the store says is next");
  require(store_.queues.at(stored->second.queue).key == attempt.to, "to a foreign destination");
  require(row.place > store_.queues.at(stored->second.queue).buried && !doomed_.contains(id),
          nameOf(row) + " has been buried");
  const std::pair key{id, row.attempts};
  require(made_[key]++ <= allowed_[key], nameOf(row) + " is made twice without a crash");
  Queue& queue = queues_[attempt.to];
  const bool first = row.attempts == 1;
  if (first) checkOrder(attempt, queue);
  checkWait(attempt, now);
  ++(first ? queue.firsts : queue.retries);
  const Flight flight{row.attempts, first, false, attempt.to, now, paceOf(attempt.to, now)};
  require(unsettled_.emplace(id, flight).second, nameOf(row) + " while another is not settled");
  checkCaps(attempt.to.block, queue, rules, now);
}

void Ledger::received(const Attempt& attempt, const std::vector<Destination>& wanted) {
  const auto& event = store_.events.at(attempt.delivery.event).event;
  const bool foreign =
      event.instance != attempt.to.instance ||
      std::none_of(wanted.begin(), wanted.end(), [&](const auto& each) {
        return each.block == attempt.to.block && each.name == attempt.to.destination;
      });
  require(!foreign, "an event reached a foreign destination");
  received_.insert({event.id, attempt.to});
}

void Ledger::answered(const Attempt& attempt, const AttemptResult& answer,
                      std::optional<Millis> askedWait, Millis now) {
  const PendingDelivery& row = attempt.delivery;
  Queue& queue = queues_[attempt.to];
  Flight& flight = unsettled_.at({row.id, row.place});
  flight.answered = true;
  --(flight.first ? queue.firsts : queue.retries);
  queue.wasLate = isLate(flight, now);
  queue.isTried = true;
  queue.failures = answer.outcome == Outcome::done ? 0 : queue.failures + 1;
  const auto& waits = rules_.blocks.at(attempt.to.block).waits;
  const auto done = static_cast<std::size_t>(row.attempts);
  if (answer.outcome == Outcome::retry && done <= waits.size())
    waits_[{row.id, row.place}] = {now, waits[done - 1], askedWait.value_or(0), 0};
}

void Ledger::redelivering(const std::vector<NewDelivery>& deliveries) {
  for (const auto& each : deliveries) asked_.insert(each.delivery.id);
}

void Ledger::burying(const QueueKey& key) {
  for (const auto& [id, each] : store_.deliveries)
    if (store_.queues.at(each.queue).key == key && each.status == DeliveryStatus::pending &&
        !unsettled_.contains({id, each.row.place}) && !removed_.contains({id, each.row.place}))
      doomed_.insert({id, each.row.place});
  for (const auto& [_, row] : store_.events)
    if (row.routed == 0 && row.event.instance == key.instance)
      unwanted_.insert({nameOf(row.event), key});
}

void Ledger::crashed() {
  std::erase_if(doomed_, [&](const Id& id) {  // nobody had recorded it
    return id.second > store_.queues.at(store_.deliveries.at(id.first).queue).buried;
  });
  for (const auto& [id, flight] : unsettled_) {
    ++allowed_[{id, flight.attempt}];
    waits_.erase(id);
  }
  unsettled_.clear();
  busyLines_.clear();
  preparing_.clear();
  for (auto& [key, queue] : queues_) {
    queue.firsts = queue.retries = queue.failures = 0;
    queue.isTried = queue.wasLate = false;
  }
  for (const auto& [_, queue] : store_.queues) queues_[queue.key].failures = queue.failures;
  // Those that a full queue had given up, and nobody had recorded it, come late.
  for (const auto& [id, each] : store_.deliveries) {
    Queue& queue = queues_[store_.queues.at(each.queue).key];
    if (rules_.limits.queueDeliveries < 1000 || rules_.limits.queueBytes < 10'000)
      if (each.row.place < queue.lastPlace) queue.startedOnce.insert({id, each.row.place});
  }
}

bool Ledger::isTurnOf(const SimulatedStore::Delivery& each, Millis now) const {
  const auto& key = store_.queues.at(each.queue).key;
  const auto found = queues_.find(key);
  static const Queue untouched;
  const Queue& queue = found == queues_.end() ? untouched : found->second;
  if (queue.failures >= rules_.limits.breakerAfter && queue.firsts + queue.retries > 0)
    return false;
  return each.row.attempts == 0
             ? queue.firsts < rules_.blocks.at(key.block).inFlight
             : queue.retries < rules_.limits.retriesInFlight && each.row.dueAt <= now;
}

void Ledger::atRest(Millis now, Millis time) const {
  checkLimits();
  std::map<std::int64_t, bool> rooms;  // by queue
  const auto mayStart = [&](const SimulatedStore::Delivery& each) {
    if (!isTurnOf(each, now)) return false;
    const auto [room, isNew] = rooms.try_emplace(each.queue);
    if (isNew) room->second = hasRoom(store_.queues.at(each.queue).key, time);
    return room->second;
  };
  for (const auto& [id, each] : store_.deliveries)
    if (each.status == DeliveryStatus::pending && !unsettled_.contains({id, each.row.place})) {
      require(!doomed_.contains({id, each.row.place}), nameOf(each.row) + " waits, and was buried");
      require(!mayStart(each), nameOf(each.row) + " might be started, and nobody does");
    }
}

void Ledger::checkLimits() const {
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> pending;
  for (const auto& [_, each] : store_.deliveries)
    if (each.status == DeliveryStatus::pending) {
      ++pending[each.queue].first;
      pending[each.queue].second += each.row.bytes;
    }
  for (const auto& [queue, size] : pending)
    require(
        (size.first <= rules_.limits.queueDeliveries && size.second <= rules_.limits.queueBytes) ||
            std::any_of(unsettled_.begin(), unsettled_.end(),
                        [&, id = queue](const auto& each) {
                          return store_.deliveries.at(each.first.first).queue == id;
                        }),
        "a queue is beyond its limit");
}

void Ledger::atTheEnd(const std::map<std::string, std::vector<Destination>>& wanted) const {
  std::map<std::pair<std::string, QueueKey>, int> found;
  std::set<std::string> routed, messages;
  for (const auto& [seq, row] : store_.events) {
    require(row.routed != 0, "an accepted event was never routed");
    routed.insert(row.event.id);
    if (row.event.type == "message.exchange")
      require(messages.insert(nameOf(row.event)).second, "a message was accepted twice");
  }
  for (const auto& [_, each] : store_.deliveries) {
    const auto& event = store_.events.at(each.row.event).event;
    const auto& to = store_.queues.at(each.queue).key;
    require(each.status != DeliveryStatus::pending, nameOf(each.row) + " was forgotten");
    require(each.status != DeliveryStatus::delivered || received_.contains({event.id, to}),
            "delivered, and nobody has received it");
    // It may have been leaving a full queue already.
    require(!doomed_.contains({each.row.id, each.row.place}) || each.reason == kBurial ||
                each.reason == "queue full",
            nameOf(each.row) + " was buried and is not");
    require(each.reason != "attempts exhausted" ||
                each.row.attempts == static_cast<int>(rules_.blocks.at(to.block).waits.size()) + 1,
            "given up too early");
    require(++found[{event.id, to}] == 1, "an event was routed twice to one destination");
  }
  for (const auto& [id, event] : accepted_) {
    if (std::all_of(wanted.at(id).begin(), wanted.at(id).end(), [&, &each = event](const auto& to) {
          return unwanted_.contains({nameOf(each), {each.instance, to.block, to.name}});
        }))
      continue;
    if (event.type == "message.exchange") {
      require(messages.contains(nameOf(event)), "an accepted message was lost");
      continue;
    }
    require(routed.contains(id), "an accepted event was lost");
  }
  for (const auto& [seq, row] : store_.events)
    for (const auto& to : wanted.at(row.event.id))
      require(found.contains({row.event.id, {row.event.instance, to.block, to.name}}) ||
                  unwanted_.contains({nameOf(row.event), {row.event.instance, to.block, to.name}}),
              "a destination was forgotten");
  require(waited_ < 100 || (least_ < 0.9 && most_ > 1.1), "waits have no jitter");
}

}  // namespace pombo
