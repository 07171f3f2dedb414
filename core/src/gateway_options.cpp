#include "gateway_options.hpp"

#include <algorithm>

#include "http/descriptor_limit.hpp"
#include "instance/identity.hpp"

namespace pombo {

std::string textAt(const Json& section, const char* key) {
  const auto* text = section.at(key).if_string();
  return text ? std::string(*text) : std::string();
}
std::int64_t numberAt(const Json& section, const char* key) { return section.at(key).as_int64(); }
std::vector<std::string> listAt(const Json& section, const char* key) {
  return boost::json::value_to<std::vector<std::string>>(section.at(key));
}

StoreOptions storeOptionsOf(const Config& config, const Environment& environment) {
  return {{config.database, textAt(config.storage, "synchronous")},
          environment("POMBO_MASTER_KEY").value_or(""),
          textAt(config.security, "keyFile")};
}

AdmissionOptions admissionOptionsOf(const Config& config) {
  const std::string adminToken = textAt(config.admin, "token");
  if (!adminToken.empty() && adminToken.size() < 32)
    throw ConfigError("admin.token must be at least 32 characters");
  return {.slowPerAccount = static_cast<int>(numberAt(config.limits, "slowPerAccount")),
          .anonymousPerMinute = static_cast<int>(numberAt(config.limits, "anonymousPerMinute")),
          .resourcePerMinute = static_cast<int>(numberAt(config.limits, "resourcePerMinute")),
          .adminPerMinute = static_cast<int>(numberAt(config.limits, "adminPerMinute")),
          .adminToken = adminToken};
}

RouterOptions routerOptionsOf(const Config& config) {
  return {static_cast<int>(numberAt(config.http, "workers")),
          static_cast<int>(numberAt(config.http, "slowWorkers")),
          std::chrono::seconds(numberAt(config.http, "budgetSeconds")),
          config.log.at("access").as_bool()};
}

LinkTimes linkTimesOf(const Config& config) {
  return {std::chrono::seconds(numberAt(config.link, "codeSeconds")),
          std::chrono::seconds(numberAt(config.link, "scanSeconds"))};
}

SpoolOptions spoolOptionsOf(const Config& config, const std::string& database) {
  const auto megabytes = [&](const char* key) {
    return static_cast<std::uint64_t>(numberAt(config.media, key)) << 20;
  };
  std::string folder = textAt(config.media, "folder");
  if (folder.empty()) folder = database.empty() ? "pombo.media" : database + ".media";
  return {.folder = std::move(folder),
          .bytes = megabytes("storeMb"),
          .files = static_cast<std::uint64_t>(numberAt(config.media, "storeFiles")),
          .instanceBytes = megabytes("instanceMb"),
          .freeBytes = megabytes("freeMb"),
          .largest = megabytes("fileMb"),
          .lifetime = std::chrono::days(numberAt(config.media, "days"))};
}

namespace {

constexpr std::size_t kMostPrepared = 16'384;

EdgeOptions edgeOptionsOf(const Config& config, const std::string& listen, Log& log) {
  EdgeOptions options;
  options.listen = listen;
  options.threads = static_cast<int>(numberAt(config.http, "ioThreads"));
  options.newId = newId;
  options.bodyMemory = static_cast<std::uint64_t>(numberAt(config.http, "bodyMemoryMb")) << 20;
  options.heartbeat = {std::chrono::seconds(numberAt(config.sockets, "pingSeconds")),
                       std::chrono::seconds(numberAt(config.sockets, "pongSeconds"))};
  options.log = &log;
  return options;
}

// What is not for connections: a request may have one to the database and one to somebody else, an
// attempt has one, and thousands are kept for the next.
std::size_t ownDescriptorsOf(const Config& config) {
  return static_cast<std::size_t>(
      5120 + numberAt(config.events, "inFlight") +
      4 * (numberAt(config.http, "workers") + numberAt(config.http, "slowWorkers")));
}

std::size_t connectionsOf(const Config& config, Log& log) {
  const std::size_t limit = raiseDescriptorLimit();
  const auto wanted = static_cast<std::size_t>(numberAt(config.http, "connections"));
  const std::size_t own = ownDescriptorsOf(config);
  const std::size_t connections = connectionsWithin(limit, own, wanted);
  log.write(Level::info, "Files that may be open",
            {{"limit", limit}, {"connections", connections}});
  if (connections < wanted)
    log.write(Level::warn,
              "Too few files may be open for http.connections: raise the hard limit (LimitNOFILE= "
              "of a systemd unit, --ulimit nofile= of a container), or lower http.connections",
              {{"limit", limit}, {"needed", wanted + own}, {"connections", connections}});
  return connections;
}

}  // namespace

EdgeOptions publicEdgeOptionsOf(const Config& config, Log& log,
                                std::function<bool(const std::string&)> isTrusted) {
  EdgeOptions options = edgeOptionsOf(config, textAt(config.http, "listen"), log);
  options.connections = {connectionsOf(config, log),
                         static_cast<std::size_t>(numberAt(config.http, "connectionsPerAddress")),
                         std::move(isTrusted)};
  options.prepared = std::min(options.connections.all, kMostPrepared);
  return options;
}

// The others are for those that ask.
SocketLimits socketLimitsOf(const Config& config, std::size_t connections) {
  return {connections / 4 * 3,
          static_cast<std::uint64_t>(numberAt(config.sockets, "queueMb")) << 20,
          config.sockets.at("compression").as_bool()};
}

EdgeOptions metricsEdgeOptionsOf(const Config& config, const std::string& listen, Log& log) {
  EdgeOptions options = edgeOptionsOf(config, listen, log);
  options.connections = {.all = 64, .perAddress = 0};
  return options;
}

}  // namespace pombo
