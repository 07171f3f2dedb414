#include "pombo/block.hpp"

namespace {

using namespace pombo;

// A create request and the block's own route say the same in other words.
struct Words {
  const char* enabled;
  const char* events;
  const char* mediaBase64;
};
constexpr Words kInline{"websocketEnabled", "websocketEvents", "websocketMediaBase64"};
constexpr Words kOwn{"enabled", "events", "mediaBase64"};

std::vector<Field> fieldsIn(const Words& words) {
  return {{.name = words.enabled,
           .type = Type::boolean,
           .fallback = false,
           .doc = "Opens the instance's event stream."},
          eventsField(words.events, "Which events are shown; empty: all."),
          {.name = words.mediaBase64,
           .type = Type::boolean,
           .fallback = false,
           .doc = "Media are part of the event, in base64."}};
}

std::vector<Field> bodyOfSet() {
  std::vector<Field> body = fieldsIn(kOwn);
  body.front().need = Need::always;
  return body;
}

Json off() {
  return {{"enabled", false}, {"events", boost::json::array()}, {"mediaBase64", false}};
}

Json documentIn(const Fields& fields, const Words& words) {
  if (!fields.require<bool>(words.enabled)) return off();
  return {{"enabled", true},
          {"events", fields.document().at(words.events)},
          {"mediaBase64", fields.require<bool>(words.mediaBase64)}};
}

// The schema of what both routes answer.
Json replyOf(const char* message) {
  Json reply = boost::json::parse(R"json({
    "type": "object",
    "required": ["success", "message", "websocket"],
    "properties": {
      "success": {"const": true},
      "websocket": {
        "type": "object",
        "required": ["enabled", "events", "mediaBase64"],
        "properties": {
          "enabled": {"type": "boolean"},
          "events": {"type": "array", "items": {"type": "string"}},
          "mediaBase64": {"type": "boolean"}}}}})json");
  reply.at("properties").as_object()["message"] = {{"const", message}};
  return reply;
}

constexpr auto kConfigured = "WebSocket configured successfully";
constexpr auto kRetrieved = "WebSocket configuration retrieved";

// Shows an instance's events to whoever listens. So far it keeps which ones an instance wants.
class WebsocketBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> fields() const override { return fieldsIn(kInline); }

  void start(IHost& host) override {
    host_ = &host;
    host.routes().add({.method = Method::post,
                       .path = "/api/events/websocket/:instance",
                       .summary = "Configure the event stream of an instance",
                       .body = bodyOfSet(),
                       .reply = replyOf(kConfigured),
                       .failure = "Failed to get instance"},
                      [this](const HttpRequest& request) { return set(request); });
    host.routes().add({.path = "/api/events/getWebsocket/:instance",
                       .summary = "How the event stream of an instance is configured",
                       .reply = replyOf(kRetrieved),
                       .failure = "Failed to get websocket configuration"},
                      [this](const HttpRequest& request) { return get(request); });
  }

  void configure(const Instance& instance, const Fields& slice) override {
    const Json document = documentIn(slice, kInline);
    // Switched off before it ever was on, it still counts as never configured.
    if (document != off() || host_->settings().load(instance.id))
      host_->settings().save(instance.id, document);
  }

  Json summary(const Instance& instance) override {
    return host_->settings().load(instance.id).value_or(off());
  }

 private:
  HttpReply set(const HttpRequest& request) {
    const Json document = documentIn(Fields(request.fields), kOwn);
    host_->settings().save(request.instance->id, document);
    return {.body = {{"success", true}, {"message", kConfigured}, {"websocket", document}}};
  }

  HttpReply get(const HttpRequest& request) {
    const auto document = host_->settings().load(request.instance->id);
    if (!document) throw Error(Code::notFound, "WebSocket not configured for this instance");
    return {.body = {{"success", true}, {"message", kRetrieved}, {"websocket", *document}}};
  }

  IHost* host_ = nullptr;
};

}  // namespace

POMBO_BLOCK(WebsocketBlock, "websocket", "0.1.0")
