#include <array>
#include <mutex>

#include "integration_handover.hpp"
#include "integration_identity.hpp"
#include "pombo/block.hpp"

namespace {

using namespace pombo;

const std::string kToken = "apiToken";
const std::string kCallback = "callback";

IntegrationWish wishIn(const Fields& slice, const Instance& instance) {
  IntegrationWish wish{{slice.require<std::string>("chatwootBaseUrl"),
                        slice.require<std::int64_t>("chatwootAccountId"),
                        slice.require<std::string>("chatwootApiToken")},
                       slice.get<std::string>("chatwootInboxName", instance.name),
                       {}};
  std::string& url = wish.account.baseUrl;
  while (url.ends_with('/')) url.pop_back();
  for (const auto& each : kIntegrationSwitches)
    wish.switches[each.name] = slice.require<bool>(std::string("chatwoot") + each.field);
  return wish;
}

Code codeOf(const RouteFailure& failure) {
  switch (failure.status) {
    case 400:
      return Code::invalid;
    case 401:
      return Code::unauthorized;
    case 403:
      return Code::forbidden;
    default:
      return Code::refused;
  }
}

// The words of these routes where they are not the server's.
Json written(const Refusal& refusal) {
  std::string said = refusal.sentence;
  if (said == "Instance not found")
    said = "instance not found";
  else if (said == "Invalid request body" && !refusal.detail.empty())
    said = "invalid body: " + refusal.detail;
  else if (said.starts_with("The '"))
    said = "invalid body: " + said;
  return {{"success", false}, {"error", {{"message", said}}}};
}

// The schemas of what the three routes answer.
Json replyOfSet() {
  return boost::json::parse(R"json({
    "type": "object",
    "required": ["instance", "status", "bridge_integration_id", "message"],
    "properties": {
      "instance": {"type": "string"},
      "status": {"const": "active"},
      "bridge_integration_id": {"type": "string", "pattern": "^int_[0-9a-z]+$"},
      "message": {"const": "chatwoot integration activated"}}})json");
}

Json replyOfList() {
  Json reply = boost::json::parse(R"json({
    "type": "object",
    "required": ["instance_name", "status", "bridge_integration_id", "chatwoot_base_url",
                 "chatwoot_account_id", "chatwoot_api_token", "chatwoot_inbox_id",
                 "chatwoot_inbox_name", "last_error", "created_at"],
    "properties": {
      "instance_name": {"type": "string"},
      "status": {"enum": ["active", "paused", "error"]},
      "bridge_integration_id": {"type": "string", "pattern": "^int_[0-9a-z]+$"},
      "chatwoot_base_url": {"type": "string"},
      "chatwoot_account_id": {"type": "integer"},
      "chatwoot_api_token": {"type": ["string", "null"],
                             "description": "null when it cannot be opened."},
      "chatwoot_inbox_id": {"type": "integer"},
      "chatwoot_inbox_name": {"type": "string"},
      "last_error": {"type": "string", "description": "Empty while all is well."},
      "created_at": {"type": "string", "format": "date-time"}}})json");
  for (const auto& each : kIntegrationSwitches) {
    reply.at("required").as_array().emplace_back(each.listed);
    reply.at("properties").as_object()[each.listed] = {{"type", "boolean"}};
  }
  return reply;
}

Json replyOfDelete() {
  return boost::json::parse(R"json({
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"const": "chatwoot integration deactivated"}}})json");
}

