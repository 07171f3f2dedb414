// What a process gives up before it opens a block's library.
#pragma once

#include <string>
#include <vector>

#include "process/child.hpp"

namespace pombo {

// For good, and for every thread that is made afterwards. What the kernel does not offer, or this
// user may not ask for, is left out: the answer names what is in force, in this order:
//   limits     memory, descriptors, no core dumps; a signal when the gateway's thread ends
//   user       another user than the gateway's (only for root)
//   landlock   no file but the system's libraries, `library` and what the operator has named
//   seccomp    no new programs or processes, no tracing, mounting, or signals to others
// Throws std::runtime_error for an operator's file that cannot be opened.
std::vector<std::string> enterSandbox(const std::string& name, int library, const ProcessLimits&);

// What would be in force for a process that was started now, as far as can be told from here.
std::vector<std::string> availableProtection();

// The parts; each says whether it is in force.
bool restrictFiles(int library, const std::vector<std::string>& mayRead);
bool filterSystemCalls();
bool knowsLandlock();
bool knowsSeccomp();

}  // namespace pombo
