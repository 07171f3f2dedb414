#include "http/http_connection.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <string_view>
#include <utility>

#include "http/answer_writer.hpp"
#include "http/pending_answer.hpp"
#include "http/socket_queue.hpp"
#include "storage/secret.hpp"

namespace pombo {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kLeastRead = 4 * 1024;
constexpr std::size_t kPiece = 64 * 1024;  // of a file; also what one write may take
// A close with unread bytes is a reset, which may overtake the answer. So what a refused client is
// still sending is read and thrown away, for this long and this much.
constexpr std::chrono::seconds kLinger{1};
constexpr std::size_t kLingerBytes = 4 * 1024 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// A head that has served its time: the token in it has not to stay behind.
void forget(const RequestHead* head) {
  std::unique_ptr<RequestHead> last(const_cast<RequestHead*>(head));
  for (auto& [name, value] : last->headers) wipe(value);
  wipe(last->target);
}

// Memory that all connections of a thread read into, with the tokens of each.
struct Wiped {
  std::span<char> bytes;
  ~Wiped() { ::explicit_bzero(bytes.data(), bytes.size()); }
};

}  // namespace

// A handler that throws has left its connection half-way: nothing would ever wake it again.
template <class... Args>
auto HttpConnection::guarded(void (HttpConnection::*step)(Args...)) {
  return [self = shared_from_this(), step](Args... args) {
    try {
      (self.get()->*step)(std::move(args)...);
    } catch (...) {
      self->abort();
      throw;
    }
  };
}

HttpConnection::HttpConnection(EdgeLoop& loop, tcp::socket socket, std::string peer,
                               ConnectionCap::Place place)
    : loop_(loop),
      socket_(std::move(socket)),
      deadline_(loop.context()),
      peer_(std::move(peer)),
      place_(std::move(place)),
      scanner_({loop.options().headLimit, loop.options().headerCount}) {}

void HttpConnection::start() {
  ErrorCode error;
  socket_.non_blocking(true, error);
  if (!error) socket_.set_option(tcp::no_delay(true), error);
  if (error) return end();  // gone already
  deadline_.onPassed([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self) self->guarded (&HttpConnection::onDeadline)();
  });
  awaitRequest();
}

void HttpConnection::drain() {
  if (phase_ == Phase::idle) end();
}

void HttpConnection::abort() {
  ErrorCode ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  end();
}

void HttpConnection::giveWay() {
  // One that has begun a request learns that it was not served.
  return phase_ == Phase::idle ? end() : abort();
}

void HttpConnection::end() {
  if (std::exchange(phase_, Phase::ended) == Phase::ended) return;
  loop_.stopsWaiting(queued_, inQueue_);
  place_ = {};
  bodyShare_ = {};
  ErrorCode ignored;
  socket_.close(ignored);
  deadline_.stop();
  loop_.remove(*this);
}

void HttpConnection::awaitRequest() {
  phase_ = Phase::idle;
  loop_.startsWaiting(queued_);
  head_.reset();
  http10_ = keepAlive_ = expectContinue_ = false;
  buffer_.releaseIfEmpty();
  if (!buffer_.empty()) return onBytes();  // pipelined
  deadline_.set(Clock::now() + loop_.options().idleTimeout);
  waitReadable();
}

// Waits before it makes room for what comes: a silent client holds no buffer.
void HttpConnection::waitReadable() {
  if (std::exchange(waiting_, true)) return;
  socket_.async_wait(tcp::socket::wait_read, guarded(&HttpConnection::onReadable));
}

void HttpConnection::onReadable(ErrorCode error) {
  waiting_ = false;
  if (error) return end();
  if (phase_ == Phase::linger) return discard();
  const bool reading = phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body;
  if (!reading) return;  // a time-out was quicker, and its answer is on its way
  const auto room = loop_.scratch().first(readSize());
  const auto n = socket_.read_some(asio::buffer(room.data(), room.size()), error);
  if (error == asio::error::would_block) return waitReadable();
  if (error) return end();
  const Wiped bytes{room.first(n)};
  buffer_.lend({bytes.bytes.data(), n});
  onBytes();
  buffer_.keep();
}

// Not much more than belongs to this request: what does not would have to be kept until the next.
std::size_t HttpConnection::readSize() const {
  const auto wanted = phase_ == Phase::body ? body_->wanted() : 0;
  return std::clamp<std::uint64_t>(wanted, kLeastRead, loop_.scratch().size());
}

void HttpConnection::onBytes() {
  if (phase_ == Phase::body) return readBody();
  if (std::exchange(phase_, Phase::head) == Phase::idle) started_ = Clock::now();
  readHead();
}

