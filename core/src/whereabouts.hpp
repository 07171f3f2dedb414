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

// The folder of this executable.
std::string homeFolder();

// What the YAML says of the block, then of all blocks, then by who built it.
Whereabouts whereaboutsOf(const BlockConfig&, const Config&, const std::string& library);

// For one that is isolated, with the limits that the YAML gives by default. `log` outlives the
// block.
Isolation isolationOf(const std::string& block, const std::string& version,
                      const std::string& library, ILogger& log);
// With those that it gives.
Isolation isolationOf(const BlockConfig&, const std::string& version, const std::string& library,
                      ILogger& log);

}  // namespace pombo
