#include "http/router.hpp"

#include <algorithm>
#include <utility>

#include "block/guard.hpp"
#include "http/handshake.hpp"
#include "http/json_body.hpp"
#include "http/reply.hpp"
#include "net/method.hpp"
#include "observe/request_scope.hpp"

namespace pombo {
namespace {

constexpr std::uint64_t kSmallBody = 1 << 20;
constexpr std::chrono::milliseconds kLargeBodyTime{120'000};
constexpr std::size_t kLongestQueue = 10'000;
constexpr auto kBusy = "Server is busy";

bool isProbe(const std::string& path) {
  return path == "/health" || path == "/healthz" || path == "/readyz" || path == "/metrics";
}

// What may be logged of a query: what the route has asked for, unless that opens something.
// Anything else may be a token that is spelled another way.
std::string shownOf(const std::string& query, const Route* route) {
  std::string shown;
  for (std::size_t at = 0; at <= query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    const std::string pair = query.substr(at, end - at);
    const std::string name = pair.substr(0, pair.find('='));
    if (at > 0) shown += '&';
    const Field* const field = route ? fieldNamed(route->query, name) : nullptr;
    if (field && !field->secret)
      shown += pair;
    else
      shown += name == "token" ? "token=***" : "***";
    at = end + 1;
  }
  return shown;
}

// Unknown members of a body, and of nothing else: strangers add to a query what they like.
void warnOfUnknown(const std::vector<Field>& table, const Json& body,
                   std::vector<std::string>& warnings) {
  for (const auto& member : body.as_object())
    if (!fieldNamed(table, member.key()))
      warnings.push_back("Unknown field '" + std::string(member.key()) + "' was ignored");
}

boost::json::object queryOf(const std::vector<Field>& table, const std::string& query) {
  boost::json::object values;
  for (const auto& field : table) {
    const auto value = queryValue(query, field.name);
    if (!value) continue;
    // There is no other way to write a boolean in a query.
    if (field.type == Type::boolean && (*value == "true" || *value == "false"))
      values[field.name] = *value == "true";
    else
      values[field.name] = *value;
  }
  return values;
}

}  // namespace

Router::Router(const RouterOptions& options, RouteTable& table, Admission& admission,
               const Cors& cors, Sockets& sockets, AuditLog& audit, Log& log, Metrics& metrics,
               IClock& clock)
    : options_(options),
      table_(table),
      dispatcher_(table),
      admission_(admission),
      cors_(cors),
      sockets_(sockets),
      trail_(audit),
      log_(log),
      metrics_(metrics),
      clock_(clock),
      slow_(options.slowWorkers, 0),
      workers_(options.workers, kLongestQueue) {}

Answer Router::malformed() { return closing(refusalOf(Code::invalid, "Malformed request")); }
Answer Router::bodyTooLarge() {
  return closing(refusalOf(Code::tooLarge, "Request body too large"));
}
Answer Router::headTooLarge() {
  return closing(
      answerOf(Refusal{.status = 431, .sentence = "Request headers too large"}, nullptr, {}));
}
Answer Router::tooSlow() {
  return closing(answerOf(Refusal{.status = 408, .sentence = "Request timed out"}, nullptr, {}));
}
Answer Router::versionUnknown() {
  return closing(
      answerOf(Refusal{.status = 505, .sentence = "HTTP version not supported"}, nullptr, {}));
}

Expectation Router::expect(const RequestHead& head) {
  auto call = std::make_shared<Call>();
  const auto question = head.target.find('?');
  call->path = head.target.substr(0, question);
  if (question != head.target.npos) call->query = head.target.substr(question + 1);
  Expectation expectation;
  if (!percentDecoded(call->path)) {
    expectation.refusal = malformed();
    return expectation;
  }
  call->match = dispatcher_.find(head.method, call->path);
  call->remote = admission_.clientOf(head);
  beginCors(*call, head);
  call->budget = options_.budget;
  if (call->match.route) {
    const Route& route = call->route();
    expectation.bodyLimit = std::max<std::uint64_t>(route.bodyLimit, 1);
    if (route.budget.count() > 0) call->budget = route.budget;
    if (const auto& standing = call->match.route->standing)
      call->watched = std::make_shared<Watched>(standing);
  }
  if (expectation.bodyLimit > kSmallBody) {
    expectation.timeout = kLargeBodyTime;
    expectation.admitFirst = head.chunked || head.contentLength.value_or(0) > kSmallBody;
  }
  expectation.headers = Cors::early(*call);
  expectation.state = call;
  return expectation;
}

void Router::beginCors(Call& call, const RequestHead& head) const {
  const ServedRoute* route = call.match.route;
  Match asked;  // what a preflight is about
  if (Cors::isPreflight(head))
    route = (asked = dispatcher_.find(head.headers.at("access-control-request-method"), call.path))
                .route;
  cors_.begin(call, head, route);
}

void Router::admit(const RequestHead& head, const std::shared_ptr<void>& state,
                   std::function<void(std::optional<Answer>)> then) {
  auto call = std::static_pointer_cast<Call>(state);
  call->head = std::make_shared<const RequestHead>(head);
  // The refusal of a check is the answer; passing it is the leave to send the body.
  const auto settle = [call, then](std::optional<Answer> answer) {
    if (call->admitted.exchange(true)) return;
    if (answer) answer->close = true;
    then(std::move(answer));
  };
  const auto check = [this, call, settle] {
    try {
      admission_.check(*call);
      settle(std::nullopt);
    } catch (const Error& error) {
      Answer answer = complete(*call, refusal(*call, error));
      observe(*call, answer);
      settle(std::move(answer));
    } catch (const std::exception& bug) {
      log_.write(Level::error, "A request failed", {{"exception", bug.what()}});
      settle(failure(*call));
    }
  };
  if (!workers_.post(check, call->budget, [this, call, settle] { settle(failure(*call)); }))
    settle(busy());
}

void Router::serve(std::shared_ptr<const RequestHead> head, std::string body,
                   const std::shared_ptr<void>& state, std::function<void(Answer)> then) {
  auto call = std::static_pointer_cast<Call>(state);
  call->head = std::move(head);
  call->body = std::move(body);
  ++inFlight_;
  call->then = [this, then = std::move(then)](Answer answer) {
    --inFlight_;
    then(std::move(answer));
  };
  if (draining_ && !isProbe(call->path))
    return refuse(*call,
                  Error(Code::unavailable, "Server is shutting down", std::chrono::seconds(5)));
  if (!workers_.post([this, call] { run(call); }, call->budget, [this, call] { overrun(*call); }))
    refuse(*call, Error(Code::unavailable, kBusy, std::chrono::seconds(1)));
}

// A slow call is checked like any other and then goes to threads of its own: those that it may not
// have, or that are all taken, are no reason to keep it waiting.
bool Router::passedOn(const std::shared_ptr<Call>& call) {
  if (call->slow || !call->match.route || !call->route().slow) return false;
  call->slow = true;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      call->due - std::chrono::steady_clock::now());
  if (!slow_.post([this, call] { run(call); }, left, [this, call] { overrun(*call); }))
    throw Error(Code::unavailable, kBusy, std::chrono::seconds(1));
  return true;
}

void Router::run(const std::shared_ptr<Call>& call) {
  if (!call->slow) call->due = std::chrono::steady_clock::now() + call->budget;
  const RequestScope scope(call->head->id, call->due, [call] { return call->claim(); });
  try {
    if (Cors::isPreflight(*call->head)) return answer(*call, cors_.preflight(*call));
    admission_.check(*call);
    if (passedOn(call)) return;
    if (call->match.route->socket) return answer(*call, upgraded(*call));
    const HttpReply reply = handle(*call);
    trail_.learn(*call, reply);
    if (reply.later)
      await(call, reply.warnings);
    else
      answer(*call, answerOf(reply));
  } catch (const Error& error) {
    refuse(*call, error);
  } catch (const std::exception& bug) {
    log_.write(Level::error, "A request failed", {{"exception", bug.what()}, {"path", call->path}});
    answer(*call, failure(*call));
  } catch (...) {
    log_.write(Level::error, "A request failed", {{"exception", "not a std::exception"}});
    answer(*call, failure(*call));
  }
}

// On the watch's thread, while the call's own may still be at work: what the checks have found is
// not to be read here.
void Router::overrun(Call& call) {
  log_.write(Level::error, "A call ran over its budget",
             {{"request", call.head->id}, {"path", call.path}});
  metrics_.count("pombo_http_overruns_total", {});
  if (call.watched) call.watched->writeOff();
  if (!call.takeOverrun()) return;
  Answer answer = failure(call);
  answer.headers.merge(Cors::early(call));
  count(call, answer);
  trail_.tellOverrun(call);
  call.then(std::move(answer));
}

HttpReply Router::handle(Call& call) {
  if (const auto& absence = call.match.route->absence)  // whatever was sent
    throw Error(absence->code, absence->sentence);
  std::vector<std::string> warnings;
  HttpRequest request = requestOf(call, warnings);
  const std::unique_ptr<std::string, void (*)(std::string*)> wiped(
      &request.body, [](std::string* body) { wipe(*body); });
  HttpReply reply;
  watched(call, [&] { reply = call.match.route->handler(request); });
  reply.warnings.insert(reply.warnings.begin(), warnings.begin(), warnings.end());
  return reply;
}

// The block comes first: that it does not serve this instance is told to whoever asks.
Answer Router::upgraded(Call& call) {
  std::vector<std::string> none;
  const HttpRequest request = requestOf(call, none);
  const auto deflate = sockets_.compresses() ? deflateOf(*call.head) : std::nullopt;
  const auto queue =
      sockets_.open({call.instance ? call.instance->id : InstanceId(), std::move(call.tokenHash)},
                    deflate.has_value());
  const auto upgrade = std::make_shared<Upgrade>(queue);
  watched(call, [&] { call.match.route->socket(request, std::make_shared<ClientSocket>(queue)); });
  auto headers = handshakeOf(*call.head);
  if (!headers) throw Error(Code::upgradeRequired, "WebSocket upgrade required");
  if (deflate) headers->emplace("sec-websocket-extensions", *deflate);
  return {.status = 101, .headers = std::move(*headers), .upgrade = upgrade};
}

void Router::watched(Call& call, const std::function<void()>& handler) {
  if (!call.watched) return handler();
  call.watched->standing().requireGood();
  call.watched->begin();
  const std::unique_ptr<Watched, void (*)(Watched*)> back(call.watched.get(),
                                                          [](Watched* each) { each->end(); });
  handler();
}

// The body's members against the route's table. They stay in the memory they were read into: that
// is wiped when it is freed, and a copy would not be.
Checked Router::fieldsOf(Call& call, std::vector<std::string>& warnings) const {
  const Route& route = call.route();
  if (route.method == Method::get || call.match.route->ignoresBody)
    return {boost::json::object(), {}};
  Json body = objectIn(call.body, &call.detail);
  // DELETE takes its parameters from the query as well; the body wins.
  if (route.method == Method::del)
    for (const auto& member : queryOf(route.body, call.query))
      body.as_object().emplace(member.key(), member.value());
  // A route without a table reads the body itself; but a DELETE without one has no fields.
  if (!route.body.empty() || route.method == Method::del) warnOfUnknown(route.body, body, warnings);
  if (route.body.empty()) return {std::move(body), {}};
  return checked(route.body, body.as_object());
}

HttpRequest Router::requestOf(Call& call, std::vector<std::string>& warnings) const {
  const Route& route = call.route();
  Checked query = checked(route.query, queryOf(route.query, call.query));
  Checked fields = fieldsOf(call, warnings);
  // A GET has no other fields than those of its query: "?label=" is not the same as nothing.
  if (route.method == Method::get) fields.given = std::move(query.given);
  HttpRequest request{.id = call.head->id,
                      .method = route.method,
                      .path = call.path,
                      .remote = call.remote,
                      .params = call.match.params,
                      .headers = call.head->headers,
                      .body = std::move(call.body),
                      .query = std::move(query.values),
                      .fields = std::move(fields.values),
                      .given = std::move(fields.given),
                      .instance = call.instance};
  if (const auto it = request.params.find("instance"); it != request.params.end())
    it->second = call.instanceName;
  // Who calls is known by now; the token itself is no block's to see.
  if (route.access != Access::open)
    for (const auto& name : {std::string("token"), std::string("authorization"), route.tokenHeader})
      request.headers.erase(name);
  if (call.caller) request.account = call.caller->account.id;
  return request;
}

// It holds no thread any more, so its place is for others.
void Router::await(const std::shared_ptr<Call>& call, const std::vector<std::string>& warnings) {
  call->giveBack();
  table_.await(
      call->head->id, call->due,
      [this, call, warnings](HttpReply reply) {
        reply.warnings.insert(reply.warnings.begin(), warnings.begin(), warnings.end());
        answer(*call, answerOf(reply));
      },
      [this, call] { answer(*call, failure(*call)); });
}

// Whoever has an answer may ask again: the place is free before they can.
void Router::answer(Call& call, Answer answer) {
  if (!call.takeAnswer()) return;
  answer = complete(call, std::move(answer));
  observe(call, answer);
  call.giveBack();
  call.then(std::move(answer));
}

void Router::refuse(Call& call, const Error& error) { answer(call, refusal(call, error)); }

Answer Router::refusal(const Call& call, const Error& error) {
  Refusal refusal{.code = error.code,
                  .status = statusOf(error.code),
                  .sentence = error.what(),
                  .detail = call.detail,
                  .instance = call.instanceName,
                  .path = call.path,
                  .method = methodNamed(call.head->method).value_or(Method::get)};
  const bool wrongMethod =
      !call.match.route && !call.match.allowed.empty() && error.code == Code::notFound;
  if (wrongMethod) refusal.status = 405;
  Answer made = inDialect(call, refusal, error.retryAfter);
  if (wrongMethod) {
    auto& allow = made.headers["allow"];
    for (const auto& method : call.match.allowed) allow += (allow.empty() ? "" : ", ") + method;
  }
  if (error.code == Code::upgradeRequired)
    made.headers.merge(Headers{{"upgrade", "websocket"}, {"sec-websocket-version", "13"}});
  return made;
}

// A dialect is a block's: when it fails, the server's own envelope serves.
Answer Router::inDialect(const Call& call, const Refusal& refusal,
                         std::chrono::seconds retryAfter) {
  const bool spoken = call.match.route && !call.route().dialect.empty();
  const ErrorWriter* dialect =
      spoken ? table_.dialect(call.match.route->block, call.route().dialect) : nullptr;
  Answer made;
  const auto failed =
      failureOf(log_, "an error's dialect", [&] { made = answerOf(refusal, dialect, retryAfter); });
  return failed ? answerOf(refusal, nullptr, retryAfter) : made;
}

// Of a bug, or an overrun: the sentence is the route's, the reason is in the log. Reads nothing
// that the checks write.
Answer Router::failure(const Call& call) {
  const bool named = call.match.route && !call.route().failure.empty();
  return inDialect(call,
                   Refusal{.code = Code::internal,
                           .status = 500,
                           .sentence = named ? call.route().failure : "Internal server error",
                           .path = call.path,
                           .method = methodNamed(call.head->method).value_or(Method::get)},
                   {});
}

Answer Router::busy() {
  return answerOf(Refusal{.code = Code::unavailable, .status = 503, .sentence = kBusy}, nullptr,
                  std::chrono::seconds(1));
}

Answer Router::complete(const Call& call, Answer answer) const {
  Cors::addTo(call, answer);
  addLimitHeaders(call, answer);
  return answer;
}

void Router::addLimitHeaders(const Call& call, Answer& answer) const {
  if (!call.limited) return;
  const auto reset = std::chrono::ceil<std::chrono::seconds>(clock_.now().time_since_epoch() +
                                                             call.allowance.reset);
  answer.headers["x-ratelimit-limit"] = std::to_string(call.allowance.limit);
  answer.headers["x-ratelimit-remaining"] = std::to_string(call.allowance.remaining);
  answer.headers["x-ratelimit-reset"] = std::to_string(reset.count());
}

void Router::count(const Call& call, const Answer& answer) {
  std::lock_guard lock(countsMutex_);
  ++counts_[{call.match.route, answer.status}];
}

void Router::observe(const Call& call, const Answer& answer) {
  count(call, answer);
  trail_.tell(call, answer.status);
  if (!options_.accessLog || isProbe(call.path) || !log_.enabled(Level::info)) return;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - call.began);
  // On the stack: there is one for every request.
  unsigned char memory[1024];
  boost::json::monotonic_resource resource(memory);
  boost::json::object line({{"request", call.head->id},
                            {"method", call.head->method},
                            {"path", call.path},
                            {"status", answer.status},
                            {"microseconds", took.count()},
                            {"remote", call.remote}},
                           &resource);
  if (!call.query.empty())
    line["query"] = shownOf(call.query, call.match.route ? &call.route() : nullptr);
  if (call.caller) line["account"] = call.caller->account.id.value;
  log_.write(Level::info, "Request", Json(std::move(line), &resource));
}

void Router::collect(Metrics& metrics) {
  std::lock_guard lock(countsMutex_);
  for (const auto& [key, count] : counts_)
    metrics.countTo("pombo_http_requests_total",
                    {{"route", key.first ? key.first->route.path : "none"},
                     {"status", std::to_string(key.second)}},
                    static_cast<double>(count));
}

}  // namespace pombo
