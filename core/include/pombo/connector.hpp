// The optional sides of a block. A block offers one by returning it from IBlockConfigurator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pombo/event.hpp"

namespace pombo {

struct Proxy {
  std::string protocol = {};  // "http", "https", "socks5"
  std::string host = {};
  std::uint16_t port = 0;
  std::string username = {};
  std::string password = {};
  bool operator==(const Proxy&) const = default;
};

struct LinkRequest {
  std::string number = {};              // digits: ask for a pairing code; empty: ask for a QR
  std::optional<int> historyDays = {};  // forces history sync on this pairing; best effort
  std::optional<Proxy> proxy = {};      // dial through it
  bool operator==(const LinkRequest&) const = default;
};

struct Link {
  // later: an "instance.state" event brings the code, or the link, or says why there is neither; no
  // thread waits for it meanwhile.
  enum class Kind { qr, pairing, connected, later };
  Kind kind = Kind::qr;
  std::string code = {};  // the text of the QR, or the pairing code; empty otherwise
  bool operator==(const Link&) const = default;
};

// Who the instance is on WhatsApp, as far as the connector knows.
struct Profile {
  std::optional<std::string> name = {};
  std::optional<std::string> pictureUrl = {};
  bool isBusiness = false;
  std::string businessName = {};
  bool available = false;  // presence
  bool operator==(const Profile&) const = default;
};

// Links instances to WhatsApp. What happens after a call returns is told by events only, and so is
// the state of the link: core remembers the last "instance.state" and never asks.
class POMBO_API IConnector {
 public:
  virtual ~IConnector() = default;

  // Returns when there is a code to show, or a link; throws Error when there will be neither. A
  // newer call for the same instance makes an unfinished one throw Error{conflict}; nothing is told
  // of an older one from then on. What is said `later` is closed by disconnect() when core has
  // waited for long enough. [request]
  virtual Link connect(const Instance&, const LinkRequest&) = 0;
  // Resumes a stored session and returns at once; failing is an "instance.state" event. Throws
  // Error{invalid} when there is no session. [request]
  virtual void reconnect(const Instance&, const std::optional<Proxy>&) = 0;
  // Closes the link and keeps the session. Returns when it is closed. [request]
  virtual void disconnect(const Instance&) = 0;
  // Unlinks and wipes the session; an unreachable WhatsApp is not an error. [request]
  virtual void logout(const Instance&) = 0;

  // No network: what is known already. [any thread]
  virtual Profile profile(const Instance&) = 0;

  // Everything else that can be asked of WhatsApp: "message.text", "group.create", ... with the
  // fields that the REST route of that name takes. Throws Error{unsupported} for what it lacks,
  // Error{unavailable} when nothing was done, Error{timedOut} when it may have been. [request]
  virtual Json perform(const Instance&, const std::string& operation, const Json& arguments) = 0;
  // The same with files, at most 8, which the arguments name by their places: {"mediaFile": 0}.
  // Throws Error{unsupported} where none are taken. [request]
  virtual Json performWith(const Instance& instance, const std::string&, const Json&,
                           const std::vector<Media>&) {
    throw Error(Code::unsupported,
                "Files are not supported by the " + instance.connector + " connector");
  }

  // The bytes behind Event::mediaKey; may download. [any thread]
  virtual Media media(const Instance&, const std::string& mediaKey) = 0;
};

// Adds to an event before anyone receives it, such as the address of a stored copy of its media.
class POMBO_API IEnricher {
 public:
  virtual ~IEnricher() = default;
  // What to merge into event.data (RFC 7386), null for nothing. If it throws or runs over its
  // budget the event goes on as it was. [ingest]
  virtual Json enrich(const Event&) = 0;
};

// Says through which proxy an instance dials out.
class POMBO_API IProxySource {
 public:
  virtual ~IProxySource() = default;
  virtual std::optional<Proxy> proxyFor(const InstanceId&) const = 0;  // [any thread]
};

}  // namespace pombo
