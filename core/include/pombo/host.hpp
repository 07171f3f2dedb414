// Everything a block may ask of the gateway, and nothing else.
#pragma once

#include "pombo/connector.hpp"
#include "pombo/event.hpp"
#include "pombo/fields.hpp"
#include "pombo/http.hpp"
#include "pombo/observe.hpp"
#include "pombo/storage.hpp"

namespace pombo {

struct ServerInfo {
  std::string version = {};  // "0.1.0"
  std::string baseUrl = {};  // how clients reach the server; no trailing "/"
  bool operator==(const ServerInfo&) const = default;
};

// What a front end gets when it makes or changes an instance. Shown to the client as it stands.
struct Provisioned {
  Instance instance = {};
  Json shown = {};  // as in the 201: the token, the blocks' objects, ...
  std::vector<std::string> warnings = {};
  bool operator==(const Provisioned&) const = default;
};

// Valid from start() until stop() returns. Every service is already scoped to the block: its own
// settings, its own tables, its own log and metric names. References live as long as the host.
class POMBO_API IHost {
 public:
  virtual ~IHost() = default;

  // The block's node of the YAML file: ${ENV} expanded, checked against options(). Never changes.
  virtual const Json& config() const = 0;
  virtual ServerInfo server() const = 0;  // [any thread], once the server listens
  virtual ILogger& log() = 0;
  virtual IMetrics& metrics() = 0;
  virtual IClock& clock() = 0;

  virtual ISettings& settings() = 0;
  virtual ISecrets& secrets() = 0;
  virtual ISql& sql() = 0;

  virtual IRoutes& routes() = 0;
  virtual IHttpClient& http() = 0;
  virtual IEvents& events() = 0;
  virtual IInstances& instances() = 0;

  // What other blocks offer, without naming them. [request]
  virtual std::optional<Proxy> proxyFor(const InstanceId&) const = 0;
  // By whichever connector links the instance: throws Error{unavailable} "No connector is
  // available", Error{unsupported} "Not supported by the <connector> connector".
  virtual Json perform(const Instance&, const std::string& operation, const Json& arguments) = 0;
  // The same with files, at most 8, which the arguments name by their places. [request]
  virtual Json performWith(const Instance&, const std::string& operation, const Json& arguments,
                           const std::vector<Media>& files) = 0;
  virtual Media media(const Event&) = 0;

  // For a second front end. The body is that of POST /api/instance/new, and so are the Errors; a
  // block that fails is in `shown`. [request]
  virtual Provisioned provision(const AccountId&, const Json& body) = 0;
  // Hands the blocks their fields of `body` again; those that it does not name keep what they have.
  // [request]
  virtual Provisioned configure(const Instance&, const Json& body) = 0;
};

}  // namespace pombo
