#include "instance/link_failure.hpp"

namespace pombo {
namespace {

Error unsupportedBy(const Instance& instance) {
  return Error(Code::unsupported, "Not supported by the " + instance.connector + " connector");
}

}  // namespace

Error instanceGone() { return Error(Code::notFound, "Instance not found"); }

Error superseded() { return Error(Code::conflict, "Superseded by a newer connect call"); }

Error noCodeInTime() { return Error(Code::timedOut, "Timed out waiting for a code from WhatsApp"); }

Error shuttingDown() {
  return Error(Code::unavailable, "Server is shutting down", std::chrono::seconds(5));
}

Error connectFailure(const std::string& reason) {
  if (reason == "shutdown") return shuttingDown();
  if (reason == "pairing_timeout") return noCodeInTime();
  return Error(Code::refused, "Failed to connect instance: " + reason);
}

Error connectFailure(const Instance& instance, const Error& error) {
  switch (error.code) {
    case Code::invalid:
    case Code::rateLimited:
      return Error(error.code, error.what(), error.retryAfter);
    case Code::unsupported:
      return unsupportedBy(instance);
    case Code::conflict:
      return superseded();
    case Code::timedOut:
      return noCodeInTime();
    default:
      return connectFailure(error.what());
  }
}

Error reconnectFailure(const Instance& instance, const Error& error) {
  if (error.code == Code::invalid)
    return Error(Code::invalid, "Instance has no saved session — call /connect first");
  if (error.code == Code::unsupported) return unsupportedBy(instance);
  return Error(Code::internal, std::string("Failed to reconnect: ") + error.what());
}

}  // namespace pombo
