#include <algorithm>
#include <array>
#include <mutex>

#include "pombo/block.hpp"
#include "webhook.hpp"
#include "webhook_secrets.hpp"

namespace {

using namespace pombo;

constexpr auto kDefaultLabel = "default";
constexpr std::int64_t kMaxEnabled = 3;  // unless the operator says otherwise
constexpr std::size_t kMaxRows = 20;

// A create request and the webhook's own route say the same in other words.
struct Words {
  const char* enabled;
  const char* url;
  const char* urlAlias;
  const char* authorization;
  const char* byEvents;
  const char* events;
  const char* mediaBase64;
};
constexpr Words kInline{
    .enabled = "webhookEnabled",
    .url = "webhookURL",
    .urlAlias = "webhookUrl",
    .authorization = "webhookAuthorization",
    .byEvents = "webhookByEvents",
    .events = "webhookEvents",
    .mediaBase64 = "webhookMediaBase64",
};
constexpr Words kOwn{
    .enabled = "enabled",
    .url = "url",
    .urlAlias = "",
    .authorization = "authorization",
    .byEvents = "byEvents",
    .events = "events",
    .mediaBase64 = "mediaBase64",
};

std::vector<Field> fieldsIn(const Words& words) {
  return {{.name = words.enabled,
           .type = Type::boolean,
           .fallback = false,
           .doc = "Creates the webhook labelled 'default'."},
          {.name = words.url,
           .type = Type::url,
           .fallback = "",  // one that is missing reads as one that is no URL
           .doc = "Where events are posted; required when enabled.",
           .maxLength = 2048,
           .alias = words.urlAlias},
          {.name = words.authorization,
           .doc = "Sent verbatim as the Authorization header.",
           .secret = true,
           .maxLength = 4096,
           .text = Text::printable},
          {.name = words.byEvents,
           .type = Type::boolean,
           .fallback = false,
           .doc = "Each event type goes to a URL of its own: /<event> is appended."},
          eventsField(words.events, "Which events are posted; empty: all."),
          {.name = words.mediaBase64,
           .type = Type::boolean,
           .fallback = false,
           .doc = "Media are part of the event, in base64."}};
}

Field labelField(const Json& fallback) {
  return {.name = "label",
          .fallback = fallback,
          .doc = "Tells the webhooks of an instance apart.",
          .maxLength = 64,
          .text = Text::printable};
}

std::vector<Field> bodyOfSet() {
  std::vector<Field> body = fieldsIn(kOwn);
  body.front().need = Need::always;
  body.front().doc = "Off keeps the label and its signing key, and clears the rest.";
  body.insert(body.begin(), labelField(kDefaultLabel));
  body.push_back({.name = "rotateSecret",
                  .type = Type::boolean,
                  .fallback = false,
                  .doc = "Makes another signing key; the former one signs too for 24 hours."});
  return body;
}

// What a client wants of one label.
struct Wish {
  Webhook webhook;
  std::optional<std::string> authorization;
  bool rotate = false;
};

Wish wishIn(const Fields& fields, const Words& words) {
  if (!fields.require<bool>(words.enabled)) return {};
  return {.webhook = {.enabled = true,
                      .url = fields.require<std::string>(words.url),
                      .byEvents = fields.require<bool>(words.byEvents),
                      .events = fields.require<std::vector<std::string>>(words.events),
                      .mediaBase64 = fields.require<bool>(words.mediaBase64)},
          .authorization = fields.find<std::string>(words.authorization)};
}

// Secrets that cannot be opened show as null.
Json rowOf(const std::string& label, const Webhook& webhook,
           const std::optional<WebhookSecrets>& secrets) {
  const bool authorized = secrets && secrets->authorization;
  return {{"label", label},
          {"enabled", webhook.enabled},
          {"url", webhook.enabled ? Json(webhook.url) : Json()},
          {"authorization", authorized ? Json(*secrets->authorization) : Json()},
          {"byEvents", webhook.byEvents},
          {"events", boost::json::value_from(webhook.events)},
          {"mediaBase64", webhook.mediaBase64},
          {"secret", secrets ? Json(secrets->key) : Json()}};
}

// The schema of a row.
Json rowSchema() {
  return boost::json::parse(R"json({
    "type": "object",
    "required": ["label", "enabled", "url", "authorization", "byEvents", "events", "mediaBase64",
                 "secret"],
    "properties": {
      "label": {"type": "string"},
      "enabled": {"type": "boolean"},
      "url": {"type": ["string", "null"]},
      "authorization": {"type": ["string", "null"]},
      "byEvents": {"type": "boolean"},
      "events": {"type": "array", "items": {"type": "string"}},
      "mediaBase64": {"type": "boolean"},
      "secret": {"type": ["string", "null"], "pattern": "^whsec_",
                 "description": "Signs what is posted."}}})json");
}

