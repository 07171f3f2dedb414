#include <array>
#include <cctype>
#include <mutex>

#include "pombo/block.hpp"

namespace {

using namespace pombo;

// A proxy and its credentials are one sealed text: they change together, and whoever dials never
// sees the password of one with the host of another.
const std::string kSealed = "proxy";

// "proxyHost" in a create request, "host" in the block's own route.
std::string named(const std::string& prefix, std::string word) {
  if (!prefix.empty()) word[0] = static_cast<char>(std::toupper(word[0]));
  return prefix + word;
}

std::vector<Field> tableOf(const std::string& prefix) {
  const auto name = [&](const char* word) { return named(prefix, word); };
  return {{.name = name("enabled"),
           .type = Type::boolean,
           .fallback = false,
           .doc = "Dials out through the proxy; false removes it and its credentials.",
           .need = prefix.empty() ? Need::always : Need::optional},
          {.name = name("host"),
           .doc = "IP address or host name; required when enabled.",
           .need = Need::whenEnabled,
           .text = Text::host},
          {.name = name("port"),
           .doc = "1 to 65535; required when enabled.",
           .need = Need::whenEnabled,
           .min = 1,
           .max = 65535},
          {.name = name("protocol"),
           .doc = "How the proxy is spoken to; required when enabled.",
           .need = Need::whenEnabled,
           .choices = {"http", "https", "socks5"}},
          {.name = name("username"),
           .doc = "For a proxy that asks for one.",
           .maxLength = 255,
           .text = Text::printable},
          {.name = name("password"),
           .doc = "Left out, it stays the same as long as host and username do.",
           .secret = true,
           .maxLength = 255,
           .text = Text::printable}};
}

// The schema of what both routes answer.
Json replyOf(const char* message) {
  Json reply = boost::json::parse(R"json({
    "type": "object",
    "required": ["success", "message", "proxy"],
    "properties": {
      "success": {"const": true},
      "proxy": {
        "type": "object",
        "required": ["enabled", "host", "port", "protocol", "username", "password"],
        "properties": {
          "enabled": {"type": "boolean"},
          "host": {"type": ["string", "null"]},
          "port": {"type": ["string", "null"], "pattern": "^[0-9]+$"},
          "protocol": {"enum": ["http", "https", "socks5", null]},
          "username": {"type": ["string", "null"]},
          "password": {"type": "null", "description": "Never shown."}}}}})json");
  reply.at("properties").as_object()["message"] = {{"const", message}};
  return reply;
}

constexpr auto kRetrieved = "Proxy configuration retrieved successfully";
constexpr auto kUpdated = "Proxy configuration updated successfully";

// The proxy that an instance dials out through.
class ProxyBlock final : public IBlockConfigurator, private IProxySource {
 public:
  std::vector<Field> fields() const override { return tableOf("proxy"); }

  void start(IHost& host) override {
    host_ = &host;
    host.routes().add(
        {.path = "/api/instance/getProxy/:instance",
         .summary = "The instance's own proxy",
         .reply = replyOf(kRetrieved),
         .failure = "Failed to get proxy configuration"},
        [this](const HttpRequest& request) { return shown(*request.instance, kRetrieved); });
    host.routes().add({.method = Method::post,
                       .path = "/api/instance/proxy/:instance",
                       .summary = "Sets or removes the instance's proxy",
                       .body = tableOf(""),
                       .reply = replyOf(kUpdated),
                       .failure = "Failed to update proxy configuration"},
                      [this](const HttpRequest& request) {
                        keep(request.instance->id, Fields(request.fields), "");
                        return shown(*request.instance, kUpdated);
                      });
  }

  void configure(const Instance& instance, const Fields& slice) override {
    keep(instance.id, slice, "proxy");
  }

  Json summary(const Instance& instance) override {
    boost::json::object shown{{"enabled", false},    {"host", nullptr},     {"port", nullptr},
                              {"protocol", nullptr}, {"username", nullptr}, {"password", nullptr}};
    const auto known = proxyFor(instance.id);
    if (!known) return shown;
    shown["enabled"] = true;
    shown["host"] = known->host;
    shown["port"] = std::to_string(known->port);
    shown["protocol"] = known->protocol;
    if (!known->username.empty()) shown["username"] = known->username;
    return shown;
  }

  IProxySource* proxies() noexcept override { return this; }

 private:
  // One row is read and nothing is remembered: a change counts from the next dial on.
  std::optional<Proxy> proxyFor(const InstanceId& id) const override {
    const auto sealed = host_->secrets().open(id, kSealed);
    if (!sealed) return std::nullopt;
    const Json document = boost::json::parse(*sealed);
    const Fields known(document);
    return Proxy{.protocol = known.require<std::string>("protocol"),
                 .host = known.require<std::string>("host"),
                 .port = known.require<std::uint16_t>("port"),
                 .username = known.require<std::string>("username"),
                 .password = known.require<std::string>("password")};
  }

  // Types, ranges and syntax are checked by now.
  void keep(const InstanceId& id, const Fields& given, const std::string& prefix) {
    const auto text = [&](const char* word) {
      return given.get<std::string>(named(prefix, word), "");
    };
    if (!given.require<bool>(named(prefix, "enabled"))) {
      const std::lock_guard lock(lockOf(id));
      return host_->secrets().erase(id, kSealed);
    }
    Proxy proxy{.protocol = text("protocol"),
                .host = text("host"),
                .port = static_cast<std::uint16_t>(std::stoul(text("port"))),
                .username = text("username"),
                .password = text("password")};
    host_->http().requireAllowedProxy(proxy.host);
    const std::lock_guard lock(lockOf(id));
    if (proxy.password.empty())
      if (const auto known = proxyFor(id);
          known && known->host == proxy.host && known->username == proxy.username)
        proxy.password = known->password;
    host_->secrets().seal(id, kSealed,
                          serialize(Json{{"protocol", proxy.protocol},
                                         {"host", proxy.host},
                                         {"port", proxy.port},
                                         {"username", proxy.username},
                                         {"password", proxy.password}}));
  }

  HttpReply shown(const Instance& instance, const char* message) {
    return {.body = {{"success", true}, {"message", message}, {"proxy", summary(instance)}}};
  }

  std::mutex& lockOf(const InstanceId& id) {
    return locks_[std::hash<std::string>{}(id.value) % locks_.size()];
  }

  IHost* host_ = nullptr;
  // Each guards the proxies of the instances that fall to it, from reading them to writing.
  std::array<std::mutex, 64> locks_;
};

}  // namespace

POMBO_BLOCK(ProxyBlock, "proxy", "0.1.0")
