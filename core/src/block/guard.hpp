// The one catch around calls into blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "pombo/observe.hpp"

namespace pombo {

// What went wrong, as a client may read it; null when all went well.
using Failure = std::shared_ptr<const Error>;

// A bug is logged in full and told as "internal error".
Failure failureOf(ILogger& log, const std::string& what, const std::function<void()>& call);

}  // namespace pombo
