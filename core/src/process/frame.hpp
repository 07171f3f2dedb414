// One message of the pipe: a call, a post (a call that nobody answers), or an answer.
#pragma once

#include <memory>
#include <optional>

#include "process/wire.hpp"

namespace pombo {

// Not what the protocol says: whoever writes such a thing is not listened to any longer.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Frame {
  std::uint64_t id = 0;   // of the call; 0: a post
  std::uint64_t in = 0;   // the call of the other side that it is made for; 0: for none
  std::string call = {};  // empty: an answer
  std::optional<std::int64_t> within = {};  // milliseconds that are left for the call
  Packed packed = {};                       // the arguments, or the result
  std::optional<Thrown> failure = {};       // instead of a result
  std::size_t size = 0;                     // of its text, once it was read
  std::shared_ptr<const void> weight = {};  // gives back what was counted for it
};

std::string textOf(const Frame&);
// Throws Malformed.
Frame frameOf(const std::string& text, Attachments attached);

}  // namespace pombo
