// One WebSocket client on the wire: its frames out and in, its heartbeat, its end.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "http/connection_cap.hpp"
#include "http/frame_reader.hpp"
#include "http/socket_queue.hpp"

namespace pombo {

class SocketKeeper;

// Everything here is called on the loop's thread. A client that is silent holds no buffer.
class SocketConnection : public std::enable_shared_from_this<SocketConnection> {
 public:
  using Clock = std::chrono::steady_clock;

  SocketConnection(SocketKeeper&, boost::asio::ip::tcp::socket, ConnectionCap::Place,
                   std::shared_ptr<SocketQueue>);
  ~SocketConnection();

  // `early`: what came behind the request.
  void start(std::string_view early);
  void pull();                       // its queue has something
  void tick(Clock::time_point now);  // every second
  void drain();                      // says good-bye
  void abort();                      // ends with a reset

 private:
  using ErrorCode = boost::system::error_code;
  enum class Phase {
    open,
    closing,    // our close frame is on its way, or was sent
    lingering,  // nothing more goes out; the client has a moment to read what did
    ended,
  };

  void waitReadable();
  void listen();
  void onReadable(ErrorCode);
  void discard();
  void read(std::string_view bytes);
  void fail(int code, std::string_view reason);

  void beginClosing(const SocketQueue::Closing&);
  void flush();
  bool writeSome();
  void advance(std::size_t bytes);
  void linger();
  void end();
  auto guarded(void (SocketConnection::*step)(ErrorCode));
  void onWritable(ErrorCode);

  SocketKeeper& keeper_;
  boost::asio::ip::tcp::socket socket_;
  ConnectionCap::Place place_;
  const std::shared_ptr<SocketQueue> queue_;
  FrameReader reader_;
  Phase phase_ = Phase::open;

  SocketQueue::Frames sending_;
  std::size_t sent_ = 0;   // bytes of the first of them
  std::size_t pongs_ = 0;  // frames of them
  int code_ = 0;           // of our close frame; 0: there is none
  bool farewell_ = false;  // the client's close has come, or nothing it says counts any more
  bool readWaits_ = false, writeWaits_ = false;  // for the socket

  Clock::time_point pingAt_, heardAt_;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point writeBy_ = Clock::time_point::max();  // the client must take a byte
};

}  // namespace pombo