void HttpConnection::readHead() {
  auto& service = loop_.service();
  switch (scanner_.scan(buffer_.data())) {
    case HeadScanner::Verdict::more:
      deadline_.set(started_ + loop_.options().headTimeout);
      return waitReadable();
    case HeadScanner::Verdict::done:
      return onHead();
    case HeadScanner::Verdict::malformed:
      loop_.counters().malformed.fetch_add(1);
      return refuse(service.malformed());
    case HeadScanner::Verdict::versionUnknown:
      loop_.counters().malformed.fetch_add(1);
      return refuse(service.versionUnknown());
    case HeadScanner::Verdict::tooLarge:
      loop_.counters().malformed.fetch_add(1);
      return refuse(service.headTooLarge());
  }
}

void HttpConnection::onHead() {
  deadline_.clear();
  loop_.counters().requests.fetch_add(1);
  buffer_.consume(scanner_.size());
  auto scanned = scanner_.take();
  http10_ = scanned.http10;
  keepAlive_ = scanned.keepAlive;
  expectContinue_ = scanned.expectContinue;
  scanned.request.id = loop_.options().newId();
  scanned.request.peer = peer_;
  head_ = std::shared_ptr<const RequestHead>(new RequestHead(std::move(scanned.request)), forget);

  expectation_ = loop_.service().expect(*head_);
  if (expectation_.refusal) return refuse(std::move(*expectation_.refusal));
  if (head_->contentLength.value_or(0) > expectation_.bodyLimit) {
    return refuse(loop_.service().bodyTooLarge());
  }
  if (!expectation_.admitFirst) return receiveBody();
  phase_ = Phase::admit;
  loop_.stopsWaiting(queued_, inQueue_);
  asked_ = Clock::now();
  loop_.service().admit(*head_, expectation_.state,
                        [then = pending()](auto answer) { then->settle(std::move(answer)); });
}

void HttpConnection::settle(std::optional<Answer> answer) {
  guarded (&HttpConnection::onSettled)(std::move(answer));
}

void HttpConnection::onSettled(std::optional<Answer> answer) {
  if (phase_ == Phase::serve && answer) return respond(std::move(*answer));
  if (phase_ != Phase::admit) return;
  if (answer) return refuse(std::move(*answer));
  started_ += Clock::now() - asked_;
  receiveBody();
}

void HttpConnection::receiveBody() {
  const auto& length = head_->contentLength;
  if (!head_->chunked && length.value_or(0) == 0) return serve({});
  phase_ = Phase::body;
  bodyShare_ = loop_.bodyShare();
  body_ = std::make_unique<BodyReader>(
      BodyFrame{length, expectation_.bodyLimit, loop_.options().headLimit,
                [this](auto bytes) { return bodyShare_.grow(bytes, expectation_.admitFirst); }});
  deadline_.set(started_ + expectation_.timeout);
  if (!expectContinue_ || !buffer_.empty()) return readBody();
  // At once or not at all: a client that left no room for 25 bytes reads no answers.
  ErrorCode error;
  const auto n = socket_.write_some(asio::buffer(kContinue), error);
  if (error || n < kContinue.size()) return end();
  waitReadable();
}

void HttpConnection::readBody() {
  std::size_t taken = 0;
  const auto verdict = body_->feed(buffer_.data(), taken);
  buffer_.consume(taken);
  switch (verdict) {
    case BodyReader::Verdict::more:
      buffer_.releaseIfEmpty();
      return waitReadable();
    case BodyReader::Verdict::done:
      return serve(body_->take());
    case BodyReader::Verdict::malformed:
      loop_.counters().malformed.fetch_add(1);
      return refuse(loop_.service().malformed());
    case BodyReader::Verdict::tooLarge:
      return refuse(loop_.service().bodyTooLarge());
    case BodyReader::Verdict::noRoom:
      loop_.counters().bodiesRefused.fetch_add(1);
      return refuse(loop_.service().busy());
  }
}

void HttpConnection::serve(std::string body) {
  phase_ = Phase::serve;
  loop_.stopsWaiting(queued_, inQueue_);
  deadline_.clear();  // the service has one of its own
  body_.reset();
  buffer_.releaseIfEmpty();
  loop_.service().serve(head_, std::move(body), expectation_.state,
                        [then = pending(std::exchange(bodyShare_, {}))](auto answer) {
                          then->settle(std::move(answer));
                        });
}

