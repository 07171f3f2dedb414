#include "instance/linker.hpp"

#include <algorithm>
#include <memory>

#include "instance/qr_code.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kLogoutTime{30};
constexpr std::size_t kToldAtOnce = 1000;  // events of one commit

Error unsupportedBy(const Instance& instance) {
  return Error(Code::unsupported, "Not supported by the " + instance.connector + " connector");
}

Error connectFailure(const Instance& instance, const Error& error) {
  switch (error.code) {
    case Code::invalid:
    case Code::rateLimited:
      return Error(error.code, error.what(), error.retryAfter);
    case Code::unsupported:
      return unsupportedBy(instance);
    case Code::conflict:
      return Error(Code::conflict, "Superseded by a newer connect call");
    case Code::timedOut:
      return Error(Code::timedOut, "Timed out waiting for a code from WhatsApp");
    default:
      return Error(Code::refused, std::string("Failed to connect instance: ") + error.what());
  }
}

Error reconnectFailure(const Instance& instance, const Error& error) {
  if (error.code == Code::invalid)
    return Error(Code::invalid, "Instance has no saved session — call /connect first");
  if (error.code == Code::unsupported) return unsupportedBy(instance);
  return Error(Code::internal, std::string("Failed to reconnect: ") + error.what());
}

// Nobody is linking it any more: it cannot go back to that.
std::string restingState(const std::string& status) {
  return status == kConnecting || status == kConnected ? kDisconnected : status;
}

}  // namespace

Link Linker::connect(const Instance& instance, const LinkRequest& request) {
  requireConnector(instance);
  return attempt(instance, {}, [&] {
    try {
      const Link link = registry_.connect(instance, request);
      if (link.kind == Link::Kind::qr && !fitsQr(link.code)) refuseCode(instance);
      return link;
    } catch (const Error& error) {
      throw connectFailure(instance, error);
    }
  });
}

// Nobody could ever scan it: the connector need not wait for that.
void Linker::refuseCode(const Instance& instance) {
  try {
    registry_.disconnect(instance);
  } catch (const Error& error) {
    log_.write(Level::warn, "Instance was not disconnected",
               {{"connector", instance.connector},
                {"instance", instance.id.value},
                {"reason", error.what()}});
  }
  throw Error(Code::refused, "its code has no picture");
}

void Linker::reconnect(const Instance& instance) {
  reopen(instance, {.evenConnected = true, .mayLackSession = true});
}

void Linker::resume(const Instance& instance, TimePoint since) {
  reopen(instance, {.mayLackSession = true, .since = since});
}

void Linker::reopen(const Instance& instance, const Ways& ways) {
  requireConnector(instance);
  attempt(instance, ways, [&] {
    try {
      registry_.reconnect(instance);
      return Link();
    } catch (const Error& error) {
      throw reconnectFailure(instance, error);
    }
  });
}

