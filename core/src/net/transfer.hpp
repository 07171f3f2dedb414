// One request and its answer on a handle of curl's that dials only where it may, whoever runs it:
// alone, or among thousands.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/egress.hpp"
#include "pombo/connector.hpp"

namespace pombo {

// It may not be dialled: "URL is not allowed: <reason>".
class NotAllowed : public Error {
 public:
  using Error::Error;
};

class Transfer {
 public:
  // Throws Error{invalid} for what is no URL or no header, NotAllowed{unavailable} when that can be
  // told already. Behind a proxy it is the proxy that is dialled: there
  // the target's name is resolved here, for at most a second. `egress` and `request` outlive it;
  // `time` is for all of it.
  Transfer(const Egress& egress, const OutgoingRequest& request, const std::optional<Proxy>&,
           const std::string& userAgent, std::chrono::milliseconds time);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // That is dialled, a name or an address, as in Url.
  const std::string& host() const;
  // The addresses of that name, so that curl looks nothing up; each is checked again when it is
  // dialled. Throws NotAllowed{unavailable} if one of them may not be.
  void setAddresses(const std::vector<Address>&);

  void* handle() const;  // the CURL*, to be run once

  // What came of it, by the CURLcode that it has ended with. Throws Error{unavailable}, which may
  // be NotAllowed, when that is no answer.
  IncomingReply end(int code);
  // The same for whom the head says it all: what has come of the body by then will do.
  IncomingReply endOfHead(int code);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace pombo
