// Where a block's code runs, and why.
#pragma once

#include "config.hpp"
#include "process/supervisor.hpp"

namespace pombo {

struct Whereabouts {
  bool isolated = false;
  bool shipped = false;     // the library came with this build, byte for byte
  bool surprising = false;  // it should have
  std::string because = {};
};

// Of a block that is a program; throws std::runtime_error when it is not beside its library, or
// cannot be started.
void requireProgram(const std::string& library);

// The folder of this executable.
std::string homeFolder();

// A program runs in a process, and whoever says `inside` of it is told so: throws
// std::runtime_error. Else what the YAML says of the block, then of all blocks, then by who built
// it.
Whereabouts whereaboutsOf(const BlockConfig&, const Config&, const std::string& library);

// For one that is isolated, with the limits that the YAML gives by default. `log` outlives the
// block.
Isolation isolationOf(const std::string& block, const std::string& version,
                      const std::string& library, ILogger& log);
// With those that it gives. `database` is the file of SQLite's, beside which a program has its
// folder; empty: in the working directory.
Isolation isolationOf(const BlockConfig&, const std::string& version, const std::string& library,
                      const std::string& database, ILogger& log);

}  // namespace pombo
