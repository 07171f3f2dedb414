#include "http/pending_answer.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "http/edge_loop.hpp"
#include "http/http_connection.hpp"

namespace pombo {

PendingAnswer::PendingAnswer(std::shared_ptr<EdgeLoop> loop,
                             std::weak_ptr<HttpConnection> connection,
                             std::shared_ptr<const RequestHead> head, BodyMemory::Share bodyShare)
    : loop_(std::move(loop)),
      connection_(std::move(connection)),
      head_(std::move(head)),
      bodyShare_(std::move(bodyShare)) {}

PendingAnswer::~PendingAnswer() {
  if (settled_.exchange(true)) return;
  boost::asio::post(loop_->context(), [connection = connection_] {
    if (const auto alive = connection.lock()) alive->abort();
  });
}

// Only the loop's own thread makes an owner of the weak pointer: a connection must not end on
// another.
void PendingAnswer::settle(std::optional<Answer> answer) {
  if (settled_.exchange(true)) return;
  boost::asio::post(loop_->context(),
                    [connection = connection_, answer = std::move(answer)]() mutable {
                      const auto alive = connection.lock();
                      if (alive) alive->settle(std::move(answer));
                    });
}

}  // namespace pombo
