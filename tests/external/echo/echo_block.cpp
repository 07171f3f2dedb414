// Posts every message of an instance to the URL that its client gave.
#include <pombo/block.hpp>

using namespace pombo;

namespace {

class EchoBlock final : public IBlockConfigurator, private IHttpSink {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "echoEnabled", .type = Type::boolean, .fallback = false, .doc = "On."},
            {.name = "echoURL",
             .type = Type::url,
             .doc = "Where messages are posted.",
             .need = Need::whenEnabled,
             .maxLength = 2048}};
  }

  void start(IHost& host) override {
    using namespace std::chrono_literals;
    host_ = &host;
    host.events().subscribe(*this, {.retries = {1s, 10s, 100s}, .timeout = 5s});
  }

  void configure(const Instance& instance, const Fields& slice) override {
    if (!slice.require<bool>("echoEnabled")) return host_->settings().erase(instance.id);
    const auto url = slice.require<std::string>("echoURL");
    host_->http().requireAllowed(url);
    host_->settings().save(instance.id, {{"enabled", true}, {"url", url}});
  }

  Json summary(const Instance& instance) override { return settingsOf(instance.id); }

 private:
  std::vector<std::string> route(const Event& event) override {
    const Json settings = settingsOf(event.instance);
    const auto url = Fields(settings).find<std::string>("url");
    if (!url || event.type != "message.exchange") return {};
    return {*url};
  }
  OutgoingRequest request(const Event& event, const std::string& url, int attempt) override {
    return {.url = url,
            .headers = {{"content-type", "application/json"},
                        {"x-event-id", event.id},
                        {"x-attempt", std::to_string(attempt)}},
            .body = serialize(host_->events().envelope(event, false)),
            .through = event.instance};
  }
  Verdict judge(const IncomingReply& reply) override {
    if (reply.status < 300) return {};
    const std::string reason = "status " + std::to_string(reply.status);
    return {reply.status == 410 ? Outcome::drop : Outcome::retry, reason};
  }

  Json settingsOf(const InstanceId& id) const {
    return host_->settings().load(id).value_or(Json{{"enabled", false}, {"url", nullptr}});
  }

  IHost* host_ = nullptr;
};

}  // namespace

POMBO_BLOCK(EchoBlock, "echo", "1.0.0")
