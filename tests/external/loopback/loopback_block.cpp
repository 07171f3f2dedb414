// A connector without WhatsApp: linking succeeds at once, and what is sent comes back.
#include <pombo/block.hpp>

using namespace pombo;

namespace {

class LoopbackBlock final : public IBlockConfigurator, private IConnector {
 public:
  void start(IHost& host) override {
    host_ = &host;
    host.routes().add(
        {.method = Method::post, .path = "/api/loopback/link/:instance", .summary = "Links it"},
        [this](const HttpRequest& request) -> HttpReply {
          connect(*request.instance, {});
          return {.body = {{"success", true}}};
        });
    host.routes().add(
        {.method = Method::post, .path = "/api/loopback/:operation/:instance", .summary = "Any"},
        [this](const HttpRequest& request) -> HttpReply {
          const auto& operation = request.params.at("operation");
          return {.body = host_->perform(*request.instance, operation, request.fields)};
        });
  }
  Json summary(const Instance& instance) override { return {{"linked", isLinked(instance)}}; }
  IConnector* connector() noexcept override { return this; }

 private:
  Link connect(const Instance& instance, const LinkRequest&) override {
    host_->settings().save(instance.id, boost::json::object());
    tell(instance, "instance.state", {{"state", "connected"}});
    return {Link::Kind::connected};
  }
  void reconnect(const Instance& instance, const std::optional<Proxy>&) override {
    if (!isLinked(instance)) throw Error(Code::invalid, "There is no session");
    tell(instance, "instance.state", {{"state", "connected"}});
  }
  void disconnect(const Instance& instance) override {
    tell(instance, "instance.state", {{"state", "disconnected"}});
  }
  void logout(const Instance& instance) override { host_->settings().erase(instance.id); }
  Profile profile(const Instance& instance) override {
    return {.name = "Echo of " + instance.name, .available = isLinked(instance)};
  }
  Json perform(const Instance& instance, const std::string& operation, const Json& what) override {
    if (operation != "message.text") throw Error(Code::unsupported, "Loopback has texts only");
    if (!isLinked(instance)) throw Error(Code::unavailable, "Instance is not connected");
    tell(instance, "message.exchange", what);
    return {{"status", "sent"}, {"message", what}};
  }
  Media media(const Instance&, const std::string& key) override {
    return mediaOf("text/plain", key);
  }

  bool isLinked(const Instance& instance) const {
    return host_->settings().load(instance.id).has_value();
  }
  void tell(const Instance& instance, const char* type, const Json& data) try {
    host_->events().publish({{.type = type, .instance = instance.id, .data = data}});
  } catch (const Error& error) {
    if (error.code != Code::unsupported) throw;  // a gateway without a bus: nobody listens
  }

  IHost* host_ = nullptr;
};

}  // namespace

POMBO_BLOCK(LoopbackBlock, "loopback", "1.0.0")
