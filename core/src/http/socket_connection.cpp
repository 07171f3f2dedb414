#include "http/socket_connection.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <utility>

#include "http/socket_keeper.hpp"

namespace pombo {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int kNormal = 1000, kGoingAway = 1001, kProtocolError = 1002, kBadText = 1007,
              kTooLarge = 1009;
constexpr std::size_t kBatch = 32;  // frames in one write
// For the client to read what is left, and our close behind it, and to answer.
constexpr std::chrono::seconds kGoodBye{10}, kLastGoodBye{2};
constexpr std::chrono::seconds kLinger{1};

}  // namespace

// A handler that throws has left its connection half-way: nothing would ever wake it again.
auto SocketConnection::guarded(void (SocketConnection::*step)(ErrorCode)) {
  return [self = shared_from_this(), step](ErrorCode error) {
    try {
      (self.get()->*step)(error);
    } catch (...) {
      self->abort();
      throw;
    }
  };
}

SocketConnection::SocketConnection(SocketKeeper& keeper, tcp::socket socket,
                                   ConnectionCap::Place place, std::shared_ptr<SocketQueue> queue)
    : keeper_(keeper),
      socket_(std::move(socket)),
      place_(std::move(place)),
      queue_(std::move(queue)),
      reader_(queue_->inflating()),
      pingAt_(Clock::now() + keeper.heartbeat().pingEvery),
      heardAt_(Clock::now()) {}

SocketConnection::~SocketConnection() { queue_->end(0); }

void SocketConnection::start(std::string_view early) {
  queue_->attach(keeper_.noteFor(weak_from_this()));
  read(early);
}

// Sending ----------------------------------------------------------------------------------------

void SocketConnection::pull() {
  if (phase_ != Phase::open) return;
  if (const auto closing = queue_->take(sending_)) beginClosing(*closing);
  flush();
}

void SocketConnection::beginClosing(const SocketQueue::Closing& closing) {
  // A frame that has begun must end: what follows would be read as the rest of it.
  if (closing.atOnce) {
    const auto begun = sending_.begin() + (sent_ > 0 ? 1 : 0);
    const auto isText = [](const auto& frame) { return frame->kind() == SocketFrame::Kind::text; };
    sending_.erase(std::remove_if(begun, sending_.end(), isText), sending_.end());
  }
  phase_ = Phase::closing;
  code_ = closing.code;
  deadline_ = Clock::now() + (keeper_.draining() ? kLastGoodBye : kGoodBye);
  sending_.push_back(SocketFrame::close(closing.code, closing.reason));
}

void SocketConnection::flush() {
  while (!sending_.empty() && !writeWaits_ && writeSome()) continue;
  if (phase_ == Phase::closing && farewell_ && sending_.empty()) return linger();
  if (phase_ == Phase::open || phase_ == Phase::closing) waitReadable();
}

// False when the connection has ended, or has to wait.
bool SocketConnection::writeSome() {
  std::array<iovec, 2 * kBatch> parts;
  std::size_t count = 0, skip = sent_;
  for (std::size_t i = 0; i < std::min(sending_.size(), kBatch); ++i)
    for (std::string_view part : {sending_[i]->head(), sending_[i]->body()}) {
      const auto skipped = std::min(skip, part.size());
      skip -= skipped;
      part.remove_prefix(skipped);
      if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
    }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const auto n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) {
    advance(static_cast<std::size_t>(n));
    return true;
  }
  if (errno == EINTR) return true;
  if (errno != EAGAIN) return end(), false;
  writeWaits_ = true;
  writeBy_ = std::min(writeBy_, Clock::now() + keeper_.writeTimeout());
  socket_.async_wait(tcp::socket::wait_write, guarded(&SocketConnection::onWritable));
  return false;
}

void SocketConnection::advance(std::size_t bytes) {
  std::size_t done = 0, texts = 0, textBytes = 0;
  writeBy_ = Clock::time_point::max();
  sent_ += bytes;
  for (; done < sending_.size() && sent_ >= sending_[done]->size(); ++done) {
    const SocketFrame& frame = *sending_[done];
    sent_ -= frame.size();
    if (frame.kind() == SocketFrame::Kind::pongs) --pongs_;
    if (frame.kind() != SocketFrame::Kind::text) continue;
    ++texts;
    textBytes += frame.size();
  }
  sending_.erase(sending_.begin(), sending_.begin() + static_cast<std::ptrdiff_t>(done));
  // What a burst has left, so that a client that is silent again holds no buffer.
  if (sending_.empty() && sending_.capacity() > kBatch) SocketQueue::Frames().swap(sending_);
  if (texts > 0) queue_->written(texts, textBytes);
}

