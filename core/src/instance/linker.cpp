#include "instance/linker.hpp"

#include <algorithm>

#include "instance/link_failure.hpp"
#include "instance/qr_code.hpp"
#include "observe/request_scope.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kLogoutTime{30}, kDisconnectTime{10};
constexpr std::size_t kToldAtOnce = 1000;  // events of one commit

bool isUnfit(const Link& link) { return link.kind == Link::Kind::qr && !fitsQr(link.code); }

// Nobody could ever scan it: the connector need not wait for that.
Error noPicture() { return Error(Code::refused, "its code has no picture"); }

// Of a reconnect.
LinkLeft leftBy(const Error& error) {
  if (error.code == Code::unsupported) return LinkLeft::all;
  return error.code == Code::invalid ? LinkLeft::code : LinkLeft::nothing;
}

Event disconnectedBy(const InstanceId& id, const char* reason) {
  return {.type = "instance.state",
          .instance = id,
          .data = {{"state", "disconnected"}, {"reason", reason}}};
}

std::vector<InstanceId> its(const LinkProcess& process, std::vector<InstanceId> all) {
  std::erase_if(all, [&](const InstanceId& id) { return !process.has(id); });
  return all;
}

}  // namespace

Linker::Linker(Database& database, const InstanceStore& instances, const Registry& registry,
               IClock& clock, ILogger& log, const LinkTimes& times, Publish publish,
               Prepare prepare)
    : database_(database),
      instances_(instances),
      registry_(registry),
      clock_(clock),
      log_(log),
      times_(times),
      publish_(std::move(publish)),
      prepare_(std::move(prepare)),
      attempts_(database, clock, log) {}

void Linker::start() {
  timer_.start();
  ends_.start();
}

// A connector that is slow to close one holds up no answer.
void Linker::drain() {
  attempts_.close();
  for (const auto& each : attempts_.take([](const LinkAttempt&) { return true; }))
    fail(each, shuttingDown());
  stop();
}

// The threads of both use the other.
void Linker::stop() {
  timer_.stop();
  ends_.stop();
}

std::optional<Link> Linker::connect(const Instance& instance, const LinkRequest& request,
                                    LinkAttempt::Tell tell) {
  requireConnector(instance);
  prepare_(instance);
  const LinkEnds::Hold hold(ends_, instance.id);
  const LinkTerms terms{.listens = true};
  const auto attempt = attempts_.begin(instance, terms);
  for (const auto& older : attempts_.supersede(attempt)) fail(older, superseded());
  ends_.keep(instance.id);  // what an older one has left behind
  const auto until = Clock::now() + times_.code;
  const Link link = this->attempt(attempt, terms, [&] {
    try {
      return call(attempt, request);
    } catch (const Error& error) {
      if (error.code == Code::timedOut) disconnectLater(attempt);
      throw connectFailure(instance, error);
    }
  });
  if (link.kind != Link::Kind::later) return link;
  return wait(attempt, until, std::move(tell));
}

// An older call may come later than a newer one, to the connector and back from it.
Link Linker::call(const LinkAttemptPointer& attempt, const LinkRequest& request) {
  if (attempts_.isSuperseded(attempt)) throw superseded();
  const Link link = registry_.connect(attempt->instance, request, times_.code);
  if (attempts_.isSuperseded(attempt)) throw superseded();
  if (!isUnfit(link)) return link;
  disconnectLater(attempt);
  throw noPicture();
}

std::optional<Link> Linker::wait(const LinkAttemptPointer& attempt, Clock::time_point until,
                                 LinkAttempt::Tell tell) {
  std::optional<LinkOutcome> heard;
  try {
    heard = attempts_.park(attempt, until, std::move(tell));
  } catch (const Error&) {
    giveUp(attempt);
    throw;
  }
  if (heard) return settled(attempt, *heard);
  timer_.set(attempt->instance.id, until);
  return std::nullopt;
}

void Linker::disconnect(const Instance& instance) const {
  const RequestScope scope("", Clock::now() + kDisconnectTime);
  try {
    registry_.disconnect(instance);
  } catch (const Error& error) {
    log_.write(Level::warn, "Instance was not disconnected",
               {{"connector", instance.connector},
                {"instance", instance.id.value},
                {"reason", error.what()}});
  }
}

// Whoever tells us of it may be inside of the connector, or waits for an answer.
void Linker::disconnectLater(const LinkAttemptPointer& attempt) {
  ends_.close(attempt->instance, [&] { return attempts_.isPast(attempt); });
}

void Linker::reconnect(const Instance& instance) {
  requireConnector(instance);
  prepare_(instance);
  const LinkEnds::Hold hold(ends_, instance.id);
  const LinkTerms terms{.evenConnected = true, .mayLackSession = true};
  attempt(attempts_.begin(instance, terms), terms, [&] {
    try {
      registry_.reconnect(instance);
      return Link{Link::Kind::connected};
    } catch (const Error& error) {
      throw reconnectFailure(instance, error);
    }
  });
}

bool Linker::isPassing(const Error& error) {
  return error.code == Code::timedOut || error.code == Code::unavailable ||
         error.code == Code::internal;
}

