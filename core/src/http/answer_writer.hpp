// The head of an answer, as bytes. Pure.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "http/exchange.hpp"

namespace pombo {

// What the edge knows about an answer and its service does not.
struct AnswerFrame {
  bool http10 = false;     // the request's version
  bool keepAlive = false;  // the connection goes on after it
  std::string_view requestId;
  std::string_view date;  // of httpDate()
};

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string httpDate(std::time_t when);

// Whether an answer of this status may have a body at all.
bool allowsBody(int status);
std::uint64_t contentLength(const Answer&);

// Status line to empty line. Headers that frame or name the connection are the edge's: the answer's
// own are left out, and so is whatever would break out of its line.
std::string writeAnswerHead(const Answer&, const AnswerFrame&);

}  // namespace pombo
