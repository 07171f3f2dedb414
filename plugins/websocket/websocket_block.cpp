#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "hub.hpp"
#include "pombo/block.hpp"
#include "watch_page.hpp"

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

constexpr std::int64_t kMaxClients = 100;     // of an instance
constexpr std::int64_t kMostMedia = 4 << 20;  // bytes that are sent inline
constexpr auto kLive = "live";                // the one destination there is

// "a,b"; every word must be an event of the wire.
std::set<std::string> eventsIn(std::string_view list) {
  std::set<std::string> events;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    const std::string word(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (word.empty()) continue;
    if (!isOnWire(word)) throw Error(Code::invalid, "Unknown event: " + word);
    events.insert(word);
  }
  return events;
}

bool holds(const Json& list, const std::string& word) {
  const auto& words = list.as_array();
  return words.empty() || std::any_of(words.begin(), words.end(),
                                      [&](const Json& each) { return each.as_string() == word; });
}

const boost::json::object* mediaIn(const Json& data) {
  boost::json::error_code none;
  const auto* const media = data.find_pointer("/message/media", none);
  return media ? media->if_object() : nullptr;
}

// A frame has less room than a post.
bool isTooLarge(const boost::json::object& media) {
  const auto* size = media.if_contains("size");
  if (size && size->is_number() && size->to_number<double>() > double(kMostMedia)) return true;
  const auto* bytes = media.if_contains("base64");
  return bytes && bytes->is_string() && bytes->get_string().size() > (kMostMedia + 2) / 3 * 4;
}

bool hasTooLarge(const Json& data) {
  const auto* const media = mediaIn(data);
  return media && isTooLarge(*media);
}

Event withoutBytes(Event event) {
  auto& media = event.data.at("message").at("media").as_object();
  media["base64"] = nullptr;
  media["base64Omitted"] = true;
  return event;
}

// Shows an instance's events to whoever listens on a WebSocket: live, and to all the same text.
class WebsocketBlock final : public IBlockConfigurator, private IEventSink {
 public:
  std::vector<Field> fields() const override { return fieldsIn(kInline); }

  std::vector<Field> options() const override {
    return {{.name = "maxClients",
             .type = Type::integer,
             .fallback = kMaxClients,
             .doc = "Clients that may listen to one instance at once.",
             .min = 1,
             .max = 1'000'000},
            {.name = "page",
             .type = Type::boolean,
             .fallback = true,
             .doc = "Serves /watch, a page that shows an instance's events in a browser."}};
  }

  void start(IHost& host) override {
    host_ = &host;
    maxClients_ = Fields(host.config()).get<std::int64_t>("maxClients", kMaxClients);
    host.events().subscribe(*this, {.keep = Keep::memory, .timeout = std::chrono::seconds(30)});
    host.routes().addSocket(
        {.path = "/ws/:instance",
         .summary = "The event stream of an instance, as a WebSocket",
         .query = {{.name = "events",
                    .doc = "Only these of the events that are configured, separated by commas."}}},
        [this](const HttpRequest& request, std::shared_ptr<ISocket> socket) {
          open(request, std::move(socket));
        });
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
    if (Fields(host.config()).get<bool>("page", true)) addPage();
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

  // Open to everybody, as it holds nothing: it asks for a token.
  void addPage() {
    const auto add = [this](const char* path, const char* summary, const std::string& type,
                            std::function<std::string()> content) {
      host_->routes().add({.path = path,
                           .access = Access::open,
                           .summary = summary,
                           .reply = {{"type", "string"}, {"contentMediaType", type}},
                           .bucket = Bucket::resource},
                          [type, content = std::move(content)](const HttpRequest&) {
                            return HttpReply{.bytes = content(),
                                             .headers = {{"content-type", type + "; charset=utf-8"},
                                                         {"cache-control", "no-cache"},
                                                         {"content-security-policy", kWatchPolicy},
                                                         {"referrer-policy", "no-referrer"},
                                                         {"x-content-type-options", "nosniff"}}};
                          });
    };
    add("/watch", "A page that shows the events of an instance as they come", "text/html",
        [this] { return watchPageOf(host_->server().baseUrl); });
    add("/watch/page.css", "Its style", "text/css", [] { return std::string(kWatchStyle); });
    add("/watch/page.js", "Its script", "text/javascript",
        [] { return std::string(kWatchScript); });
  }

  void open(const HttpRequest& request, std::shared_ptr<ISocket> socket) {
    const Instance& instance = *request.instance;
    const auto document = host_->settings().load(instance.id);
    if (!document || !document->at("enabled").as_bool())
      throw Error(Code::invalid,
                  "WebSocket is not enabled for this instance. Configure it first using POST "
                  "/api/events/websocket/" +
                      instance.name);
    auto events = eventsIn(Fields(request.query).get<std::string>("events", ""));
    Hub::Key key = 0;
    if (!hub_.add(instance.id.value, static_cast<std::size_t>(maxClients_),
                  {std::move(events), [socket](const Hub::Text& text) { socket->send(text); }},
                  key))
      throw Error(Code::unavailable, "Too many WebSocket clients");
    socket->onClosed([this, id = instance.id.value, key] { hub_.remove(id, key); });
  }

  // IEventSink
  std::vector<std::string> route(const Event& event) override {
    if (!hub_.has(event.instance.value)) return {};
    return {kLive};
  }

  Verdict deliver(const Event& event, const std::string&) override {
    // Asked each time: whoever listens already is to hear what was configured since.
    const auto document = host_->settings().load(event.instance);
    if (!document || !document->at("enabled").as_bool()) return {};
    if (!holds(document->at("events"), event.type)) return {};
    hub_.send(event.instance.value, event.type, [&] {
      return std::make_shared<const std::string>(
          serialize(envelopeOf(event, document->at("mediaBase64").as_bool())));
    });
    return {};
  }

  Json envelopeOf(const Event& event, bool withMediaBase64) {
    if (withMediaBase64 && hasTooLarge(event.data)) return withoutMedia(event);
    Json envelope = host_->events().envelope(event, withMediaBase64);
    return withMediaBase64 && hasTooLarge(envelope.at("data")) ? withoutMedia(event) : envelope;
  }

  // Said in the event, whatever shape the envelope then has.
  Json withoutMedia(const Event& event) {
    return host_->events().envelope(withoutBytes(event), false);
  }

  IHost* host_ = nullptr;
  std::int64_t maxClients_ = kMaxClients;
  Hub hub_;
};

}  // namespace

POMBO_BLOCK(WebsocketBlock, "websocket", "0.1.0")
