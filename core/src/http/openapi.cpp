#include "http/openapi.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "block/field_schema.hpp"
#include "http/instance_schema.hpp"
#include "http/openapi_answers.hpp"
#include "http/openapi_events.hpp"
#include "net/method.hpp"

namespace pombo {
namespace {

using boost::json::array;
using boost::json::object;

constexpr auto kDescription =
    "Tokens go into the header `token`, into `Authorization: Bearer`, or into `?token=`. A body is "
    "one JSON object, of any Content-Type; `null`, and `\"\"` where nothing has to be there, are "
    "the same as leaving a field out; numbers may be texts, and whole numbers may stand for texts. "
    "Fields that are not known are ignored and told in `warnings`. Clients must tolerate keys that "
    "are not described here. HEAD is answered wherever GET is.";

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::vector<std::string> segmentsOf(const std::string& path) {
  std::vector<std::string> segments;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at + 1), path.size());
    if (end > at + 1) segments.push_back(path.substr(at + 1, end - at - 1));
    at = end;
  }
  return segments;
}

// "/a/:b" is "/a/{b}".
std::string templateOf(const std::string& path) {
  std::string text;
  for (const auto& segment : segmentsOf(path))
    text += segment.starts_with(':') ? "/{" + segment.substr(1) + "}" : "/" + segment;
  return text.empty() ? "/" : text;
}

// "getEventsWebhookByInstance": of the method and the path alone, so that it stays what it is.
std::string operationIdOf(const Route& route) {
  std::string id = lowered(wordOf(route.method));
  const auto append = [&](const std::string& word) {
    bool upper = true;
    for (const char c : word) {
      const auto letter = static_cast<unsigned char>(c);
      if (std::isalnum(letter)) id.push_back(static_cast<char>(upper ? std::toupper(letter) : c));
      upper = !std::isalnum(letter);
    }
  };
  for (const auto& segment : segmentsOf(route.path)) {
    if (segment == "api") continue;
    if (segment.starts_with(':')) append("by");
    append(segment);
  }
  return id;
}

std::string ownerOf(const ServedRoute& served) {
  const std::string& block = served.absence ? served.absence->block : served.block;
  return block.empty() ? "core" : block;
}

// Core's own are told apart by what they are about: "/api/instance/new" is about instances.
std::string tagOf(const ServedRoute& served) {
  const std::string owner = ownerOf(served);
  if (owner != "core") return owner;
  const auto segments = segmentsOf(served.route.path);
  return segments.size() > 1 && segments.front() == "api" ? segments[1] : "server";
}

const char* accessWord(Access access) {
  switch (access) {
    case Access::open:
      return "open";
    case Access::instance:
      return "instance";
    case Access::account:
      return "account";
    case Access::admin:
      return "admin";
  }
  return "";
}

std::string headerScheme(const std::string& header) { return "header-" + header; }

array securityOf(const Route& route) {
  if (route.access == Access::open) return {};
  const auto scheme = [](const std::string& name) {
    object requirement;
    requirement[name] = array();
    return requirement;
  };
  if (route.access == Access::admin) return {scheme("adminToken"), scheme("adminBearer")};
  array schemes{scheme("token"), scheme("bearer"), scheme("tokenInQuery")};
  if (!route.tokenHeader.empty()) schemes.push_back(scheme(headerScheme(route.tokenHeader)));
  return schemes;
}

object parameter(const std::string& name, const std::string& in, const std::string& description) {
  object made{{"name", name}, {"in", in}};
  if (!description.empty()) made["description"] = description;
  return made;
}

array parametersOf(const ServedRoute& served) {
  const Route& route = served.route;
  const char* const about =
      served.several ? "The name of the instance, or of several, with commas between them."
                     : "The name of the instance.";
  array parameters;
  for (const auto& segment : segmentsOf(route.path)) {
    if (!segment.starts_with(':')) continue;
    const std::string name = segment.substr(1);
    object made = parameter(name, "path", name == "instance" ? about : "");
    made["required"] = true;
    made["schema"] = {{"type", "string"}};
    if (name == "instance" && served.several)
      made["schema"] = {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 1}};
    parameters.push_back(std::move(made));
  }
  const auto add = [&](const Field& field, bool required) {
    object made = parameter(field.name, "query", field.doc);
    if (required) made["required"] = true;
    made["schema"] = parameterSchemaOf(field);
    parameters.push_back(std::move(made));
  };
  for (const auto& field : route.query) add(field, field.need == Need::always);
  if (route.method == Method::del)  // in the body or here; the body wins
    for (const auto& field : route.body) add(field, false);
  return parameters;
}

// Whether a route without a table of fields reads the body itself, whatever is in it.
bool readsAnyBody(const ServedRoute& served) {
  const Method method = served.route.method;
  return !served.absence && method != Method::get && method != Method::del;
}

