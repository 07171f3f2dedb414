// The way back to a connection, for an answer that comes from any thread, at any time or never.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "http/exchange.hpp"

namespace pombo {

class EdgeLoop;
class HttpConnection;

// Names the connection, not its socket: when that has ended, the answer is discarded, whoever has
// the descriptor's number by then. Keeps what the service was given a reference to.
class PendingAnswer {
 public:
  PendingAnswer(std::shared_ptr<EdgeLoop>, std::weak_ptr<HttpConnection>,
                std::shared_ptr<const RequestHead>);
  // A service that forgot to answer would leave its client waiting for ever: that is cut.
  ~PendingAnswer();
  PendingAnswer(const PendingAnswer&) = delete;
  PendingAnswer& operator=(const PendingAnswer&) = delete;

  void settle(std::optional<Answer>);  // the second call does nothing

 private:
  std::shared_ptr<EdgeLoop> loop_;
  std::weak_ptr<HttpConnection> connection_;
  std::shared_ptr<const RequestHead> head_;
  std::atomic<bool> settled_{false};
};

}  // namespace pombo
