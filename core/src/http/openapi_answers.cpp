#include "http/openapi_answers.hpp"

#include "http/reply.hpp"

namespace pombo {
namespace {

using boost::json::array;
using boost::json::object;

// The answers that more than one route gives, by the name of their component.
struct Shared {
  int status;
  const char* name;
  const char* when;
};
constexpr Shared kShared[] = {
    {400, "BadRequest",
     "`Malformed request`, `Invalid request body`, or what is wrong with which field."},
    {401, "Unauthorized", "`Invalid token`: none, an unknown one, or one of the wrong kind."},
    {403, "Forbidden",
     "`Instance token does not match the requested instance`, `Origin is not allowed`, or a quota "
     "that is used up."},
    {404, "NotFound", "`Instance not found`, or nothing of what was asked for."},
    {408, "RequestTimeout", "`Request timed out`; the connection is closed."},
    {409, "Conflict", "It is there already, or its state does not allow this."},
    {413, "BodyTooLarge", "`Request body too large`; the connection is closed."},
    {426, "UpgradeRequired", "`WebSocket upgrade required`: this is a plain request."},
    {429, "RateLimited", "`Rate limit exceeded. Try again later.`"},
    {431, "HeadersTooLarge", "`Request headers too large`; the connection is closed."},
    {500, "InternalError", "What the log tells in full."},
    {501, "NotImplemented", "This release does not have it."},
    {502, "BadGateway", "Whoever was asked on the client's behalf refused, or was not there."},
    {503, "Unavailable",
     "`Server is shutting down`, `Server is busy`, or who it needs is not there."},
    {504, "GatewayTimeout", "Whoever was asked on the client's behalf took too long."},
    {505, "VersionNotSupported", "`HTTP version not supported`; the connection is closed."},
};
constexpr Shared kOther{0, "Refused", "Anything else that was refused; the sentence says why."};

const Shared& sharedFor(int status) {
  for (const auto& each : kShared)
    if (each.status == status) return each;
  return kOther;
}

Json headersOf(int status, bool limited) {
  std::vector<std::string> names{"X-Request-Id"};
  if (limited)
    for (const char* name : {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"})
      names.emplace_back(name);
  if (status == 429 || status == 503) names.emplace_back("Retry-After");
  if (status == 401) names.emplace_back("WWW-Authenticate");
  object headers;
  for (const auto& name : names) headers[name] = {{"$ref", "#/components/headers/" + name}};
  return headers;
}

Json answerWith(const Json& schema, const std::string& description, const Json& headers) {
  std::string type = "application/json";
  if (const auto* members = schema.if_object())
    if (const auto* other = members->if_contains("contentMediaType"))
      if (const auto* text = other->if_string()) type = *text;
  object content;
  content[type] = {{"schema", schema}};
  return {{"description", description}, {"headers", headers}, {"content", std::move(content)}};
}

Json errorReference() { return {{"$ref", "#/components/schemas/Error"}}; }

// With "warnings", wherever there is room for them. A block may have given anything.
Json successOf(const ServedRoute& served) {
  const Json& reply = served.route.reply;
  Json schema = reply.is_object() ? reply : Json{{"type", "object"}};
  auto* named = schema.as_object().if_contains("properties");
  auto* properties = named ? named->if_object() : nullptr;
  if (properties && properties->contains("success"))
    (*properties)["warnings"] = {{"$ref", "#/components/schemas/Warnings"}};
  return answerWith(schema, "Success",
                    headersOf(served.route.status, served.route.bucket != Bucket::none));
}

std::vector<Code> refusalsOf(const ServedRoute& served) {
  const Route& route = served.route;
  std::vector<Code> codes = served.notes.refusals;
  codes.insert(codes.end(), {Code::invalid, Code::tooLarge, Code::internal, Code::unavailable});
  if (route.access != Access::open)
    codes.insert(codes.end(), {Code::unauthorized, Code::forbidden});
  const bool ofInstance = route.path.find("/:instance") != std::string::npos;
  const bool looksForIt = ofInstance && route.access != Access::open && !served.absence;
  if (looksForIt || route.access == Access::admin) codes.push_back(Code::notFound);
  if (route.bucket != Bucket::none) codes.push_back(Code::rateLimited);
  if (served.socket) codes.push_back(Code::upgradeRequired);
  // Somebody else is asked.
  if (route.slow) codes.insert(codes.end(), {Code::refused, Code::timedOut});
  // By what the instance is, and by what its connector lacks.
  if (looksForIt && !served.block.empty())
    codes.insert(codes.end(), {Code::conflict, Code::unsupported});
  if (served.absence) codes.push_back(served.absence->code);
  return codes;
}

std::string whenOf(const ServedRoute& served, const Shared& answer) {
  if (served.absence && statusOf(served.absence->code) == answer.status)
    return "`" + served.absence->sentence + "`";
  const bool own = answer.status == 500 && !served.route.failure.empty();
  return own ? "`" + served.route.failure + "`" : answer.when;
}

}  // namespace

Json answersOf(const ServedRoute& served) {
  const bool plain = served.route.dialect.empty();
  const Json refused = plain ? errorReference() : Json{{"type", "object"}};
  object answers;
  const auto refuse = [&](const std::string& key, const Shared& answer) {
    const std::string when = whenOf(served, answer);
    if (plain && when == answer.when)
      answers[key] = {{"$ref", std::string("#/components/responses/") + answer.name}};
    else
      answers[key] = answerWith(refused, when, headersOf(answer.status, true));
  };
  for (const Code code : refusalsOf(served))
    refuse(std::to_string(statusOf(code)), sharedFor(statusOf(code)));
  for (const int status : {408, 431, 505}) refuse(std::to_string(status), sharedFor(status));
  refuse("default", kOther);
  for (const auto& [status, schema] : served.notes.answers)
    answers[std::to_string(status)] =
        answerWith({{"anyOf", array{schema, refused}}}, sharedFor(status).when,
                   headersOf(status, served.route.bucket != Bucket::none));
  if (served.socket)
    answers["101"] = {{"description", "The connection becomes a WebSocket."}};
  else if (!served.absence)
    answers[std::to_string(served.route.status)] = successOf(served);
  return answers;
}

Json sharedAnswers() {
  object answers;
  const auto add = [&](const Shared& each) {
    answers[each.name] = answerWith(errorReference(), each.when, headersOf(each.status, true));
  };
  for (const auto& each : kShared) add(each);
  add(kOther);
  return answers;
}

Json sharedHeaders() {
  return boost::json::parse(R"json({
    "X-Request-Id": {"description": "Of this request; it is in the log as well.",
                     "schema": {"type": "string", "format": "uuid"}},
    "X-RateLimit-Limit": {
      "description": "Requests a minute; none of the three is on answers from before the limit.",
      "schema": {"type": "integer", "minimum": 0}},
    "X-RateLimit-Remaining": {"description": "Requests that would pass right now.",
                              "schema": {"type": "integer", "minimum": 0}},
    "X-RateLimit-Reset": {
      "description": "Unix second when one more will pass, or the oldest no longer counts.",
      "schema": {"type": "integer"}},
    "Retry-After": {"description": "Seconds to wait, at least 1.",
                    "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"schema": {"const": "Bearer realm=\"pombo\""}}})json");
}

}  // namespace pombo