// Nothing for a route that takes none.
Json bodyOf(const ServedRoute& served) {
  const Route& route = served.route;
  Json schema = served.notes.body;
  if (schema.is_null() && !route.body.empty()) schema = schemaOf(route.body);
  if (schema.is_null() && readsAnyBody(served)) schema = {{"type", "object"}};
  if (schema.is_null()) return {};
  auto& members = schema.as_object();
  if (route.method == Method::del)
    for (const char* key : {"required", "allOf"}) members.erase(key);
  const bool required = members.contains("required") || members.contains("allOf");
  return {{"required", required}, {"content", {{"application/json", {{"schema", schema}}}}}};
}

std::string summaryOf(const ServedRoute& served) {
  if (!served.absence) return served.route.summary.empty() ? "Not described" : served.route.summary;
  return served.absence->code == Code::unsupported ? "To come in a later release"
                                                   : "Of a block that is not loaded";
}

object operationOf(const ServedRoute& served) {
  const Route& route = served.route;
  object operation{
      {"operationId", operationIdOf(route)}, {"summary", summaryOf(served)},
      {"tags", array{Json(tagOf(served))}},  {"security", securityOf(route)},
      {"x-pombo-block", ownerOf(served)},    {"x-pombo-access", accessWord(route.access)}};
  if (auto parameters = parametersOf(served); !parameters.empty())
    operation["parameters"] = std::move(parameters);
  if (Json body = bodyOf(served); !body.is_null()) operation["requestBody"] = std::move(body);
  operation["responses"] = answersOf(served);
  return operation;
}

Json tagsOf(const RouteTable& routes) {
  std::map<std::string, bool> ofBlock;
  for (const auto& served : routes.routes()) ofBlock[tagOf(*served)] |= ownerOf(*served) != "core";
  array tags;
  for (const auto& [name, block] : ofBlock)
    tags.push_back(
        {{"name", name},
         {"description", block ? "Of the block " + name + "." : "Of the server itself."}});
  return tags;
}

Json securitySchemes(const RouteTable& routes) {
  Json schemes = boost::json::parse(R"json({
    "token": {"type": "apiKey", "in": "header", "name": "token",
              "description": "A TokenAccount or a TokenInstance."},
    "bearer": {"type": "http", "scheme": "bearer",
               "description": "A TokenAccount or a TokenInstance."},
    "tokenInQuery": {"type": "apiKey", "in": "query", "name": "token",
                     "description": "For clients that cannot set headers."},
    "adminToken": {"type": "apiKey", "in": "header", "name": "token",
                   "description": "The server's admin token."},
    "adminBearer": {"type": "http", "scheme": "bearer",
                    "description": "The server's admin token."}})json");
  for (const auto& served : routes.routes())
    if (const auto& header = served->route.tokenHeader; !header.empty())
      schemes.as_object()[headerScheme(header)] = {
          {"type", "apiKey"}, {"in", "header"}, {"name", header}};
  return schemes;
}

Json schemasOf(const BlockList& blocks, MessageShape shape) {
  Json schemas = boost::json::parse(R"json({
    "Error": {
      "type": "object",
      "required": ["success", "error"],
      "additionalProperties": false,
      "properties": {
        "success": {"const": false},
        "error": {"type": "object", "required": ["message"], "additionalProperties": false,
                  "properties": {"message": {"type": "string"}}}}},
    "Warnings": {
      "type": "array", "minItems": 1, "items": {"type": "string"},
      "description": "What was ignored, or is not as it should be; absent when all is well."
    }})json");
  schemas.as_object()["Instance"] = instanceSchema(blocks);
  schemas.as_object()["ListedInstance"] = listedInstanceSchema();
  for (const auto& [name, schema] : eventSchemas(shape)) schemas.as_object()[name] = schema;
  return schemas;
}

}  // namespace

Json openApiOf(const RouteTable& routes, const BlockList& blocks, const ApiInfo& info) {
  object paths;
  std::set<std::string> ids;
  for (const auto& served : routes.routes()) {
    object operation = operationOf(*served);
    std::string id(operation["operationId"].as_string());
    while (!ids.insert(id).second) id += "_";
    operation["operationId"] = id;
    auto& path = paths[templateOf(served->route.path)];
    if (path.is_null()) path = object();
    path.as_object()[lowered(wordOf(served->route.method))] = std::move(operation);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Pombo"},
            {"version", info.version},
            {"summary", "A self-hosted WhatsApp gateway"},
            {"description", kDescription},
            {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"servers", array{object{{"url", info.url.empty() ? "/" : info.url}}}},
          {"tags", tagsOf(routes)},
          {"paths", std::move(paths)},
          {"webhooks", eventPosts()},
          {"components",
           {{"securitySchemes", securitySchemes(routes)},
            {"schemas", schemasOf(blocks, info.messageShape)},
            {"responses", sharedAnswers()},
            {"headers", sharedHeaders()}}}};
}

}  // namespace pombo
