// The one catch around calls into blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "pombo/observe.hpp"

namespace pombo {

// What went wrong, as a client may read it; nothing when all went well. A bug is logged in full and
// told as "internal error".
std::optional<std::string> failureOf(ILogger& log, const std::string& what,
                                     const std::function<void()>& call);

}  // namespace pombo
