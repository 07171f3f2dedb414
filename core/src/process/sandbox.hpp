// What a process gives up before it opens a block's library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "process/child.hpp"

namespace pombo {

// For good, and for every thread that is made afterwards. What the kernel does not offer, or this
// user may not ask for, is left out: the answer names what is in force, in this order:
//   limits     memory, descriptors, no core dumps; a signal when the gateway's thread ends
//   user       another user than the gateway's (only for root)
//   landlock   no file but the system's libraries, `code`, what the operator has named, and its
//              folder, in which it may write, but start nothing
//   seccomp    no new programs or processes, no tracing, mounting, or signals to others
// `code` is the block's library or, with a pass, its program: the one that is let through after
// that, to whoever shows this number. Throws std::runtime_error for an operator's file that cannot
// be opened, or a folder that cannot be the process's own.
std::vector<std::string> enterSandbox(const std::string& name, int code, const ProcessLimits&,
                                      std::optional<std::uint64_t> pass = {});

// What would be in force for a process that was started now, as far as can be told from here.
std::vector<std::string> availableProtection();

// The parts; each says whether it is in force.
bool restrictFiles(int code, const ProcessLimits&);
bool filterSystemCalls(const std::optional<std::uint64_t>& pass);
bool knowsLandlock();
bool knowsSeccomp();

}  // namespace pombo
