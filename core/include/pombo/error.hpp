// The one way to fail. Core turns a Code into an HTTP status in exactly one place.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include "pombo/abi.hpp"

namespace pombo {

enum class Code {
  invalid,          // 400
  unauthorized,     // 401
  forbidden,        // 403
  notFound,         // 404
  conflict,         // 409
  tooLarge,         // 413
  upgradeRequired,  // 426
  rateLimited,      // 429
  internal,         // 500, with a sentence meant for the client
  unsupported,      // 501
  refused,          // 502: whoever we asked on the client's behalf said no
  unavailable,      // 503; of a connector: nothing was done, ask again
  timedOut,         // 504; of a connector: it may have been done
};

// The only exception that crosses the contract, as its code and its sentence: a class derived from
// it arrives as an Error. what() reaches the client as it stands, byte for byte, and never holds a
// secret. Anything else that is thrown is a bug: logged in full, answered without its text.
class POMBO_API Error : public std::runtime_error {
 public:
  Error(Code why, const std::string& sentence, std::chrono::seconds retryIn = {})
      : std::runtime_error(sentence), code(why), retryAfter(retryIn) {}

  const Code code;
  const std::chrono::seconds retryAfter;  // the Retry-After header; zero: none
};

}  // namespace pombo
