// Which request this thread is serving: for log lines, for what is left of its time, and for
// deciding once whether it is answered or carried out.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace pombo {

class RequestScope {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // `claim` says whether the request is still open, and from then on keeps it from being answered
  // by anyone but its own handler.
  RequestScope(std::string id, Deadline deadline, std::function<bool()> claim = {})
      : ownId_(std::move(id)), ownClaim_(std::move(claim)), deadline_(deadline) {}
  // A part of `whole`, which outlives it, with a deadline of its own.
  RequestScope(const RequestScope& whole, Deadline deadline)
      : id_(whole.id_), claim_(whole.claim_), deadline_(deadline) {}
  ~RequestScope() { current_ = outer_; }
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

  static const RequestScope* current() { return current_; }
  const std::string& id() const { return *id_; }
  Deadline deadline() const { return deadline_; }

  // Before something is done that the client must not be told has failed. False: it has been told.
  // Any thread, while the scope lives.
  bool claim() const { return !*claim_ || (*claim_)(); }
  // claim(), for a part of the request that may outlive the scope.
  const std::function<bool()>& claimer() const { return *claim_; }

 private:
  inline static thread_local const RequestScope* current_ = nullptr;
  const std::string ownId_;
  const std::function<bool()> ownClaim_;
  const std::string* const id_ = &ownId_;
  const std::function<bool()>* const claim_ = &ownClaim_;
  const Deadline deadline_;
  const RequestScope* const outer_ = std::exchange(current_, this);
};

}  // namespace pombo
