// Which request this thread is serving: for log lines, for what is left of its time, and for
// deciding once whether it is answered or carried out.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace pombo {

class RequestScope {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // `claim` says whether the request is still open, and from then on keeps it from being answered
  // by anyone but its own handler.
  RequestScope(std::string id, Deadline deadline, std::function<bool()> claim = {})
      : id_(std::move(id)), deadline_(deadline), claim_(std::move(claim)), outer_(current_) {
    current_ = this;
  }
  ~RequestScope() { current_ = outer_; }
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

  static const RequestScope* current() { return current_; }
  const std::string& id() const { return id_; }
  Deadline deadline() const { return deadline_; }

  // Before something is done that the client must not be told has failed. False: it has been told.
  // Any thread, while the scope lives.
  bool claim() const { return !claim_ || claim_(); }
  // claim(), for a part of the request that may outlive the scope.
  const std::function<bool()>& claimer() const { return claim_; }

 private:
  inline static thread_local const RequestScope* current_ = nullptr;
  const std::string id_;
  Deadline deadline_;
  std::function<bool()> claim_;
  const RequestScope* outer_;
};

}  // namespace pombo
