// What the operator has said: the YAML file, and the environment over it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "pombo/fields.hpp"

namespace pombo {

// Its text is for the operator: it names the file, the line and the key.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct BlockConfig {
  std::string name;
  bool enabled = true;
  bool required = false;                       // refuse to start without it
  std::chrono::seconds budget{15};             // of one call into it
  int laneWorkers = 4;                         // threads of a sink of its own
  std::string isolation = "auto";              // or "process", "inside"
  Json process;                                // every key of processKeys()
  Json options;                                // the block's own keys, as they stand
  std::string where;                           // "config/pombo.yaml:41"
  std::map<std::string, std::string> whereOf;  // the same for each of its keys
};

struct Config {
  std::string database = "sqlite:pombo.db";
  // Every key is there.
  Json http, storage, security, plugins, egress, limits, log, metrics, admin, audit, events,
      sockets, link, media;
  std::vector<BlockConfig> blocks;  // in file order
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment processEnvironment();

// ./config/pombo.yaml, then /etc/pombo/pombo.yaml; throws when there is neither.
std::string defaultConfigFile();
Config readConfig(const std::string& file, const Environment&);
Config parseConfig(const std::string& yaml, const std::string& fileName, const Environment&);

// A block's keys, strict and with its fallbacks, the environment over them:
// POMBO_BLOCKS_<NAME>_<KEY>.
Json optionsOf(const BlockConfig&, const std::vector<Field>& table, const Environment&);

// The sections and their keys; a test compares them with config/pombo.yaml.
struct Section {
  std::string name;
  std::vector<Field> keys;
};
const std::vector<Section>& configSections();
// Of `process`, which every block takes.
const std::vector<Field>& processKeys();
// Of `lane`, likewise.
const std::vector<Field>& laneKeys();

}  // namespace pombo