void Linker::resume(const InstanceId& id, bool isLast) {
  const auto stored = instances_.find(id);
  if (!stored) throw instanceGone();
  requireConnector(stored->instance);
  prepare_(stored->instance);
  const LinkEnds::Hold hold(ends_, id);
  const auto attempt = attempts_.begin(stored->instance, {.alone = true});
  try {
    registry_.reconnect(stored->instance);
  } catch (const Error& error) {
    if (isLast || !isPassing(error)) {
      tellLost(attempt);
      giveUp(attempt, leftBy(error));
    } else {
      attempts_.postpone(attempt);
      ends_.goOn(id);
    }
    throw;
  }
  attempts_.succeeded(attempt);
  begun(stored->instance, {Link::Kind::connected});
}

void Linker::tellLost(const LinkAttemptPointer& attempt) {
  if (!attempts_.isLost(attempt)) return;
  try {
    publish_({disconnectedBy(attempt->instance.id, "closed")});
  } catch (const Error& error) {
    log_.write(Level::warn, "The end of a link was not told",
               {{"instance", attempt->instance.id.value}, {"reason", error.what()}});
  }
}

Link Linker::attempt(const LinkAttemptPointer& attempt, const LinkTerms& terms,
                     const std::function<Link()>& call) {
  try {
    const Link link = call();
    if (link.kind == Link::Kind::later) return link;  // it is not over
    attempts_.succeeded(attempt);
    begun(attempt->instance, link);
    return link;
  } catch (const Error& error) {
    giveUp(attempt, terms.mayLackSession ? leftBy(error) : LinkLeft::nothing);
    throw;
  } catch (...) {
    giveUp(attempt);
    throw;
  }
}

// From now on it waits to be scanned, or for nothing.
void Linker::begun(const Instance& instance, const Link& link) {
  ends_.forget(instance.id);
  if (link.kind != Link::Kind::connected) ends_.show(instance, Clock::now() + times_.scan);
}

void Linker::giveUp(const LinkAttemptPointer& attempt, LinkLeft left) {
  attempts_.giveUp(attempt, left);
  ends_.goOn(attempt->instance.id);
}

// Throws why there is no link.
Link Linker::settled(const LinkAttemptPointer& attempt, const LinkOutcome& outcome) {
  return this->attempt(attempt, {}, [&]() -> Link {
    if (!outcome.link) throw connectFailure(outcome.reason);
    if (!isUnfit(*outcome.link)) return *outcome.link;
    disconnectLater(attempt);
    throw connectFailure(attempt->instance, noPicture());
  });
}

void Linker::tell(const LinkAttempts::Told& told, const LinkOutcome& outcome) {
  try {
    const Link link = settled(told.attempt, outcome);
    told.tell(&link, nullptr);
  } catch (const Error& error) {
    told.tell(nullptr, &error);
  }
}

void Linker::fail(const LinkAttempts::Told& told, const Error& error) {
  giveUp(told.attempt);
  told.tell(nullptr, &error);
}

void Linker::forget(const InstanceId& id) {
  ends_.forget(id);
  timer_.drop(id);
  attempts_.settled(id);
  for (const auto& each : attempts_.gone(id)) fail(each, instanceGone());
}

void Linker::heard(const std::vector<Event>& events) {
  for (const auto& event : events) {
    if (event.type != "instance.state") continue;
    const auto status = statusAfter(event.data);
    if (!status) continue;
    attempts_.settled(event.instance);
    if (status == kConnected || event.data.at("state") == "pair_success")
      ends_.scanned(event.instance);
    else if (status != kConnecting)
      ends_.takenBack(event.instance);
    if (const auto outcome = outcomeOf(event.data))
      if (const auto told = attempts_.hear(event.instance, *outcome)) tell(*told, *outcome);
    if (event.data.at("state") == "qr_ready") codeComes(event.instance);
  }
}

// Nobody may wait for it any more, but not for ever may it be shown.
void Linker::codeComes(const InstanceId& id) try {
  if (ends_.isShown(id) || attempts_.isUnderWay(id)) return;
  if (const auto stored = instances_.find(id))
    ends_.showLater(stored->instance, Clock::now() + times_.scan);
} catch (const std::exception& error) {
  log_.write(Level::warn, "A code may be shown for too long",
             {{"instance", id.value}, {"reason", error.what()}});
}

// The time of one of them, or of something that is settled since.
void Linker::timeUp(const InstanceId& id) {
  const auto now = Clock::now();
  if (const auto until = attempts_.waitsUntil(id); until && *until > now) timer_.set(id, *until);
  const auto late = attempts_.take(
      [&](const LinkAttempt& each) { return each.instance.id == id && each.until <= now; });
  for (const auto& each : late) {
    disconnectLater(each.attempt);
    fail(each, noCodeInTime());
  }
  ends_.endUnscanned(
      id, [&] { return attempts_.isUnderWay(id); },
      [&](const Instance& instance) { return tellUnscanned(instance); });
}

