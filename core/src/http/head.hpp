// The head of an HTTP/1.x request, read strictly. What is wrong is refused at the byte that is
// wrong, not when the head should have ended: most broken heads never end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/exchange.hpp"

namespace pombo {

struct HeadLimits {
  std::size_t bytes = 16 * 1024;  // request line, headers and the empty line behind them
  std::size_t headers = 100;
};

struct ScannedHead {
  RequestHead request = {};  // all but `id` and `peer`
  bool http10 = false;
  bool keepAlive = true;        // what the client asks for
  bool expectContinue = false;  // "Expect: 100-continue"
};

// Pure: bytes in, a verdict out. Each byte is looked at once, however many reads bring them.
class HeadScanner {
 public:
  enum class Verdict { more, done, malformed, versionUnknown, tooLarge };

  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}

  // `bytes` is all of the request that has come so far, from its first byte on; longer each time.
  Verdict scan(std::string_view bytes);
  std::size_t size() const { return at_; }  // of the head, once done
  ScannedHead take();                       // once done; the scanner is as new afterwards
  const std::string& method() const { return head_.request.method; }  // empty: not known yet

 private:
  enum class State { method, target, version, requestLine, line, name, value, header, end };

  Verdict step(std::string_view seen);
  Verdict inMethod(std::string_view seen);
  Verdict inTarget(std::string_view seen);
  Verdict inVersion(std::string_view seen);
  Verdict inName(std::string_view seen);
  Verdict inValue(std::string_view seen);
  // The byte must be a line feed; then what the line said is judged.
  Verdict atRequestLineEnd(std::string_view seen);
  Verdict atHeaderEnd(std::string_view seen);
  Verdict atHeadEnd(std::string_view seen);

  // At the first byte of a line behind the request line.
  Verdict atLine(char first);
  Verdict addHeader(std::string value);
  void skip(std::string_view seen, unsigned kind);
  std::string_view marked(std::string_view seen) const { return seen.substr(mark_, at_ - mark_); }

  HeadLimits limits_;
  State state_ = State::method;
  std::size_t at_ = 0;    // the next byte to look at
  std::size_t mark_ = 0;  // where the current word began
  std::size_t count_ = 0;
  std::string name_;       // of the header being read, in lower case
  std::string authority_;  // of an absolute target
  ScannedHead head_;
};

}  // namespace pombo
