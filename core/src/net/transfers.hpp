// Many requests at once on one thread: whoever is slow costs a handle, and nobody else's time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/egress.hpp"
#include "net/names.hpp"
#include "pombo/connector.hpp"

namespace pombo {

// What came of a request.
struct Ended {
  enum class How {
    answered,    // whatever the status, and whatever came of the body
    failed,      // no answer
    notAllowed,  // it may not be dialled; nothing was sent
    stopped,     // stop(): whether it was sent is not known
  };
  How how = How::failed;
  IncomingReply reply = {};  // when answered
  std::string why = {};      // otherwise, for people; no secrets
  bool operator==(const Ended&) const = default;
};

// A request has its own time for everything: five seconds of it for names, five for the connection.
// Redirects are not followed. Of an answer OutgoingRequest::replyLimit bytes are read.
//
// Connections are kept for whoever sends to the same host next, a thousand of them beside those in
// use, for a minute. One that is used again was checked when it was opened, and Egress never
// changes. Behind a proxy none is kept. How many are in flight is the caller's business: each has a
// descriptor, and some 20 KiB.
class Transfers {
 public:
  using Then = std::function<void(Ended)>;

  // `egress` outlives it. Throws std::runtime_error when there is no descriptor or no memory for
  // it.
  Transfers(const Egress& egress, std::string userAgent, Names::LookUp lookUp = systemsLookUp);
  ~Transfers();  // stops
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  // Returns at once. `then` is called once, on the thread of the transfers, for which everybody
  // waits meanwhile; after stop() on the caller's. It does not throw, and may start others.
  // OutgoingRequest::through is not looked at: the proxy is given. `apart`: its host may well hang;
  // then thousands of its kind cost the others nothing. [any thread]
  void start(OutgoingRequest, std::optional<Proxy>, Then then, bool apart = false);

  // Ends what is in flight, and tells everyone. Not to be called by a `then`. [any thread]
  void stop();

 private:
  class Loop;
  static Names::Addresses systemsLookUp(const std::string& host);
  const std::unique_ptr<Loop> loop_;
};

}  // namespace pombo