void SocketConnection::onWritable(ErrorCode error) {
  writeWaits_ = false;
  if (phase_ == Phase::ended) return;
  if (error) return end();
  flush();
}

// Receiving --------------------------------------------------------------------------------------

void SocketConnection::listen() {
  if (std::exchange(readWaits_, true)) return;
  socket_.async_wait(tcp::socket::wait_read, guarded(&SocketConnection::onReadable));
}

// Whoever asks for answers and does not read them is not read either.
void SocketConnection::waitReadable() {
  if (farewell_ || pongs_ > 0) return;
  listen();
}

void SocketConnection::onReadable(ErrorCode error) {
  readWaits_ = false;
  if (phase_ == Phase::ended) return;
  if (error) return end();
  if (phase_ == Phase::lingering) return discard();
  if (farewell_ || pongs_ > 0) return;
  const auto room = keeper_.scratch();
  const auto n = socket_.read_some(asio::buffer(room.data(), room.size()), error);
  if (error == asio::error::would_block) return waitReadable();
  if (error) return end();
  read({room.data(), n});
}

void SocketConnection::read(std::string_view bytes) {
  using Got = FrameReader::Got;
  std::string pongs;
  Got got = reader_.read(bytes);
  for (; got == Got::ping || got == Got::pong; got = reader_.read(bytes)) {
    if (got == Got::pong)
      heardAt_ = Clock::now();
    else if (phase_ == Phase::open)
      SocketFrame::addPong(pongs, reader_.payload());
  }
  // Also when a close came behind what they answer.
  if (!pongs.empty()) {
    ++pongs_;
    sending_.push_back(SocketFrame::pongs(std::move(pongs)));
  }
  if (got == Got::nothing) return flush();
  if (got == Got::close) return fail(kNormal, "");
  if (got == Got::violation) return fail(kProtocolError, "");
  if (got == Got::badText) return fail(kBadText, "");
  fail(kTooLarge, "frame too large");
}

// Nothing that the client says counts any more.
void SocketConnection::fail(int code, std::string_view reason) {
  farewell_ = true;
  if (phase_ == Phase::open) {
    queue_->close({code, std::string(reason), true});
    return pull();
  }
  flush();
}

// The end ----------------------------------------------------------------------------------------

// A close with unread bytes is a reset, which may overtake what we have said.
void SocketConnection::linger() {
  phase_ = Phase::lingering;
  queue_->end(code_);
  ErrorCode error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  if (error) return end();
  deadline_ = Clock::now() + kLinger;
  listen();
}

void SocketConnection::discard() {
  const auto room = keeper_.scratch();
  ErrorCode error;
  socket_.read_some(asio::buffer(room.data(), room.size()), error);
  if (error && error != asio::error::would_block) return end();
  listen();
}

void SocketConnection::tick(Clock::time_point now) {
  if (now >= deadline_) return phase_ == Phase::lingering ? end() : abort();
  if (phase_ != Phase::open) return;
  // PONGs alone do not keep it: it may send them, and read nothing.
  if (now - heardAt_ >= keeper_.heartbeat().patience || now >= writeBy_) return abort();
  if (now < pingAt_) return;
  pingAt_ = now + keeper_.heartbeat().pingEvery;
  const auto isPing = [](const auto& frame) { return frame->kind() == SocketFrame::Kind::ping; };
  if (std::any_of(sending_.begin(), sending_.end(), isPing)) return;
  sending_.push_back(SocketFrame::ping());
  flush();
}

void SocketConnection::drain() {
  queue_->close(kGoingAway, "server shutdown");
  if (phase_ == Phase::closing) deadline_ = std::min(deadline_, Clock::now() + kLastGoodBye);
}

void SocketConnection::abort() {
  ErrorCode ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  end();
}

void SocketConnection::end() {
  if (std::exchange(phase_, Phase::ended) == Phase::ended) return;
  place_ = {};
  sending_ = {};
  ErrorCode ignored;
  socket_.close(ignored);
  queue_->end(code_);
  keeper_.remove(*this);
}

}  // namespace pombo