// Whether it is to be disconnected.
bool Linker::tellUnscanned(const Instance& instance) {
  try {
    publish_({disconnectedBy(instance.id, "pairing_timeout")});
  } catch (const Error& error) {
    if (error.code == Code::conflict) return false;  // it is told already, or linked
    if (error.code == Code::unavailable) attempts_.settleLater(instance.id);
  }
  return true;
}

void Linker::logout(const Instance& instance) {
  const bool hasConnector = registry_.connectorNamed(instance.connector) != nullptr;
  if (InstanceStore::mayHaveSession(instance)) requireConnector(instance);
  try {
    if (hasConnector) registry_.logout(instance, kLogoutTime);
    const auto stored = instances_.find(instance.id);
    if (!stored || stored->instance.status == kLoggedOut) return;  // has been told
    publish_({{.type = "instance.state",
               .instance = instance.id,
               .data = {{"state", "logged_out"}, {"reason", "requested"}}}});
  } catch (const Error& error) {
    log_.write(Level::warn, "Instance was not logged out",
               {{"connector", instance.connector},
                {"instance", instance.id.value},
                {"reason", error.what()}});
    throw Error(Code::internal, "Failed to logout instance");
  }
}

std::vector<InstanceId> Linker::reset() {
  std::vector<InstanceId> again;
  database_.commit([&](Session& session) {
    again.clear();
    InstanceStore::endBans(session, clock_.now());
    for (const auto& connector : InstanceStore::connectorsInUse(session)) {
      const bool there = registry_.connectorNamed(connector) != nullptr;
      for (const auto* state : {kConnected, kConnecting}) {
        if (there) attempts_.abandon(InstanceStore::inStatus(session, connector, state));
        InstanceStore::relink(session, connector, state, there ? kConnecting : kDisconnected);
      }
      if (!there) continue;
      const auto its = InstanceStore::linkedBy(session, connector);
      again.insert(again.end(), its.begin(), its.end());
    }
  });
  return again;
}

void Linker::breakPromises(const LinkProcess& process) {
  const auto isIts = [&](const LinkAttempt& each) {
    return each.instance.connector == process.connector && process.has(each.instance.id);
  };
  for (const auto& each : attempts_.take(isIts))
    fail(each, connectFailure("The connector has ended"));
}

std::vector<InstanceId> Linker::reset(const LinkProcess& process) {
  breakPromises(process);
  std::vector<InstanceId> again;
  database_.commit([&](Session& session) {
    const auto& connector = process.connector;
    for (const auto* state : {kConnected, kConnecting})
      attempts_.abandon(its(process, InstanceStore::inStatus(session, connector, state)));
    if (process.links)
      InstanceStore::relink(session,
                            its(process, InstanceStore::inStatus(session, connector, kConnected)),
                            kConnected, kConnecting);
    else
      InstanceStore::relink(session, connector, kConnected, kConnecting);
    again = its(process, InstanceStore::linkedBy(session, connector));
  });
  return again;
}

std::vector<InstanceId> Linker::lose(const LinkProcess& process) {
  breakPromises(process);
  std::vector<InstanceId> all, linked;
  database_.read([&](Session& session) {
    const auto& connector = process.connector;
    all = its(process, InstanceStore::linkedBy(session, connector));
    linked = its(process, InstanceStore::inStatus(session, connector, kConnected));
    const auto half = its(process, InstanceStore::inStatus(session, connector, kConnecting));
    linked.insert(linked.end(), half.begin(), half.end());
  });
  tellDisconnected(linked, "closed", Clock::time_point::max());
  return all;
}

void Linker::close(std::chrono::steady_clock::time_point until) try {
  tellDisconnected(instances_.linked(), "shutdown", until);
} catch (const std::exception& error) {
  log_.write(Level::warn, "The stop was not told to all who are linked",
             {{"reason", error.what()}});
}

void Linker::tellDisconnected(const std::vector<InstanceId>& all, const char* reason,
                              Clock::time_point until) {
  for (std::size_t i = 0; i < all.size();) {
    if (Clock::now() >= until)
      throw Error(Code::timedOut, std::to_string(all.size() - i) + " are left, and no time");
    std::vector<Event> events;
    for (; i < all.size() && events.size() < kToldAtOnce; ++i)
      events.push_back(disconnectedBy(all[i], reason));
    tellThoseThere(events);
  }
}

// One that has been deleted meanwhile does not keep it from the others.
void Linker::tellThoseThere(const std::vector<Event>& events) {
  try {
    publish_(events);
  } catch (const Error& refused) {
    if (refused.code != Code::invalid) throw;
    if (events.size() == 1) return;
    for (const auto& each : events) tellThoseThere({each});
  }
}

void Linker::sweep() {
  attempts_.sweep();
  const TimePoint now = clock_.now();
  if (instances_.hasBansToEnd(now))
    database_.commit([&](Session& session) { InstanceStore::endBans(session, now); });
}

void Linker::requireConnector(const Instance& instance) const {
  if (!registry_.connectorNamed(instance.connector))
    throw Error(Code::unavailable, "No connector is available");
}

}  // namespace pombo
