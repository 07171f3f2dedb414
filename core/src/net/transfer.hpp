// One request and its answer on a handle of curl's that dials only where it may, whoever runs it:
// alone, or among thousands.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "net/egress.hpp"
#include "pombo/connector.hpp"

namespace pombo {

class Transfer {
 public:
  // Throws Error{invalid} for what is no URL or no header, Error{unavailable, "URL is not allowed:
  // <reason>"} when that can be told already. Behind a proxy it is the proxy that is dialled: there
  // the target's name is resolved here, for at most a second. `egress` and `request` outlive it;
  // `time` is for all of it.
  Transfer(const Egress& egress, const OutgoingRequest& request, const std::optional<Proxy>&,
           const std::string& userAgent, std::chrono::milliseconds time);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void* handle() const;  // the CURL*, to be run once

  // What came of it, by the CURLcode that it has ended with. Throws Error{unavailable} when that is
  // no answer.
  IncomingReply end(int code);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace pombo
