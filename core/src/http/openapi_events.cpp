#include "http/openapi_events.hpp"

#include "embedded.hpp"
#include "pombo/event.hpp"

namespace pombo {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::string_view kPlace = "#/components/schemas/";

// Their names are lower-case and could be those of others.
std::string nameOf(std::string_view definition) { return "event." + std::string(definition); }

Json envelopeOf(std::string_view event) {
  Json schema = boost::json::parse(R"json({
    "type": "object",
    "required": ["event", "data", "instanceData", "id", "timestamp"],
    "properties": {
      "instanceData": {
        "type": "object",
        "required": ["baseUrl", "instance", "token"],
        "properties": {"baseUrl": {"type": "string"}, "instance": {"type": "string"},
                       "token": {"type": ["string", "null"],
                                 "description": "The TokenInstance; null when it is not told."}}},
      "id": {"type": "string", "format": "uuid",
             "description": "The same on every channel and attempt: forget what you have seen."},
      "timestamp": {"type": "string", "format": "date-time"}}})json");
  auto& properties = schema.at("properties").as_object();
  properties["event"] = {{"const", event}};
  properties["data"] = {{"$ref", std::string(kPlace) + nameOf(event)}};
  return schema;
}

// What they refer to is then found in the document.
void addDefinitions(object& schemas, const char* file) {
  std::string text = embeddedFiles().at(file);
  const std::string from = "#/$defs/", to = std::string(kPlace) + nameOf("");
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
  const Json document = boost::json::parse(text);
  for (const auto& [name, schema] : document.at("$defs").as_object())
    schemas[nameOf(name)] = schema;
}

}  // namespace

object eventSchemas(MessageShape shape) {
  object schemas;
  addDefinitions(schemas, "wire/events.json");
  if (shape == MessageShape::catalogue) addDefinitions(schemas, "wire/catalogue.json");
  return schemas;
}

object eventPosts() {
  object posts;
  for (const auto event : kWireEvents) {
    object operation{{"operationId", nameOf(event)},
                     {"summary", "Posted to the webhooks of an instance"},
                     {"security", array()}};
    operation["requestBody"] = {
        {"required", true}, {"content", {{"application/json", {{"schema", envelopeOf(event)}}}}}};
    operation["responses"] = {
        {"2XX", {{"description", "It has arrived."}}},
        {"410", {{"description", "Never again: it is not tried once more."}}}};
    posts[event] = {{"post", std::move(operation)}};
  }
  return posts;
}

}  // namespace pombo
