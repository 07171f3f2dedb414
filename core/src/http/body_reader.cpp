#include "http/body_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <limits>
#include <utility>

#include "storage/secret.hpp"

namespace pombo {
namespace {

namespace http = boost::beast::http;
using Verdict = BodyReader::Verdict;

constexpr std::size_t kSizeDigits = 16;
constexpr std::size_t kChunkLine = 256;
constexpr std::size_t kFirstHold = 1024;

// What Beast puts a body into. Takes memory as the bytes come, not as they are announced, and wipes
// what it leaves.
struct HeldBody {
  struct value_type {
    std::string bytes;
    std::uint64_t most = 0;  // there will not be more
    std::function<bool(std::size_t)> mayHold;

    bool hold(std::size_t size) {
      if (size <= bytes.capacity()) return true;
      const auto capacity =
          std::min<std::uint64_t>(most, std::max({size, 2 * bytes.capacity(), kFirstHold}));
      if (mayHold && !mayHold(capacity)) return false;
      std::string larger;
      larger.reserve(capacity);
      larger += bytes;
      wipe(bytes);
      bytes = std::move(larger);
      return true;
    }
  };

  class reader {
   public:
    template <bool kIsRequest, class Fields>
    reader(http::header<kIsRequest, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>& length, boost::beast::error_code& error) {
      if (length) body_.most = std::min(body_.most, *length);
      error = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      const auto size = boost::beast::buffer_bytes(buffers);
      error = {};
      if (!body_.hold(body_.bytes.size() + size)) error = http::error::buffer_overflow;
      if (error) return 0;
      for (const auto each : boost::beast::buffers_range_ref(buffers))
        body_.bytes.append(static_cast<const char*>(each.data()), each.size());
      return size;
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

// Waits for what stands between two chunks: the line with the size and, behind the last one, the
// trailers. Beast decodes it, but only once it is whole: by itself Beast would take a line without
// end, and finds out that a line is wrong when it ends.
class BetweenChunks {
 public:
  explicit BetweenChunks(std::size_t trailerLimit) : trailerLimit_(trailerLimit) {}

  // `bytes` begins behind the chunk before, each time.
  Verdict scan(std::string_view bytes) {
    for (; at_ < bytes.size(); ++at_) {
      if (!accepts(bytes[at_]) || at_ + 1 - line_ > limit()) return Verdict::malformed;
      if (state_ != State::whole) continue;
      ++at_;
      return Verdict::done;
    }
    return Verdict::more;
  }

  std::size_t length() const { return at_; }        // of it all
  std::size_t sizeEnd() const { return sizeEnd_; }  // of the line with the size, and its CRLF
  std::uint64_t size() const { return size_; }

  // Another chunk was read.
  void next() {
    *this = BetweenChunks(trailerLimit_);
    state_ = State::chunkEnd;
  }

 private:
  enum class State {
    chunkEnd,
    chunkFeed,
    size,
    extension,
    sizeFeed,
    line,
    trailer,
    feed,
    end,
    whole
  };

  std::size_t limit() const { return state_ < State::line ? kChunkLine : trailerLimit_; }

  bool accepts(char c) {
    switch (state_) {
      case State::chunkEnd:
        return move(c == '\r', State::chunkFeed);
      case State::chunkFeed:
        line_ = at_ + 1;
        return move(c == '\n', State::size);
      case State::size:
        return inSize(c);
      case State::extension:
        return inText(c, State::sizeFeed);
      case State::sizeFeed:
        sizeEnd_ = line_ = at_ + 1;
        return move(c == '\n', size_ == 0 ? State::line : State::whole);
      case State::line:
        if (c == '\r') return move(true, State::end);
        state_ = State::trailer;
        return c != ' ' && inText(c, State::feed);
      case State::trailer:
        return inText(c, State::feed);
      case State::feed:
        return move(c == '\n', State::line);
      case State::end:
        return move(c == '\n', State::whole);
      case State::whole:
        break;
    }
    return false;
  }

  bool move(bool right, State next) {
    state_ = next;
    return right;
  }

  bool inSize(char c) {
    const auto digit = hex(c);
    if (digit >= 0) {
      if (++digits_ > kSizeDigits) return false;
      size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
      return size_ <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    }
    if (digits_ == 0) return false;
    if (c == '\r') return move(true, State::sizeFeed);
    return move(c == ';' || c == ' ' || c == '\t', State::extension);
  }

  bool inText(char c, State atEnd) {
    if (c == '\r') return move(true, atEnd);
    return (static_cast<unsigned char>(c) >= ' ' && c != 0x7f) || c == '\t';
  }

  static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }

  std::size_t trailerLimit_;
  State state_ = State::size;
  std::size_t at_ = 0;
  std::size_t line_ = 0;  // where what limit() is about began
  std::size_t sizeEnd_ = 0;
  std::size_t digits_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace

class BodyReader::Decoder {
 public:
  explicit Decoder(const BodyFrame& frame) : chunked_(!frame.length), between_(frame.trailerLimit) {
    parser_.body_limit(frame.limit);
    body().most = frame.limit;
    body().mayHold = frame.mayHold;
    // Beast gets a head of our own with the framing alone: it cannot read one that was checked
    // already in another way than the scanner did.
    const auto head = "POST / HTTP/1.1\r\n" +
                      (chunked_ ? std::string("Transfer-Encoding: chunked")
                                : "Content-Length: " + std::to_string(*frame.length)) +
                      "\r\n\r\n";
    put(head);
  }
  ~Decoder() { wipe(body().bytes); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Verdict feed(std::string_view bytes, std::size_t& taken) {
    while (error_ == Verdict::more) {
      if (parser_.is_done()) return Verdict::done;
      if (bytes.empty()) return Verdict::more;
      const auto used = chunked_ && left_ == 0 ? putBetween(bytes) : putBody(bytes);
      if (used == 0) return error_;
      taken += used;
      bytes.remove_prefix(used);
    }
    return error_;
  }

  std::string take() { return std::exchange(body().bytes, {}); }
  std::uint64_t wanted() const {
    return chunked_ ? left_ : parser_.content_length_remaining().value_or(0);
  }

 private:
  HeldBody::value_type& body() { return parser_.get().body(); }

  std::size_t putBetween(std::string_view bytes) {
    const auto verdict = between_.scan(bytes);
    if (verdict != Verdict::done) error_ = verdict;
    if (verdict != Verdict::done) return 0;
    left_ = between_.size();
    const auto used = between_.length();
    const std::string line(bytes.substr(0, between_.sizeEnd()));
    // Without the trailers: nobody asked for them, and Beast would read them as headers.
    put(left_ == 0 ? line + "\r\n" : line);
    between_.next();
    return used;
  }

  std::size_t putBody(std::string_view bytes) {
    const auto used = put(chunked_ ? bytes.substr(0, left_) : bytes);
    if (chunked_) left_ -= used;
    return used;
  }

  std::size_t put(std::string_view bytes) {
    boost::beast::error_code error;
    const auto used = parser_.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    if (error == http::error::body_limit) {
      error_ = Verdict::tooLarge;
    } else if (error == http::error::buffer_overflow) {
      error_ = Verdict::noRoom;
    } else if (error) {
      error_ = Verdict::malformed;
    }
    return used;
  }

  const bool chunked_;
  BetweenChunks between_;
  http::request_parser<HeldBody> parser_;
  std::uint64_t left_ = 0;  // of the current chunk
  Verdict error_ = Verdict::more;
};

BodyReader::BodyReader(const BodyFrame& frame) : decoder_(std::make_unique<Decoder>(frame)) {}
BodyReader::~BodyReader() = default;

Verdict BodyReader::feed(std::string_view bytes, std::size_t& taken) {
  return decoder_->feed(bytes, taken);
}

std::string BodyReader::take() { return decoder_->take(); }
std::uint64_t BodyReader::wanted() const { return decoder_->wanted(); }

}  // namespace pombo
