#include "http/instance_schema.hpp"

#include <algorithm>
#include <cctype>

#include "block/field_schema.hpp"
#include "instance/provisioner.hpp"

namespace pombo {
namespace {

using boost::json::array;
using boost::json::object;

bool sameWord(const std::string& left, const std::string& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

Json typeOf(const Json& value) {
  if (value.is_bool()) return "boolean";
  return value.is_object() ? "object" : "string";
}

// A key that is null in the empty object says nothing of its type: the field that it is told with
// does. What is secret is never shown.
Json typeOfKey(const std::string& key, const Json& empty, const std::string& block,
               const std::vector<Field>& fields) {
  if (empty.is_array()) return {{"type", "array"}, {"items", {{"type", "string"}}}};
  if (!empty.is_null()) return {{"type", typeOf(empty)}};
  for (const auto& field : fields) {
    if (!sameWord(field.name, block + key)) continue;
    if (field.secret) return {{"type", "null"}};
    return {{"type", {field.type == Type::integer ? "integer" : "string", "null"}}};
  }
  return {{"type", {"string", "null"}}};
}

array namesIn(const object& shape) {
  array names;
  for (const auto& member : shape) names.emplace_back(member.key());
  return names;
}

Json failureSchema(const BlockPromise& promise) {
  object shape = promise.failed.as_object();
  for (const char* key : {"status", "error"}) shape[key] = nullptr;
  return {{"type", "object"},
          {"title", "Failed"},
          {"description", "The block could not do what it was told; error says why."},
          {"required", namesIn(shape)},
          {"properties", {{"status", {{"const", "error"}}}, {"error", {{"type", "string"}}}}}};
}

Json blockSchema(const BlockPromise& promise, const Block* block) {
  if (!promise.fixed)
    return {{"type", "object"}, {"description", "What the block says of the instance."}};
  const std::vector<Field> none;
  object properties;
  for (const auto& [key, empty] : promise.empty.as_object())
    properties[key] = typeOfKey(key, empty, promise.name, block ? block->fields : none);
  Json works{{"type", "object"},
             {"title", "Working"},
             {"required", namesIn(promise.empty.as_object())},
             {"properties", std::move(properties)}};
  return {{"anyOf", array{std::move(works), failureSchema(promise)}}};
}

void addTo(object& schema, const Json& table) {
  for (const auto& [name, property] : table.at("properties").as_object())
    schema["properties"].as_object()[name] = property;
  const auto* condition = table.as_object().if_contains("if");
  if (!condition) return;
  auto& conditions = schema["allOf"];
  if (conditions.is_null()) conditions = array();
  conditions.as_array().push_back(object{{"if", *condition}, {"then", table.at("then")}});
}

}  // namespace

Json creationSchema(const BlockList& blocks) {
  object schema{{"type", "object"}, {"properties", object()}, {"required", array{"name"}}};
  addTo(schema, schemaOf(Provisioner::ownFields()));
  // Core's own are texts and nothing else.
  for (const auto& field : Provisioner::ownFields())
    schema["properties"].as_object()[field.name].as_object()["type"] =
        field.need == Need::always ? Json("string") : Json{"string", "null"};
  for (const auto& block : blocks.all())
    if (block.running()) addTo(schema, schemaOf(block.fields));
  schema["examples"] = array{object{{"name", "shop"}}};
  return schema;
}

Json instanceSchema(const BlockList& blocks) {
  Json schema = boost::json::parse(R"json({
    "type": "object",
    "required": ["id", "name", "token", "status", "numberJid", "createdAt", "updatedAt"],
    "properties": {
      "id": {"type": "string", "format": "uuid"},
      "name": {"type": "string"},
      "token": {"type": ["string", "null"],
                "description": "The TokenInstance; null when it cannot be opened."},
      "status": {"enum": ["disconnected", "connecting", "connected", "loggedout", "banned"]},
      "numberJid": {"type": ["string", "null"]},
      "connector": {"type": "string", "description": "Only when it is not the usual one."},
      "createdAt": {"type": "string", "format": "date-time"},
      "updatedAt": {"type": "string", "format": "date-time"}}})json");
  for (const auto& promise : blocks.promises().blocks) {
    if (promise.fixed) schema.at("required").as_array().emplace_back(promise.name);
    schema.at("properties").as_object()[promise.name] =
        blockSchema(promise, blocks.find(promise.name));
  }
  return schema;
}

Json listedInstanceSchema() {
  return boost::json::parse(R"json({
    "allOf": [{"$ref": "#/components/schemas/Instance"}],
    "type": "object",
    "required": ["connection", "profile"],
    "properties": {
      "connection": {
        "type": "object",
        "required": ["state", "numberJid", "presenceStatus", "displayStatus"],
        "properties": {
          "state": {"enum": ["disconnected", "connecting", "connected", "loggedout", "banned"]},
          "numberJid": {"type": ["string", "null"]},
          "presenceStatus": {"enum": ["available", "unavailable"]},
          "displayStatus": {"enum": ["Online", "Connected", "Connecting", "Disconnected",
                                     "Logged out", "Banned"]}}},
      "profile": {
        "type": "object",
        "required": ["name", "pictureUrl", "isBusiness", "businessName"],
        "properties": {
          "name": {"type": ["string", "null"]},
          "pictureUrl": {"type": ["string", "null"]},
          "isBusiness": {"type": "boolean"},
          "businessName": {"type": "string"}}}}})json");
}

}  // namespace pombo
