#include "instance/linker.hpp"

#include <memory>

namespace pombo {
namespace {

constexpr std::chrono::seconds kLogoutTime{30};

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
  return attempt(instance, false, [&] {
    try {
      return registry_.connect(instance, request);
    } catch (const Error& error) {
      throw connectFailure(instance, error);
    }
  });
}

void Linker::reconnect(const Instance& instance) {
  requireConnector(instance);
  attempt(instance, true, [&] {
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

void Linker::reset(const std::string& connector) {
  database_.commit([&](Session& session) {
    InstanceStore::relink(session, connector, kConnected, kConnecting);
  });
}

Link Linker::attempt(const Instance& instance, bool evenConnected,
                     const std::function<Link()>& call) {
  const Attempt attempt = begin(instance.id, evenConnected);
  const std::unique_ptr<const Attempt, std::function<void(const Attempt*)>> ended(
      &attempt, [this](const Attempt* each) { end(*each); });
  try {
    return call();
  } catch (...) {
    giveUp(attempt);
    throw;
  }
}

Linker::Attempt Linker::begin(const InstanceId& id, bool evenConnected) {
  Attempt attempt{.instance = id, .before = kDisconnected};
  database_.commit([&](Session& session) {
    const auto status = InstanceStore::lockedStatus(session, id);
    if (!status) throw Error(Code::notFound, "Instance not found");
    if (*status == kConnected && !evenConnected)
      throw Error(Code::conflict, "Instance is already connected");
    InstanceStore::link(session, id, kConnecting, "", clock_.now());
    attempt.before = *status;
    const std::lock_guard lock(mutex_);
    attempt.number = newest_[id] = ++lastNumber_;
  });
  return attempt;
}

void Linker::end(const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  if (const auto it = newest_.find(attempt.instance);
      it != newest_.end() && it->second == attempt.number)
    newest_.erase(it);
}

// An event may have said more of it, or a newer attempt may be under way: both stay.
void Linker::giveUp(const Attempt& attempt) try {
  database_.commit([&](Session& session) {
    if (!isNewest(attempt)) return;
    if (InstanceStore::lockedStatus(session, attempt.instance) == kConnecting)
      InstanceStore::link(session, attempt.instance, restingState(attempt.before), "",
                          clock_.now());
  });
} catch (const StorageError& error) {
  log_.write(Level::warn, "Instance stays connecting",
             {{"instance", attempt.instance.value}, {"reason", error.what()}});
}

bool Linker::isNewest(const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  const auto it = newest_.find(attempt.instance);
  return it != newest_.end() && it->second == attempt.number;
}

void Linker::requireConnector(const Instance& instance) const {
  if (!registry_.connectorNamed(instance.connector))
    throw Error(Code::unavailable, "No connector is available");
}

}  // namespace pombo