// Of an answer that holds a webhook, or all of them.
Json replyWith(const char* message, const char* key, const Json& schema) {
  boost::json::object properties{{"success", {{"const", true}}}, {"message", {{"const", message}}}};
  properties[key] = schema;
  return {{"type", "object"},
          {"required", {"success", "message", key}},
          {"properties", std::move(properties)}};
}

constexpr auto kConfigured = "Webhook configured successfully";
constexpr auto kOne = "Webhook retrieved successfully";
constexpr auto kAll = "Webhooks retrieved successfully";

Json replyOfGet() {
  const Json all{{"type", "array"}, {"items", rowSchema()}};
  return {{"oneOf", boost::json::array{replyWith(kAll, "webhooks", all),
                                       replyWith(kOne, "webhook", rowSchema())}}};
}

std::string sealedName(const std::string& label, std::int64_t version) {
  return std::to_string(version) + "." + label;
}

// Posts an instance's events to URLs of the client's, each under a label. What it was told is one
// document; what must not be read by others is sealed apart from it.
class WebhookBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> fields() const override { return fieldsIn(kInline); }

  std::vector<Field> options() const override {
    return {{.name = "maxInFlight",
             .type = Type::integer,
             .fallback = 8,
             .doc = "Deliveries of one webhook under way at once; 1 keeps strict order.",
             .min = 1,
             .max = 64},
            {.name = "maxEnabled",
             .type = Type::integer,
             .fallback = kMaxEnabled,
             .doc = "Webhooks that an instance may have enabled at once.",
             .min = 1,
             .max = kMaxRows}};
  }

  void start(IHost& host) override {
    host_ = &host;
    maxEnabled_ = Fields(host.config()).get<std::int64_t>("maxEnabled", kMaxEnabled);
    const auto set = [this](const HttpRequest& request) { return this->set(request); };
    const auto get = [this](const HttpRequest& request) { return this->get(request); };
    Route route{.method = Method::post,
                .path = "/api/events/webhook/:instance",
                .summary = "Configure the webhook of a label",
                .body = bodyOfSet(),
                .reply = replyWith(kConfigured, "webhook", rowSchema()),
                .failure = "Failed to save webhook configuration"};
    host.routes().add(route, set);
    route.path = "/api/events/webhook";
    host.routes().add(route, set);
    route = {.path = "/api/events/getWebhook/:instance",
             .summary = "The webhooks of an instance, or the one of a label",
             .query = {labelField(nullptr)},
             .reply = replyOfGet(),
             .failure = "Failed to get webhook configuration"};
    host.routes().add(route, get);
    route.path = "/api/events/webhook/:instance";
    host.routes().add(route, get);
  }

  void configure(const Instance& instance, const Fields& slice) override {
    const Wish wish = wishIn(slice, kInline);
    if (wish.webhook.enabled) host_->http().requireAllowed(wish.webhook.url);
    const std::lock_guard lock(lockOf(instance.id));
    if (wish.webhook.enabled || webhooksOf(instance.id).contains(kDefaultLabel))
      keep(instance.id, kDefaultLabel, wish);
  }

  Json summary(const Instance& instance) override {
    const Webhook webhook = webhooksOf(instance.id)[kDefaultLabel];
    return {{"enabled", webhook.enabled},
            {"url", webhook.enabled ? Json(webhook.url) : Json()},
            {"events", boost::json::value_from(webhook.events)}};
  }

 private:
  HttpReply set(const HttpRequest& request) {
    if (!request.instance) throw Error(Code::invalid, "Instance name is required");
    const InstanceId& id = request.instance->id;
    const Fields fields(request.fields);
    const auto label = fields.require<std::string>("label");
    Wish wish = wishIn(fields, kOwn);
    wish.rotate = fields.require<bool>("rotateSecret");
    if (wish.webhook.enabled) host_->http().requireAllowed(wish.webhook.url);
    const std::lock_guard lock(lockOf(id));
    return {.body = {{"success", true},
                     {"message", kConfigured},
                     {"webhook", rowOf(label, wish.webhook, keep(id, label, wish))}}};
  }

  HttpReply get(const HttpRequest& request) {
    const InstanceId& id = request.instance->id;
    const std::lock_guard lock(lockOf(id));
    const Webhooks all = webhooksOf(id);
    HttpReply reply{.body = {{"success", true}}};
    auto& body = reply.body.as_object();
    if (!request.given.empty()) {  // "?label=" asks for one as well
      const auto label = Fields(request.query).get<std::string>("label", kDefaultLabel);
      const auto it = all.find(label);
      if (it == all.end()) throw Error(Code::notFound, "Webhook not found");
      body["message"] = kOne;
      body["webhook"] = shown(id, *it, reply.warnings);
      return reply;
    }
    body["message"] = kAll;
    auto& rows = (body["webhooks"] = boost::json::array()).as_array();
    for (const auto& each : all) rows.push_back(shown(id, each, reply.warnings));
    return reply;
  }

  Json shown(const InstanceId& id, const Webhooks::value_type& each,
             std::vector<std::string>& warnings) {
    const auto& [label, webhook] = each;
    try {
      return rowOf(label, webhook, secretsOf(id, label, webhook));
    } catch (const Error& error) {
      if (error.code != Code::internal) throw;
      warnings.push_back("The secrets of webhook '" + label + "' cannot be opened");
      return rowOf(label, webhook, std::nullopt);
    }
  }

  // The three writes are in this order so that a crash between any two leaves a row with all of its
  // own secrets, the old one or the new one. The caller holds the lock.
  WebhookSecrets keep(const InstanceId& id, const std::string& label, const Wish& wish) {
    Webhooks all = webhooksOf(id);
    requireRoom(all, label, wish.webhook.enabled);
    Webhook& row = all[label];
    const std::int64_t before = row.version;
    WebhookSecrets secrets = secretsOf(id, label, row).value_or(WebhookSecrets());
    const auto now = host_->clock().now();
    if (wish.rotate && before > 0) secrets.rotate(now);
    secrets.dropExpired(now);
    secrets.authorization = wish.authorization;
    row = wish.webhook;
    row.version = before + 1;
    host_->secrets().seal(id, sealedName(label, row.version), secrets.text());
    host_->settings().save(id, documentOf(all));
    for (auto old = before; old > 0 && host_->secrets().open(id, sealedName(label, old)); --old)
      host_->secrets().erase(id, sealedName(label, old));
    return secrets;
  }

  void requireRoom(const Webhooks& all, const std::string& label, bool enabled) const {
    const auto others = std::count_if(all.begin(), all.end(), [&](const auto& each) {
      return each.second.enabled && each.first != label;
    });
    if (enabled && others >= maxEnabled_)
      throw Error(Code::invalid,
                  "Maximum of " + std::to_string(maxEnabled_) + " enabled webhooks per instance");
    if (all.size() >= kMaxRows && !all.contains(label))
      throw Error(Code::invalid,
                  "Maximum of " + std::to_string(kMaxRows) + " webhooks per instance");
  }

  Webhooks webhooksOf(const InstanceId& id) const {
    const auto document = host_->settings().load(id);
    return document ? webhooksIn(*document) : Webhooks();
  }
  std::optional<WebhookSecrets> secretsOf(const InstanceId& id, const std::string& label,
                                          const Webhook& webhook) const {
    const auto text = host_->secrets().open(id, sealedName(label, webhook.version));
    return text ? std::optional(WebhookSecrets::from(*text)) : std::nullopt;
  }

  std::mutex& lockOf(const InstanceId& id) {
    return locks_[std::hash<std::string>{}(id.value) % locks_.size()];
  }

  IHost* host_ = nullptr;
  std::int64_t maxEnabled_ = kMaxEnabled;
  // Each guards the webhooks of the instances that fall to it, from reading them to writing.
  std::array<std::mutex, 64> locks_;
};

}  // namespace

POMBO_BLOCK(WebhookBlock, "webhook", "0.1.0")
