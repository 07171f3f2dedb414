// A block that is a program: this process becomes it.
#pragma once

#include <string>

#include "process/child.hpp"

namespace pombo {

// Gives up what a block's process does, tells the gateway what that was, and becomes `program`,
// which finds its arguments, PROGRAM "" LIMITS, and the pipe as docs/process-protocol.md has them.
// Throws std::runtime_error when it cannot; then this process is good for nothing else.
[[noreturn]] void becomeProgram(const std::string& name, const std::string& program,
                                const ProcessLimits&);

}  // namespace pombo
