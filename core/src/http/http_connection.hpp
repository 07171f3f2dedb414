// One client: its requests in order, one at a time, and their answers.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http/body_reader.hpp"
#include "http/deadline.hpp"
#include "http/edge_loop.hpp"
#include "http/exchange.hpp"
#include "http/head.hpp"
#include "http/read_buffer.hpp"

namespace pombo {

class PendingAnswer;

// Everything here is called on the loop's thread. It lives until it has ended, or for as long as
// one of its handlers is queued; an answer that is still to come does not keep it.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(EdgeLoop&, boost::asio::ip::tcp::socket, std::string peer, ConnectionCap::Place);

  void start();
  void drain();    // ends now when between requests, otherwise after its answer
  void abort();    // ends with a reset: nothing that is still on its way will arrive
  void giveWay();  // ends now, for another one

  void settle(std::optional<Answer>);  // what the service said to admit() or serve()

 private:
  enum class Phase { idle, head, admit, body, serve, write, linger, ended };
  using Clock = Deadline::Clock;
  using ErrorCode = boost::system::error_code;

  void awaitRequest();
  void waitReadable();
  void onReadable(ErrorCode);
  void onBytes();
  void readHead();
  void onHead();
  void receiveBody();
  void readBody();
  void serve(std::string body);
  void onSettled(std::optional<Answer>);

  void refuse(Answer);  // and close: what else the client has sent is never looked at
  void respond(Answer);
  void writePiece(ErrorCode, std::size_t);
  void onWritten(ErrorCode, std::size_t);
  void handOver();
  void linger();
  void discard();
  void end();

  void onDeadline();

  std::size_t readSize() const;
  std::shared_ptr<PendingAnswer> pending(BodyMemory::Share = {});
  template <class... Args>
  auto guarded(void (HttpConnection::*step)(Args...));
  auto progress();

  EdgeLoop& loop_;
  boost::asio::ip::tcp::socket socket_;
  Deadline deadline_;
  Phase phase_ = Phase::idle;
  std::string peer_;
  ConnectionCap::Place place_;
  EdgeLoop::Queued queued_{this};
  const EdgeLoop::Queued::iterator inQueue_ = queued_.begin();

  bool waiting_ = false;  // for the socket to be readable
  ReadBuffer buffer_;

  // The request.
  HeadScanner scanner_;
  std::shared_ptr<const RequestHead> head_;
  bool http10_ = false;
  bool keepAlive_ = false;
  bool expectContinue_ = false;
  Expectation expectation_;
  std::unique_ptr<BodyReader> body_;
  BodyMemory::Share bodyShare_;

  // The answer.
  Answer answer_;
  std::string out_;  // its head; of a file, the piece that is being sent
  std::uint64_t fileAt_ = 0;
  bool closing_ = false;
  std::size_t lingerLeft_ = 0;

  Clock::time_point started_;  // the request's first byte, later by what admit() took
  Clock::time_point asked_;    // admit()
};

}  // namespace pombo
