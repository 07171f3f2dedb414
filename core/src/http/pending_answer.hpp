// The way back to a connection, for an answer that comes from any thread, at any time or never.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "http/body_memory.hpp"
#include "http/exchange.hpp"

namespace pombo {

class EdgeLoop;
class HttpConnection;

// Names the connection, not its socket: when that has ended, the answer is discarded, whoever has
// the descriptor's number by then. Keeps what the service was given a reference to, and the body's
// share of memory, which is in use for as long as the service has not let go of this.
class PendingAnswer {
 public:
  PendingAnswer(std::shared_ptr<EdgeLoop>, std::weak_ptr<HttpConnection>,
                std::shared_ptr<const RequestHead>, BodyMemory::Share = {});
  // A service that forgot to answer would leave its client waiting for ever: that is cut.
  ~PendingAnswer();
  PendingAnswer(const PendingAnswer&) = delete;
  PendingAnswer& operator=(const PendingAnswer&) = delete;

  void settle(std::optional<Answer>);  // the second call does nothing

 private:
  std::shared_ptr<EdgeLoop> loop_;
  std::weak_ptr<HttpConnection> connection_;
  std::shared_ptr<const RequestHead> head_;
  const BodyMemory::Share bodyShare_;
  std::atomic<bool> settled_{false};
};

}  // namespace pombo