std::shared_ptr<PendingAnswer> HttpConnection::pending(BodyMemory::Share bodyShare) {
  return std::make_shared<PendingAnswer>(loop_.shared_from_this(), weak_from_this(), head_,
                                         std::move(bodyShare));
}

void HttpConnection::refuse(Answer answer) {
  answer.close = true;
  answer.headers.merge(expectation_.headers);
  body_.reset();
  bodyShare_ = {};
  buffer_ = {};
  respond(std::move(answer));
}

// Asked before each write: when the peer has taken something, it has time again for the rest.
auto HttpConnection::progress() {
  return [this](const ErrorCode& error, std::size_t) -> std::size_t {
    if (error) return 0;
    deadline_.set(Clock::now() + loop_.options().writeTimeout);
    return kPiece;
  };
}

void HttpConnection::respond(Answer answer) {
  phase_ = Phase::write;
  loop_.stopsWaiting(queued_, inQueue_);
  expectation_ = {};  // the service may have tied to it what the request was allowed to use
  closing_ = !answer.upgrade && (answer.close || !keepAlive_ || loop_.draining());
  answer_ = std::move(answer);
  const auto id = head_ ? head_->id : loop_.options().newId();
  out_ = writeAnswerHead(answer_, {http10_, !closing_, id, loop_.date()});
  // Of a head that was refused, the scanner has kept what it knows.
  const auto& method = head_ ? head_->method : scanner_.method();
  const bool headOnly = method == "HEAD" || !allowsBody(answer_.status);
  if (answer_.file && !headOnly) {
    fileAt_ = 0;
    return writePiece({}, 0);
  }
  if (headOnly) answer_.body.clear();
  const std::array buffers = {asio::buffer(out_), asio::buffer(answer_.body)};
  asio::async_write(socket_, buffers, progress(), guarded(&HttpConnection::onWritten));
}

// The first one goes out with the head.
void HttpConnection::writePiece(ErrorCode error, std::size_t written) {
  const auto& file = *answer_.file;
  if (written > 0) out_.clear();
  if (error || (written > 0 && fileAt_ == file.size)) return onWritten(error, written);
  const auto before = out_.size();
  out_.resize(before + std::min<std::uint64_t>(kPiece, file.size - fileAt_));
  for (auto at = before; at < out_.size();) {
    const auto n =
        ::pread(file.file.get(), out_.data() + at, out_.size() - at, static_cast<off_t>(fileAt_));
    if (n < 0 && errno == EINTR) continue;
    // The head has promised a length: only a reset tells the client that it will not come.
    if (n <= 0) return abort();
    at += static_cast<std::size_t>(n);
    fileAt_ += static_cast<std::uint64_t>(n);
  }
  // A byte now and then is not enough: it would hold the file open for days.
  deadline_.set(Clock::now() + loop_.options().writeTimeout);
  asio::async_write(socket_, asio::buffer(out_), guarded(&HttpConnection::writePiece));
}

void HttpConnection::onWritten(ErrorCode error, std::size_t) {
  if (error) return end();
  deadline_.clear();
  if (answer_.upgrade) return handOver();
  answer_ = {};
  out_ = {};
  if (closing_ || loop_.draining()) return linger();
  awaitRequest();
}

// With what was read behind the request.
void HttpConnection::handOver() {
  loop_.sockets().adopt(std::move(socket_), std::move(place_), answer_.upgrade->take(),
                        buffer_.data());
  end();
}

void HttpConnection::linger() {
  phase_ = Phase::linger;
  buffer_ = {};
  ErrorCode error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  if (error) return end();
  lingerLeft_ = kLingerBytes;
  deadline_.set(Clock::now() + kLinger);
  waitReadable();
}

void HttpConnection::discard() {
  std::array<char, 16 * 1024> scratch;
  ErrorCode error;
  const auto n = socket_.read_some(asio::buffer(scratch), error);
  if (error && error != asio::error::would_block) return end();
  if (n >= lingerLeft_) return end();
  lingerLeft_ -= n;
  waitReadable();
}

void HttpConnection::onDeadline() {
  switch (phase_) {
    case Phase::idle:
    case Phase::linger:
      return end();
    case Phase::head:
    case Phase::body:
      loop_.counters().timeouts.fetch_add(1);
      return refuse(loop_.service().tooSlow());
    case Phase::write:
      loop_.counters().timeouts.fetch_add(1);
      // A close would leave what was not taken to the kernel, for a quarter of an hour.
      return abort();
    case Phase::admit:
    case Phase::serve:
    case Phase::ended:
      return;
  }
}

}  // namespace pombo
