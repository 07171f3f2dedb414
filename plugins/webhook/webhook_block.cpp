#include <algorithm>
#include <cmath>
#include <functional>

#include "instance_turns.hpp"
#include "pombo/block.hpp"
#include "posting.hpp"
#include "received_text.hpp"
#include "replies.hpp"
#include "retry_after.hpp"
#include "rfc3339.hpp"
#include "webhook_fields.hpp"

namespace {

using namespace pombo;

constexpr std::uint64_t kReplyLimit = 4 << 10;  // bytes that are read of an answer
constexpr auto kDisabled = "webhook disabled";  // the reason of dead letters

// Before each further attempt.
std::vector<std::chrono::milliseconds> waits() {
  using namespace std::chrono_literals;
  return {5s, 30s, 2min, 10min, 30min, 2h, 6h, 12h, 24h};
}

const char* wordOf(DeliveryStatus status) {
  switch (status) {
    case DeliveryStatus::pending:
      return "pending";
    case DeliveryStatus::delivered:
      return "delivered";
    case DeliveryStatus::dead:
      return "dead";
  }
  return "";
}

DeliveryStatus statusIn(const std::string& word) {
  if (word == "delivered") return DeliveryStatus::delivered;
  return word == "dead" ? DeliveryStatus::dead : DeliveryStatus::pending;
}

Json orNull(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json orNull(const std::optional<TimePoint>& time) { return time ? Json(rfc3339(*time)) : Json(); }

Json told(const DeliveryRecord& record, const Webhooks& webhooks) {
  const auto it = webhooks.find(record.destination);
  return {{"id", record.id},
          {"eventId", record.event},
          {"event", record.type},
          {"label", record.destination},
          {"url", it == webhooks.end() ? Json() : orNull(it->second.url)},
          {"status", wordOf(record.status)},
          {"attempts", record.attempts},
          {"lastStatusCode", record.httpStatus ? Json(record.httpStatus) : Json()},
          {"lastError", orNull(record.error)},
          {"reason", orNull(record.reason)},
          {"createdAt", rfc3339(record.createdAt)},
          {"lastAttemptAt", orNull(record.attemptedAt)},
          {"nextAttemptAt", orNull(record.nextAt)}};
}

// What a receiver would hear if the link of the instance changed now.
Event testEvent(const Instance& instance, TimePoint now) {
  const char* state = instance.status == "connected"   ? "connected"
                      : instance.status == "loggedout" ? "logged_out"
                                                       : "disconnected";
  return {.type = "instance.state",
          .instance = instance.id,
          .at = now,
          .data = {{"state", state},
                   {"timestamp", rfc3339(now)},
                   {"instance", instance.name},
                   {"status", instance.status},
                   {"test", true}}};
}

std::string sealedName(const std::string& label, std::int64_t version) {
  return std::to_string(version) + "." + label;
}

// Posts an instance's events to URLs of the client's, each under a label. What it was told is one
// document; what must not be read by others is sealed apart from it.
class WebhookBlock final : public IBlockConfigurator, private IHttpSink {
 public:
  std::vector<Field> fields() const override { return webhookFields(kInline); }

  std::vector<Field> options() const override { return webhookOptions(); }

  void start(IHost& host) override {
    host_ = &host;
    const Fields options(host.config());
    maxEnabled_ = options.get<std::int64_t>("maxEnabled", kMaxEnabled);
    timeout_ = std::chrono::seconds(
        options.get<std::int64_t>("timeoutSeconds", std::int64_t{kTimeout.count()}));
    addRoutes();
    host.events().subscribe(*this, {.keep = Keep::disk,
                                    .retries = waits(),
                                    .inFlight = options.get<int>("maxInFlight", kMaxInFlight),
                                    .timeout = timeout_});
  }

  void configure(const Instance& instance, const Fields& slice) override {
    const Wish wish = wishIn(slice, kInline);
    if (wish.webhook.enabled) host_->http().requireAllowed(wish.webhook.url);
    const InstanceTurns::Turn turn(turns_, instance.id.value);
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
  using Handler = HttpReply (WebhookBlock::*)(const HttpRequest&);

  void add(const Route& route, Handler handler) {
    host_->routes().add(
        route, [this, handler](const HttpRequest& request) { return (this->*handler)(request); });
  }

  void addRoutes() {
    Route route{.method = Method::post,
                .path = "/api/events/webhook/:instance",
                .summary = "Configure the webhook of a label",
                .body = bodyOfSet(),
                .reply = replyOfSet(),
                .failure = "Failed to save webhook configuration"};
    add(route, &WebhookBlock::set);
    route.path = "/api/events/webhook";
    add(route, &WebhookBlock::set);
    route = {.path = "/api/events/getWebhook/:instance",
             .summary = "The webhooks of an instance, or the one of a label",
             .query = {labelField(nullptr)},
             .reply = replyOfGet(),
             .failure = "Failed to get webhook configuration"};
    add(route, &WebhookBlock::get);
    route.path = "/api/events/webhook/:instance";
    add(route, &WebhookBlock::get);
    add({.path = "/api/events/deliveries/:instance",
         .summary = "What became of the events of an instance, newest first",
         .query = queryOfDeliveries(),
         .reply = replyOfDeliveries()},
        &WebhookBlock::list);
    add({.method = Method::post,
         .path = "/api/events/redeliver/:instance",
         .summary = "Deliver events once more",
         .body = bodyOfRedeliver(),
         .reply = replyOfRedeliver(),
         .status = 202},
        &WebhookBlock::redeliver);
    add({.method = Method::post,
         .path = "/api/events/test/:instance",
         .summary = "Send a test event to the webhook of a label, and tell what it answers",
         .body = {labelField(kDefaultLabel)},
         .reply = replyOfTest(),
         .slow = true},
        &WebhookBlock::test);
  }

  HttpReply set(const HttpRequest& request) {
    if (!request.instance) throw Error(Code::invalid, "Instance name is required");
    const InstanceId& id = request.instance->id;
    const Fields fields(request.fields);
    const auto label = fields.require<std::string>("label");
    Wish wish = wishIn(fields, kOwn);
    wish.rotate = fields.require<bool>("rotateSecret");
    if (wish.webhook.enabled) host_->http().requireAllowed(wish.webhook.url);
    const InstanceTurns::Turn turn(turns_, id.value);
    const WebhookSecrets secrets = keep(id, label, wish);
    return {.body = {{"success", true},
                     {"message", kConfigured},
                     {"webhook", rowOf(label, wish.webhook, secrets)}}};
  }

  HttpReply get(const HttpRequest& request) {
    const InstanceId& id = request.instance->id;
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
      auto secrets = secretsOf(id, label, webhook);
      const auto newer = secrets ? std::nullopt : keptOf(id, label, true);
      return newer ? rowOf(label, newer->webhook, newer->secrets) : rowOf(label, webhook, secrets);
    } catch (const Error& error) {
      if (error.code != Code::internal) throw;
      warnings.push_back("The secrets of webhook '" + label + "' cannot be opened");
      return rowOf(label, webhook, std::nullopt);
    }
  }

  HttpReply list(const HttpRequest& request) {
    const InstanceId& id = request.instance->id;
    const Fields query(request.query);
    const auto limit = query.require<int>("limit");
    DeliveryQuery wanted{.destination = query.find<std::string>("label"),
                         .after = query.get<std::string>("cursor", ""),
                         .limit = limit + 1};  // whether there is a next page
    if (const auto status = query.find<std::string>("status")) wanted.status = statusIn(*status);
    auto page = host_->events().deliveries(id, wanted);
    const bool more = page.size() > static_cast<std::size_t>(limit);
    if (more) page.pop_back();
    const Webhooks webhooks = webhooksOf(id);
    boost::json::array rows;
    for (const auto& each : page) rows.push_back(told(each, webhooks));
    return {.body = {{"success", true},
                     {"message", counted(page.size(), "Delivery found", "Deliveries found")},
                     {"deliveries", std::move(rows)},
                     {"nextCursor", more ? Json(page.back().id) : Json()}}};
  }

  // Waits for no change of a label: what is asked for while it is disabled is dropped in its turn.
  HttpReply redeliver(const HttpRequest& request) {
    const InstanceId& id = request.instance->id;
    const Fields fields(request.fields);
    const auto ids = fields.require<std::vector<std::string>>("ids");
    const auto wanted = redeliveryIn(request, ids);
    const Webhooks webhooks = webhooksOf(id);
    auto found = host_->events().deliveries(id, wanted);
    std::reverse(found.begin(), found.end());  // the oldest first
    std::vector<std::string> queued, skipped;
    for (const auto& each : found) {
      const auto it = webhooks.find(each.destination);
      // Without a label nobody has been found yet who wants it.
      const bool enabled = each.destination.empty() || (it != webhooks.end() && it->second.enabled);
      (enabled ? queued : skipped).push_back(each.id);
    }
    const auto isFound = [&](const std::string& known) {
      return std::any_of(found.begin(), found.end(),
                         [&](const auto& each) { return each.id == known; });
    };
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(skipped), std::not_fn(isFound));
    if (!queued.empty()) host_->events().redeliver(id, queued);
    return {.status = 202,
            .body = {{"success", true},
                     {"message", counted(queued.size(), "delivery queued", "deliveries queued")},
                     {"queued", queued.size()},
                     {"skipped", boost::json::value_from(skipped)}}};
  }

  HttpReply test(const HttpRequest& request) {
    const auto now = host_->clock().now();
    const auto label = Fields(request.fields).require<std::string>("label");
    const auto& instance = *request.instance;
    if (!webhooksOf(instance.id).contains(label)) throw Error(Code::notFound, "Webhook not found");
    const auto target = targetOf(instance.id, label);
    if (!target) throw Error(Code::invalid, "Webhook is disabled");
    const auto outgoing = posted(*target, testEvent(instance, now), 1);
    IncomingReply reply;
    Json error;
    try {
      reply = host_->http().send(outgoing);
    } catch (const Error& failure) {
      error = boost::json::string(failure.what());
    }
    const bool accepted = judge(reply).outcome == Outcome::done;
    const std::chrono::duration<double, std::milli> took = host_->clock().now() - now;
    return {.body = {{"success", true},
                     {"message", accepted ? kAccepted : kNotAccepted},
                     {"delivery",
                      {{"accepted", accepted},
                       {"url", outgoing.url},
                       {"statusCode", reply.status ? Json(reply.status) : Json()},
                       {"durationMs", std::max<std::int64_t>(0, std::llround(took.count()))},
                       {"body", asText(reply.body)},
                       {"error", std::move(error)}}}}};
  }

  // The sink ------------------------------------------------------------------------------------

  std::vector<std::string> route(const Event& event) override {
    std::vector<std::string> labels;
    for (const auto& [label, webhook] : webhooksOf(event.instance))
      if (webhook.wants(event.type)) labels.push_back(label);
    return labels;
  }

  OutgoingRequest request(const Event& event, const std::string& label, int attempt) override {
    const auto target = targetOf(event.instance, label);
    if (!target) throw Error(Code::notFound, kDisabled);
    return posted(*target, event, attempt);
  }

  Verdict judge(const IncomingReply& reply) override {
    if (reply.status >= 200 && reply.status < 300) return {};
    if (reply.status == 410) return {Outcome::drop, "gone", {}};
    Verdict again{Outcome::retry, "HTTP " + std::to_string(reply.status), {}};
    if (const auto it = reply.headers.find("retry-after"); it != reply.headers.end())
      again.notBefore = retryAt(it->second, host_->clock().now());
    return again;
  }

  struct Target {
    Webhook webhook;
    WebhookSecrets secrets;
  };

  OutgoingRequest posted(const Target& target, const Event& event, int attempt) {
    const auto& [webhook, secrets] = target;
    Posting posting =
        postingOf(webhook, secrets, host_->events().envelope(event, webhook.mediaBase64), attempt,
                  host_->clock().now());
    return {.url = std::move(posting.url),
            .headers = std::move(posting.headers),
            .body = std::move(posting.body),
            .timeout = timeout_,
            .replyLimit = kReplyLimit};
  }

  // Nothing when it is not enabled.
  std::optional<Target> targetOf(const InstanceId& id, const std::string& label) const {
    auto kept = keptOf(id, label, false);
    if (!kept) return std::nullopt;
    if (!kept->secrets) throw Error(Code::internal, "The secrets of the webhook are missing");
    return Target{std::move(kept->webhook), *std::move(kept->secrets)};
  }

  // Rows -----------------------------------------------------------------------------------------

  struct Kept {
    Webhook webhook;
    std::optional<WebhookSecrets> secrets;
  };

  // A row with its own secrets, without waiting for whoever changes it: a change takes the secrets
  // away of the row that it replaces, and who has missed them finds a newer row.
  std::optional<Kept> keptOf(const InstanceId& id, const std::string& label,
                             bool evenDisabled) const {
    for (std::int64_t missed = 0;;) {
      const Webhooks all = webhooksOf(id);
      const auto it = all.find(label);
      if (it == all.end() || (!it->second.enabled && !evenDisabled)) return std::nullopt;
      auto secrets = secretsOf(id, label, it->second);
      if (secrets || std::exchange(missed, it->second.version) == it->second.version)
        return Kept{it->second, std::move(secrets)};
    }
  }

  // The three writes are in this order so that a crash between any two leaves a row with all of its
  // own secrets, the old one or the new one. It is the caller's turn.
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
    // Again when it was disabled already: the last time may have failed here.
    if (!row.enabled && before > 0) host_->events().giveUp(id, label, kDisabled);
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

  IHost* host_ = nullptr;
  std::int64_t maxEnabled_ = kMaxEnabled;
  std::chrono::milliseconds timeout_ = kTimeout;
  InstanceTurns turns_;  // to change webhooks, from reading them until all is given up
};

}  // namespace

POMBO_BLOCK(WebhookBlock, "webhook", "0.1.0")