void Linker::logout(const Instance& instance) {
  requireConnector(instance);
  try {
    registry_.logout(instance, kLogoutTime);
    if (instance.status == kLoggedOut) return;  // has been told
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

std::vector<std::string> Linker::reset() {
  std::vector<std::string> present;
  database_.commit([&](Session& session) {
    present.clear();
    for (const auto& connector : InstanceStore::connectorsInUse(session)) {
      const bool there = registry_.connectorNamed(connector) != nullptr;
      if (there) present.push_back(connector);
      for (const auto* state : {kConnected, kConnecting})
        InstanceStore::relink(session, connector, state, there ? kConnecting : kDisconnected);
    }
  });
  return present;
}

TimePoint Linker::reset(const std::string& connector) {
  const TimePoint now = clock_.now();
  database_.commit([&](Session& session) {
    InstanceStore::relink(session, connector, kConnected, kConnecting);
  });
  return now;
}

void Linker::close(const InstanceStore& instances,
                   std::chrono::steady_clock::time_point until) try {
  const auto all = instances.linked();
  for (std::size_t i = 0; i < all.size();) {
    if (std::chrono::steady_clock::now() >= until)
      throw Error(Code::timedOut, std::to_string(all.size() - i) + " are left, and no time");
    std::vector<Event> events;
    for (; i < all.size() && events.size() < kToldAtOnce; ++i)
      events.push_back({.type = "instance.state",
                        .instance = all[i],
                        .data = {{"state", "disconnected"}, {"reason", "shutdown"}}});
    tellOfStop(events);
  }
} catch (const std::exception& error) {
  log_.write(Level::warn, "The stop was not told to all who are linked",
             {{"reason", error.what()}});
}

// One that has been deleted meanwhile does not keep it from the others.
void Linker::tellOfStop(const std::vector<Event>& events) {
  try {
    publish_(events);
  } catch (const Error& refused) {
    if (refused.code != Code::invalid || events.size() == 1) throw;
    for (const auto& each : events) try {
        publish_({each});
      } catch (const Error& its) {
        if (its.code != Code::invalid) throw;
      }
  }
}

Link Linker::attempt(const Instance& instance, const Ways& ways,
                     const std::function<Link()>& call) {
  Attempt attempt{.instance = instance.id};
  const std::unique_ptr<const Attempt, std::function<void(const Attempt*)>> ended(
      &attempt, [this](const Attempt* each) { end(*each); });
  begin(attempt, ways);
  try {
    const Link link = call();
    succeeded(attempt);
    return link;
  } catch (const Error& error) {
    const bool untouched = error.code == Code::invalid || error.code == Code::unsupported;
    giveUp(attempt, ways.mayLackSession && untouched);
    throw;
  } catch (...) {
    giveUp(attempt, false);
    throw;
  }
}

void Linker::begin(Attempt& attempt, const Ways& ways) {
  database_.commit([&](Session& session) {
    const auto row = InstanceStore::lockedLink(session, attempt.instance);
    if (!row) throw Error(Code::notFound, "Instance not found");
    if (row->status == kConnected && !ways.evenConnected)
      throw Error(Code::conflict, "Instance is already connected");
    const bool isStale = ways.since && row->status == kConnecting && row->updatedAt <= *ways.since;
    {
      const std::lock_guard lock(mutex_);
      auto& all = underWay_[attempt.instance];
      std::erase(all, &attempt);  // a transaction may be run again
      if (ways.since && !all.empty()) throw Error(Code::conflict, "Instance is being connected");
      all.push_back(&attempt);
      attempt.before = isStale ? kDisconnected : row->status;
    }
    InstanceStore::link(session, attempt.instance, kConnecting, "", clock_.now());
  });
}

// What older ones come to is of no interest any more.
void Linker::succeeded(const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  for (auto* const each : underWay_.at(attempt.instance)) {
    if (each == &attempt) return;
    each->isOver = true;
  }
}

void Linker::end(const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  const auto all = underWay_.find(attempt.instance);
  if (all == underWay_.end()) return;
  std::erase(all->second, &attempt);
  if (all->second.empty()) underWay_.erase(all);
}

// An event may have said more of it, or a newer attempt may be under way: both stay.
void Linker::giveUp(const Attempt& attempt, bool untouched) try {
  database_.commit([&](Session& session) {
    const auto row = InstanceStore::lockedLink(session, attempt.instance);
    const auto after = stateAfter(attempt, untouched);  // whoever is newer has waited for the row
    if (after && row && row->status == kConnecting && after != kConnecting)
      InstanceStore::link(session, attempt.instance, *after, "", clock_.now());
  });
} catch (const StorageError& error) {
  log_.write(Level::warn, "Instance stays connecting",
             {{"instance", attempt.instance.value}, {"reason", error.what()}});
}

// Nothing: others decide. A newer attempt that has found it connecting by this one learns what it
// was before both.
std::optional<std::string> Linker::stateAfter(const Attempt& attempt, bool untouched) {
  const std::lock_guard lock(mutex_);
  if (attempt.isOver) return {};
  const bool stays = untouched && attempt.before == kConnecting;
  const std::string after = stays ? attempt.before : restingState(attempt.before);
  const auto& all = underWay_.at(attempt.instance);
  const auto newer = std::next(std::find(all.begin(), all.end(), &attempt));
  if (newer == all.end()) return after;
  if ((*newer)->before == kConnecting) (*newer)->before = after;
  return {};
}

void Linker::requireConnector(const Instance& instance) const {
  if (!registry_.connectorNamed(instance.connector))
    throw Error(Code::unavailable, "No connector is available");
}

}  // namespace pombo
