// Finds and opens the library that a block of the configuration names, inside or in a process of
// its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "block/block_list.hpp"
#include "config.hpp"
#include "observe/logger.hpp"
#include "process/shards.hpp"

namespace pombo {

// Where a block's library is looked for, relative to the executable's folder; empty when nowhere.
std::string findLibrary(const Config&, const std::string& block);

// A block that was opened, and what its node in the YAML says to it; or one with a problem.
struct OpenedBlock {
  Block block;
  Json options = {};
};

// Outlives the blocks: their processes write to its logs.
class BlockOpener {
 public:
  using Tell = std::function<void(const std::string& block, RemoteBlock::Fate, int process,
                                  const Shards::Its&)>;

  // `database` is the file of SQLite's; empty when there is none. `tell` is told what becomes of
  // the process of each connector that has one.
  BlockOpener(const Config& config, const Environment& environment, std::string database, Log& log,
              Tell tell)
      : config_(config),
        environment_(environment),
        database_(std::move(database)),
        log_(log),
        tell_(std::move(tell)) {}

  // Logs what comes of it. Throws ConfigError only: a typing mistake is the operator's to mend, not
  // to find in a log.
  OpenedBlock open(const BlockConfig&);

 private:
  OpenedBlock opened(const BlockConfig&, const std::string& library);
  // In a process of its own, or several.
  std::unique_ptr<IBlockConfigurator> apart(const BlockConfig&, const Isolation&,
                                            boost::json::object& said);
  OpenedBlock refused(const BlockConfig&, const std::string& reason);

  const Config& config_;
  const Environment environment_;
  const std::string database_;
  Log& log_;
  const Tell tell_;
  std::vector<std::unique_ptr<ILogger>> logs_;  // of those in processes of their own
};

}  // namespace pombo
