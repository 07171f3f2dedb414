#include "config.hpp"

#include <yaml-cpp/yaml.h>

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "block/field_table.hpp"
#include "block/loader.hpp"

namespace pombo {
namespace {

Field text(const char* name, const char* fallback, bool secret = false) {
  return {.name = name, .fallback = fallback, .secret = secret};
}
Field list(const char* name, boost::json::array fallback) {
  return {.name = name, .type = Type::strings, .fallback = std::move(fallback)};
}
Field number(const char* name, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  return {.name = name, .type = Type::integer, .fallback = fallback, .min = min, .max = max};
}
Field flag(const char* name, bool fallback) {
  return {.name = name, .type = Type::boolean, .fallback = fallback};
}
Field choice(const char* name, const char* fallback, std::vector<std::string> choices) {
  return {.name = name, .fallback = fallback, .choices = std::move(choices)};
}

Field isolationKey() { return choice("isolation", "auto", {"auto", "process", "inside"}); }

const std::vector<Field>& blockKeys() {
  static const std::vector<Field> keys{flag("enabled", true), flag("required", false),
                                       number("budgetSeconds", 15, 1, 600), isolationKey()};
  return keys;
}

// A block's name is a key in answers and the beginning of its tables and metrics: these are taken.
bool isReserved(const std::string& name) {
  static const std::set<std::string> words{
      "id",       "name",    "token",    "status", "connector", "connection", "profile",
      "account",  "audit",   "block",    "core",   "edge",      "event",      "events",
      "delivery", "http",    "instance", "rate",   "schema",    "server",     "settings",
      "sqlite",   "storage", "sockets",  "media"};
  return words.contains(name);
}

// maxInFlight -> MAX_IN_FLIGHT
std::string environmentWord(const std::string& key) {
  std::string word;
  for (const char c : key) {
    if (std::isupper(static_cast<unsigned char>(c)) && !word.empty()) word.push_back('_');
    word.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return word;
}

Json listOf(const std::string& commas) {
  boost::json::array items;
  std::istringstream in(commas);
  for (std::string item; std::getline(in, item, ',');) {
    const auto first = item.find_first_not_of(' ');
    if (first == item.npos) continue;
    items.emplace_back(item.substr(first, item.find_last_not_of(' ') - first + 1));
  }
  return items;
}

// A plain scalar is what it looks like, unless something of it would be lost: a token may be all
// digits. Numbers that are wanted are read from texts as well.
Json plainValue(const std::string& scalar) {
  if (scalar == "true" || scalar == "false") return scalar == "true";
  if (scalar.empty() || scalar == "null" || scalar == "~") return nullptr;
  std::int64_t whole = 0;
  const char* const end = scalar.data() + scalar.size();
  if (const auto [at, error] = std::from_chars(scalar.data(), end, whole);
      error == std::errc() && at == end && std::to_string(whole) == scalar)
    return whole;
  return Json(scalar);
}

void overlay(boost::json::object& given, const std::vector<Field>& table, const std::string& prefix,
             const Environment& environment) {
  for (const auto& field : table) {
    const auto value = environment(prefix + environmentWord(field.name));
    if (!value) continue;
    if (field.type == Type::strings)
      given[field.name] = listOf(*value);
    else if (field.type == Type::boolean || field.type == Type::number)
      given[field.name] = plainValue(*value);
    else
      given[field.name] = *value;
  }
}

class Reader {
 public:
  Reader(std::string file, const Environment& environment)
      : file_(std::move(file)), environment_(environment) {}

  Config read(const std::string& yaml) {
    YAML::Node root;
    try {
      root = YAML::Load(yaml);
    } catch (const YAML::Exception& error) {
      throw ConfigError(file_ + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
    }
    if (!root.IsMap() && !root.IsNull()) fail(root, "the file is not a map of keys");
    requireKnown(root);
    Config config;
    if (const auto node = root["database"]) config.database = textOf(node, "database");
    if (const auto value = environment_("POMBO_DATABASE")) config.database = *value;
    for (const auto& section : configSections())
      memberOf(config, section.name) = sectionOf(root[section.name], section);
    requirePatience(config.sockets, root["websocket"]);
    requireFiles(config.media, root["media"]);
    if (const auto node = root["blocks"]) readBlocks(node, config);
    return config;
  }

 private:
  std::string where(const YAML::Node& node) const {
    return file_ + ":" + std::to_string(node.Mark().line + 1);
  }
  [[noreturn]] void fail(const YAML::Node& node, const std::string& why) const {
    throw ConfigError(where(node) + ": " + why);
  }

  std::string keyIn(const YAML::Node& node) const {
    if (!node.IsScalar()) fail(node, "a key must be a word");
    return node.Scalar();
  }

  static Json& memberOf(Config& config, const std::string& section) {
    if (section == "http") return config.http;
    if (section == "storage") return config.storage;
    if (section == "security") return config.security;
    if (section == "plugins") return config.plugins;
    if (section == "egress") return config.egress;
    if (section == "limits") return config.limits;
    if (section == "log") return config.log;
    if (section == "audit") return config.audit;
    if (section == "events") return config.events;
    if (section == "websocket") return config.sockets;
    if (section == "link") return config.link;
    if (section == "media") return config.media;
    return section == "metrics" ? config.metrics : config.admin;
  }

  void requireKnown(const YAML::Node& root) const {
    std::set<std::string> known{"database", "blocks"};
    for (const auto& section : configSections()) known.insert(section.name);
    std::set<std::string> seen;
    for (const auto& entry : root) {
      const auto key = keyIn(entry.first);
      if (!known.contains(key)) fail(entry.first, "unknown key '" + key + "'");
      if (!seen.insert(key).second) fail(entry.first, "key '" + key + "' stands there twice");
    }
  }

  Json sectionOf(const YAML::Node& node, const Section& section) const {
    boost::json::object given;
    if (node && !node.IsNull()) given = objectOf(node, section.name);
    if (node && node.IsMap())
      for (const auto& entry : node)
        if (const auto key = keyIn(entry.first); !fieldNamed(section.keys, key))
          fail(entry.first, "unknown key '" + section.name + "." + key + "'");
    overlay(given, section.keys, "POMBO_" + environmentWord(section.name) + "_", environment_);
    try {
      return checked(section.keys, given).values;
    } catch (const Error& error) {
      throw ConfigError((node ? where(node) : file_) + ": " + section.name + ": " + error.what());
    }
  }

  void requirePatience(const Json& sockets, const YAML::Node& node) const {
    if (sockets.at("pongSeconds").as_int64() > sockets.at("pingSeconds").as_int64()) return;
    throw ConfigError((node ? where(node) : file_) +
                      ": websocket: pongSeconds must be more than pingSeconds");
  }

  void requireFiles(const Json& media, const YAML::Node& node) const {
    if (media.at("linkHours").as_int64() <= media.at("days").as_int64() * 24) return;
    throw ConfigError((node ? where(node) : file_) +
                      ": media: linkHours must not be more than days, in which a file is gone");
  }

  void readBlocks(const YAML::Node& node, Config& config) const {
    if (node.IsNull()) return;
    if (!node.IsMap()) fail(node, "'blocks' must be a map");
    std::set<std::string> seen;
    for (const auto& entry : node) {
      BlockConfig block;
      block.name = keyIn(entry.first);
      block.where = where(entry.first);
      if (!isBlockName(block.name))
        fail(entry.first, "'" + block.name + "' is no name of a block: [a-z][a-z0-9]*");
      if (isReserved(block.name))
        fail(entry.first, "'" + block.name + "' is a word of the server's own, and no block's");
      if (!seen.insert(block.name).second)
        fail(entry.first, "block '" + block.name + "' stands there twice");
      boost::json::object given, own;
      if (!entry.second.IsNull()) given = objectOf(entry.second, "blocks." + block.name);
      for (const auto& key : entry.second) block.whereOf[keyIn(key.first)] = where(key.first);
      for (const auto& member : given)
        if (fieldNamed(blockKeys(), member.key())) own[member.key()] = member.value();
      for (const auto& member : own) given.erase(member.key());
      given.erase("process");
      given.erase("lane");
      const std::string prefix = "POMBO_BLOCKS_" + environmentWord(block.name) + "_";
      overlay(own, blockKeys(), prefix, environment_);
      auto process = partOf(entry.second, block.name, "process", processKeys());
      overlay(process, processKeys(), prefix + "PROCESS_", environment_);
      auto lane = partOf(entry.second, block.name, "lane", laneKeys());
      overlay(lane, laneKeys(), prefix + "LANE_", environment_);
      try {
        const Json values = checked(blockKeys(), own).values;
        block.enabled = values.at("enabled").as_bool();
        block.required = values.at("required").as_bool();
        block.budget = std::chrono::seconds(values.at("budgetSeconds").as_int64());
        block.isolation = values.at("isolation").as_string();
        block.process = checked(processKeys(), process).values;
        block.laneWorkers =
            static_cast<int>(checked(laneKeys(), lane).values.at("workers").as_int64());
      } catch (const Error& error) {
        throw ConfigError(block.where + ": blocks." + block.name + ": " + error.what());
      }
      block.options = std::move(given);
      config.blocks.push_back(std::move(block));
    }
  }

  boost::json::object partOf(const YAML::Node& block, const std::string& name, const char* part,
                             const std::vector<Field>& keys) const {
    const auto node = block.IsMap() ? block[part] : YAML::Node();
    if (!node.IsDefined() || node.IsNull()) return {};
    const std::string path = "blocks." + name + "." + part;
    auto given = objectOf(node, path);
    for (const auto& entry : node)
      if (const auto key = keyIn(entry.first); !fieldNamed(keys, key))
        fail(entry.first, "unknown key '" + path + "." + key + "'");
    return given;
  }

  boost::json::object objectOf(const YAML::Node& node, const std::string& path,
                               int depth = 0) const {
    if (!node.IsMap()) fail(node, "'" + path + "' must be a map");
    boost::json::object object;
    for (const auto& entry : node) {
      const auto key = keyIn(entry.first);
      if (object.contains(key))
        fail(entry.first, "key '" + path + "." + key + "' stands there twice");
      size_ += key.size();
      object[key] = jsonOf(entry.second, path + "." + key, depth + 1);
    }
    return object;
  }

  Json jsonOf(const YAML::Node& node, const std::string& path, int depth) const {
    // By its aliases a small file says a large one, or one without end.
    size_ += kOfAValue + node.Scalar().size();
    if (depth > kDeepest) fail(node, "values are nested too deeply");
    if (size_ > kLargest) fail(node, "the file says too much");
    if (node.IsMap()) return objectOf(node, path, depth);
    if (node.IsSequence()) {
      boost::json::array items;
      for (const auto& item : node) {
        Json value = jsonOf(item, path, depth + 1);
        // In a list of texts "10" and "true" are texts, quoted or not.
        items.push_back(item.IsScalar() ? Json(expanded(item)) : std::move(value));
      }
      return items;
    }
    if (node.IsNull()) return nullptr;
    return node.Tag() == "!" ? Json(expanded(node)) : plainValue(expanded(node));
  }

  std::string textOf(const YAML::Node& node, const std::string& path) const {
    if (!node.IsScalar()) fail(node, "'" + path + "' must be a string");
    return expanded(node);
  }

  // ${NAME}, or ${NAME:-what to take when it is not set}
  std::string expanded(const YAML::Node& node) const {
    const std::string raw = node.Scalar();
    std::string out;
    for (std::size_t at = 0; at < raw.size();) {
      const auto open = raw.find("${", at);
      const auto close = open == raw.npos ? raw.npos : raw.find('}', open);
      if (close == raw.npos) return out + raw.substr(at);
      out += raw.substr(at, open - at);
      const std::string inside = raw.substr(open + 2, close - open - 2);
      const auto split = inside.find(":-");
      const auto value = environment_(inside.substr(0, split));
      if (!value && split == inside.npos) fail(node, "the environment has no '" + inside + "'");
      out += value ? *value : inside.substr(split + 2);
      size_ += value ? value->size() : 0;
      at = close + 1;
    }
    return out;
  }

  static constexpr int kDeepest = 32;
  static constexpr std::size_t kLargest = 1 << 20, kOfAValue = 64;  // bytes

  const std::string file_;
  const Environment& environment_;
  mutable std::size_t size_ = 0;  // of what was read, about
};

}  // namespace

const std::vector<Section>& configSections() {
  static const std::vector<Section> sections{
      {"http",
       {text("listen", "127.0.0.1:8080"), text("baseUrl", ""), number("ioThreads", 2, 1, 64),
        number("workers", 64, 1, 1024), number("slowWorkers", 32, 1, 1024),
        number("budgetSeconds", 30, 1, 600), number("drainSeconds", 20, 0, 600),
        list("trustedProxies", {}), list("origins", {}), flag("openapi", true), flag("docs", true),
        number("connections", 16'384, 16, 1'000'000),
        number("connectionsPerAddress", 256, 0, 1'000'000),
        number("bodyMemoryMb", 256, 16, 1'048'576)}},
      {"storage", {choice("synchronous", "full", {"full", "normal"})}},
      {"security", {text("keyFile", "")}},
      {"plugins", {list("path", {"plugins"}), isolationKey()}},
      {"egress", {list("allow", {}), flag("proxyPrivate", true)}},
      {"limits",
       {number("anonymousPerMinute", 100, 1, 1'000'000),
        number("resourcePerMinute", 600, 1, 1'000'000), number("adminPerMinute", 100, 1, 1'000'000),
        number("slowPerAccount", 8, 1, 1024)}},
      {"log",
       {choice("level", "info", {"debug", "info", "warn", "error", "off"}), flag("access", true),
        number("blockLinesPerSecond", 100, 1, 1'000'000)}},
      {"metrics",
       {text("listen", ""), text("token", "", true), list("allow", {"127.0.0.0/8", "::1/128"})}},
      {"admin", {text("token", "", true)}},
      {"audit", {text("file", "")}},
      {"events",
       {flag("includeToken", true), choice("messageShape", "live", {"live", "catalog"}),
        flag("history", false), number("deliveredHours", 24, 0, 8760),
        number("deadDays", 14, 0, 3650), number("queueDeliveries", 100'000, 1, 100'000'000),
        number("queueMb", 2048, 1, 1'048'576), number("inFlight", 2048, 16, 65'536)}},
      {"websocket",
       {list("origins", {}), number("pingSeconds", 25, 1, 3600),
        number("pongSeconds", 60, 1, 86'400), number("queueMb", 256, 16, 1'048'576),
        flag("compression", true)}},
      {"link", {number("codeSeconds", 60, 1, 60), number("scanSeconds", 180, 1, 86'400)}},
      {"media",
       {text("folder", ""), number("storeMb", 20'480, 1, 1'073'741'824),
        number("storeFiles", 100'000, 1, 10'000'000), number("instanceMb", 5120, 1, 1'073'741'824),
        number("freeMb", 512, 0, 1'073'741'824), number("fileMb", 64, 1, 4096),
        number("days", 7, 1, 3650), number("linkHours", 72, 1, 8760)}}};
  return sections;
}

const std::vector<Field>& processKeys() {
  static const std::vector<Field> keys{
      number("memoryMb", 512, 16, 1'048'576), number("openFiles", 256, 32, 65'536),
      number("cpuSeconds", 60, 0, 86'400),    list("mayRead", {}),
      number("processes", 1, 1, 64),          text("folder", ""),
      number("callSeconds", 10, 1, 600),      number("startSeconds", 30, 1, 600)};
  return keys;
}

const std::vector<Field>& laneKeys() {
  static const std::vector<Field> keys{number("workers", 4, 1, 256)};
  return keys;
}

Environment processEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

std::string defaultConfigFile() {
  for (const char* file : {"config/pombo.yaml", "/etc/pombo/pombo.yaml"})
    if (std::filesystem::exists(file)) return file;
  throw ConfigError(
      "no configuration: neither ./config/pombo.yaml nor /etc/pombo/pombo.yaml is there; "
      "give one with --config FILE");
}

Config parseConfig(const std::string& yaml, const std::string& fileName,
                   const Environment& environment) {
  return Reader(fileName, environment).read(yaml);
}

Config readConfig(const std::string& file, const Environment& environment) {
  std::ifstream in(file);
  if (!in) throw ConfigError("cannot read the configuration file " + file);
  const std::string yaml{std::istreambuf_iterator<char>(in), {}};
  return parseConfig(yaml, file, environment);
}

Json optionsOf(const BlockConfig& block, const std::vector<Field>& table,
               const Environment& environment) {
  boost::json::object given =
      block.options.is_object() ? block.options.get_object() : boost::json::object();
  for (const auto& member : given)
    if (const std::string key(member.key()); !fieldNamed(table, key))
      throw ConfigError(block.whereOf.at(key) + ": unknown key 'blocks." + block.name + "." + key +
                        "'");
  overlay(given, table, "POMBO_BLOCKS_" + environmentWord(block.name) + "_", environment);
  try {
    return checked(table, given).values;
  } catch (const Error& error) {
    throw ConfigError(block.where + ": blocks." + block.name + ": " + error.what());
  }
}

}  // namespace pombo