// Links an instance to an inbox of a Chatwoot account. What it was told and what came of it is one
// document; the token and the callback's secret are sealed apart from it, and a table of digests
// says whose a secret is.
class ChatwootBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> fields() const override {
    std::vector<Field> all{{.name = "chatwootEnabled",
                            .type = Type::boolean,
                            .fallback = false,
                            .doc = "Links the instance to an inbox of Chatwoot."},
                           {.name = "chatwootBaseUrl",
                            .type = Type::url,
                            .doc = "Where Chatwoot is, without /api.",
                            .need = Need::whenEnabled,
                            .maxLength = 2048},
                           {.name = "chatwootAccountId",
                            .type = Type::integer,
                            .doc = "The number of the account there.",
                            .need = Need::whenEnabled,
                            .min = 1,
                            .max = 2147483647},
                           {.name = "chatwootApiToken",
                            .doc = "The access token of an administrator of that account.",
                            .need = Need::whenEnabled,
                            .secret = true,
                            .maxLength = 4096,
                            .text = Text::printable},
                           {.name = "chatwootInboxName",
                            .doc = "The inbox; absent: the name of the instance.",
                            .maxLength = 100}};
    for (const auto& each : kIntegrationSwitches)
      all.push_back({.name = std::string("chatwoot") + each.field,
                     .type = Type::boolean,
                     .fallback = false,
                     .doc = each.doc});
    return all;
  }

  std::vector<Field> options() const override {
    return {{.name = "timeoutSeconds",
             .type = Type::integer,
             .fallback = 6,
             .doc = "Seconds that Chatwoot has to answer; linking an inbox asks it twice.",
             .min = 1,
             .max = 7}};
  }

  void start(IHost& host) override {
    host_ = &host;
    timeout_ = std::chrono::seconds(host.config().at("timeoutSeconds").to_number<int>());
    host.sql().migrate({{1,
                         "CREATE TABLE chatwoot_callbacks (digest TEXT NOT NULL PRIMARY KEY, "
                         "instance_id TEXT NOT NULL UNIQUE)"}});
    host.routes().addDialect("chatwoot", written);
    addRoutes();
  }

  void configure(const Instance& instance, const Fields& slice) override {
    if (!slice.require<bool>("chatwootEnabled")) return erase(instance.id);
    const IntegrationWish wish = wishIn(slice, instance);
    try {
      const auto made = handover_.take(instance.id.value, wish);
      keep(instance.id, wish, made ? *made : activate(instance, wish));
    } catch (const ChatwootFailure& failure) {
      throw Error(Code::refused, shownFailure(failure, wish.account));
    }
  }

  Json summary(const Instance& instance) override {
    return summaryOf(host_->settings().load(instance.id).value_or(nullptr));
  }

  // What stands in Chatwoot stays there.
  void forget(const Instance& instance) override { host_->sql().apply({release(instance.id)}); }

 private:
  void addRoutes() {
    Route route{.method = Method::post,
                .path = "/api/chatwoot/set/:instance",
                .summary = "Link the instance to an inbox of Chatwoot",
                .body = routeFields(),
                .reply = replyOfSet(),
                .status = 201,
                .slow = true,
                .budget = std::chrono::seconds(60),
                .dialect = "chatwoot"};
    host_->routes().add(route, [this](const HttpRequest& request) { return set(request); });
    route = {.path = "/api/chatwoot/list/:instance",
             .summary = "The instance's integration with Chatwoot, its token included",
             .reply = replyOfList(),
             .slow = true,
             .dialect = "chatwoot"};
    host_->routes().add(route, [this](const HttpRequest& request) { return list(request); });
    route = {.method = Method::del,
             .path = "/api/chatwoot/delete/:instance",
             .summary = "End the integration; the inbox stays in Chatwoot",
             .reply = replyOfDelete(),
             .dialect = "chatwoot"};
    host_->routes().add(route, [this](const HttpRequest& request) { return remove(request); });
  }

  // The table of a create request, without its switch and with the shorter names of the route; all
  // of them begin with "chatwoot", which the three that must be there keep.
  std::vector<Field> routeFields() const {
    std::vector<Field> all = fields();
    all.erase(all.begin());
    for (auto& field : all) {
      if (field.need == Need::whenEnabled) {
        field.need = Need::always;
      } else {
        field.alias = field.name;
        field.name = field.name.substr(8);
        field.name[0] = static_cast<char>(field.name[0] - 'A' + 'a');
      }
    }
    return all;
  }

  // Nothing changes unless Chatwoot agrees.
  HttpReply set(const HttpRequest& request) {
    const Instance& instance = *request.instance;
    boost::json::object body{{"chatwootEnabled", true}};
    for (const auto& field : routeFields())
      body[field.alias.empty() ? field.name : field.alias] = request.fields.at(field.name);
    const Json all(std::move(body));
    const IntegrationWish wish = wishIn(Fields(all), instance);
    try {
      return {.status = 201,
              .body = {{"instance", instance.name},
                       {"status", "active"},
                       {"bridge_integration_id", keepThroughGateway(instance, all, wish)},
                       {"message", "chatwoot integration activated"}}};
    } catch (const ChatwootFailure& failure) {
      host_->metrics().count("set_refused", 1);
      const auto said = answeredFailure(failure, wish.account);
      throw Error(codeOf(said), said.sentence);
    }
  }

  // In one transaction, which is the gateway's: configure() finds what is made here.
  Json keepThroughGateway(const Instance& instance, const Json& body, const IntegrationWish& wish) {
    const Integration made = activate(instance, wish);
    const std::lock_guard lock(lockOf(instance.id));
    const IntegrationHandover::Offer offer(handover_, instance.id.value, wish, made);
    const Json shown = host_->configure(instance, body).shown.at("chatwoot");
    if (shown.at("status") == "error")
      throw Error(Code::refused, std::string(shown.at("error").as_string()));
    return shown.at("bridgeIntegrationId");
  }

  HttpReply list(const HttpRequest& request) {
    const Instance& instance = *request.instance;
    const auto known = upToDate(instance.id);
    if (!known) throw Error(Code::notFound, "no chatwoot integration for this instance");
    const auto token = tokenOf(instance.id);
    return {.body = listed(*known, instance.name, token ? Json(*token) : Json())};
  }

  HttpReply remove(const HttpRequest& request) {
    if (!host_->settings().load(request.instance->id))
      throw Error(Code::notFound, "no chatwoot integration to delete");
    const std::lock_guard lock(lockOf(request.instance->id));
    host_->configure(*request.instance, {{"chatwootEnabled", false}});
    return {.body = {{"message", "chatwoot integration deactivated"}}};
  }

  Integration activate(const Instance& instance, const IntegrationWish& wish) {
    host_->http().requireAllowed(wish.account.baseUrl);
    // Paths are appended to it.
    if (wish.account.baseUrl.find_first_of("?#") != std::string::npos)
      throw Error(Code::invalid, "The 'chatwootBaseUrl' field must be a valid http or https URL");
    Integration known;
    known.document = host_->settings().load(instance.id).value_or(nullptr);
    known.secret = host_->secrets().open(instance.id, kCallback).value_or("");
    return activated(
        clientOf(wish.account), wish, known, host_->server().baseUrl + "/api/chatwoot/callback/",
        [&](const std::string& secret) { return isAnothers(secret, instance.id); },
        host_->clock().now());
  }

  void keep(const InstanceId& id, const IntegrationWish& wish, const Integration& made) {
    host_->settings().save(id, made.document);
    host_->secrets().seal(id, kToken, wish.account.token);
    host_->secrets().seal(id, kCallback, made.secret);
    // Of one that stays what it was as well: it may have been deleted while Chatwoot was thinking.
    host_->sql().apply({release(id),
                        {"INSERT INTO chatwoot_callbacks (digest, instance_id) "
                         "VALUES (:digest, :instance)",
                         {digestOf(made.secret), id.value}}});
  }

  void erase(const InstanceId& id) {
    host_->settings().erase(id);
    host_->secrets().erase(id, kToken);
    host_->secrets().erase(id, kCallback);
    host_->sql().apply({release(id)});
  }

  static Statement release(const InstanceId& id) {
    return {"DELETE FROM chatwoot_callbacks WHERE instance_id = :instance", {id.value}};
  }

  bool isAnothers(const std::string& secret, const InstanceId& id) {
    const auto rows = host_->sql().query(
        {"SELECT instance_id FROM chatwoot_callbacks WHERE digest = :digest", {digestOf(secret)}});
    return !rows.empty() && rows.front().at("instance_id") != SqlValue(id.value);
  }

  // One that cannot be opened shows as null.
  std::optional<std::string> tokenOf(const InstanceId& id) {
    try {
      return host_->secrets().open(id, kToken);
    } catch (const Error& error) {
      host_->log().write(Level::warn, "Token not readable",
                         {{"instance", id.value}, {"reason", error.what()}});
      return std::nullopt;
    }
  }

  // As Chatwoot has it now.
  std::optional<Json> upToDate(const InstanceId& id) {
    const auto known = host_->settings().load(id);
    const auto token = known ? tokenOf(id) : std::nullopt;
    if (!token) return known;
    const ChatwootAccount account{std::string(known->at("baseUrl").as_string()),
                                  known->at("accountId").as_int64(), *token};
    Json fresh = refreshed(clientOf(account), account, *known, [&](const std::string& reason) {
      host_->metrics().count("refresh_failed", 1);
      host_->log().write(Level::warn, "Integration not refreshed",
                         {{"instance", id.value}, {"reason", reason}});
    });
    if (fresh == *known) return known;
    // It may have been replaced or deleted while Chatwoot was thinking.
    const std::lock_guard lock(lockOf(id));
    if (const auto now = host_->settings().load(id); now != known) return now;
    host_->settings().save(id, fresh);
    return fresh;
  }

  ChatwootClient clientOf(const ChatwootAccount& account) {
    return {account, [this](const ChatwootCall& call) { return send(call); }};
  }

  ChatwootAnswer send(const ChatwootCall& call) {
    const auto method = call.method == "GET"    ? Method::get
                        : call.method == "POST" ? Method::post
                                                : Method::patch;
    try {
      auto reply = host_->http().send({.method = method,
                                       .url = call.url,
                                       .headers = call.headers,
                                       .body = call.body,
                                       .timeout = timeout_,
                                       .replyLimit = 4 << 20});
      return {reply.status, std::move(reply.body)};
    } catch (const Error& error) {
      if (error.code != Code::unavailable) throw;
      throw ChatwootFailure(0, error.what());
    }
  }

  std::mutex& lockOf(const InstanceId& id) {
    return locks_[std::hash<std::string>{}(id.value) % locks_.size()];
  }

  IHost* host_ = nullptr;
  std::chrono::milliseconds timeout_{};
  IntegrationHandover handover_;
  // Each guards the integrations of the instances that fall to it until the gateway has written
  // them, which is after configure() has returned: held by who asks it to, and not in there.
  std::array<std::mutex, 64> locks_;
};

}  // namespace

POMBO_BLOCK(ChatwootBlock, "chatwoot", "0.1.0")
