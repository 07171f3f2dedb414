#include "pombo/block.hpp"

namespace {

using namespace pombo;

// Shows an instance's events to whoever listens. So far it keeps which ones an instance wants.
class WebsocketBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "websocketEnabled",
             .type = Type::boolean,
             .fallback = false,
             .doc = "Opens the instance's event stream."},
            eventsField("websocketEvents", "Which events are shown; empty: all."),
            {.name = "websocketMediaBase64",
             .type = Type::boolean,
             .fallback = false,
             .doc = "Media are part of the event, in base64."}};
  }

  void start(IHost& host) override { host_ = &host; }

  void configure(const Instance& instance, const Fields& slice) override {
    if (!slice.require<bool>("websocketEnabled")) return host_->settings().erase(instance.id);
    host_->settings().save(instance.id,
                           {{"enabled", true},
                            {"events", slice.document().at("websocketEvents")},
                            {"mediaBase64", slice.require<bool>("websocketMediaBase64")}});
  }

  Json summary(const Instance& instance) override {
    if (auto known = host_->settings().load(instance.id)) return *known;
    return {{"enabled", false}, {"events", boost::json::array()}, {"mediaBase64", false}};
  }

 private:
  IHost* host_ = nullptr;
};

}  // namespace

POMBO_BLOCK(WebsocketBlock, "websocket", "0.1.0")
