#include "block/field_schema.hpp"

#include <algorithm>
#include <charconv>

#include "block/field_table.hpp"

namespace pombo {
namespace {

using boost::json::array;
using boost::json::object;

constexpr auto kControls = R"(\u0000-\u001f\u007f-\u009f)";

bool isWhole(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return at == end && error == std::errc();
}

// The type itself, then those that are read as it.
std::vector<std::string> typesOf(const Field& field) {
  const auto& choices = field.choices;
  switch (field.type) {
    case Type::boolean:
      return {"boolean"};
    case Type::integer:
      return {"integer", "string"};
    case Type::number:
      return {"number", "string"};
    case Type::string:
      if (!choices.empty() && std::none_of(choices.begin(), choices.end(), isWhole))
        return {"string"};
      return {"string", "integer"};
    case Type::url:
      return {"string"};
    case Type::strings:
    case Type::objects:
      return {"array"};
    case Type::object:
      return {"object"};
    case Type::any:
      return {};
  }
  return {};
}

bool isNumber(Type type) { return type == Type::integer || type == Type::number; }
bool isText(Type type) { return type == Type::string || type == Type::url; }

// A text that is read as a number, or that has the range of one.
std::string digitsOf(const Field& field, bool mayBeEmpty) {
  const std::string digits = field.type == Type::number
                                 ? "[-]?[0-9]*[.]?[0-9]*([eE][-+]?[0-9]+)?"
                                 : std::string("-?[0-9]") + (mayBeEmpty ? "*" : "+");
  return "^" + digits + "$";
}

std::string patternOf(Text text) {
  switch (text) {
    case Text::printable:
      return std::string("^[^") + kControls + "]*$";
    case Text::segment:
      return std::string("^(?!.*[.][.])[^/") + kControls + "]*$";
    case Text::path:
      return std::string("^(?!.*[.][.])[^") + kControls + "]*$";
    case Text::any:
    case Text::host:  // a pattern would be a second opinion of what a host is
      return {};
  }
  return {};
}

void addChoices(const Field& field, object& schema) {
  array choices;
  for (const auto& choice : field.choices) choices.emplace_back(choice);
  if (field.type == Type::strings) {
    schema["items"].as_object()["enum"] = std::move(choices);
    return;
  }
  for (const auto& choice : field.choices)
    if (isWhole(choice)) choices.emplace_back(std::stoll(choice));
  schema["enum"] = std::move(choices);
}

// Range, length and content: each counts for values of its own type alone.
void addLimits(const Field& field, bool optional, object& schema) {
  if (field.min) schema["minimum"] = *field.min;
  if (field.max) schema["maximum"] = *field.max;
  object& text = field.type == Type::strings ? schema["items"].as_object() : schema;
  if (field.maxLength) text["maxLength"] = field.maxLength;
  if (field.minLength && (!optional || field.type == Type::strings))
    text["minLength"] = field.minLength;
  else if (field.minLength > 1)
    schema["anyOf"] = array{object{{"minLength", field.minLength}}, object{{"maxLength", 0}}};
  if (const auto pattern = patternOf(field.text); !pattern.empty()) text["pattern"] = pattern;
  if (isNumber(field.type) || (field.type == Type::string && (field.min || field.max)))
    schema["pattern"] = digitsOf(field, optional);
  if (!field.choices.empty()) addChoices(field, schema);
}

// What a viewer would otherwise make up from the pattern is no help to anybody.
void addExample(const Field& field, object& schema) {
  if (!schema.contains("pattern") || schema.contains("default") || schema.contains("enum")) return;
  const bool number = isNumber(field.type) || field.min || field.max;
  const std::string text = number ? std::to_string(field.min.value_or(1)) : "text";
  if (number ||
      (field.minLength <= text.size() && (field.maxLength == 0 || text.size() <= field.maxLength)))
    schema["examples"] = array{text};
}

object plainSchema(const Field& field, bool optional) {
  object schema;
  if (field.type == Type::strings) schema["items"] = {{"type", "string"}};
  if (field.type == Type::objects) schema["items"] = {{"type", "object"}};
  if (!field.doc.empty()) schema["description"] = field.doc;
  const bool blank = field.fallback.is_string() && field.fallback.get_string().empty();
  if (!field.fallback.is_null() && !(blank && field.type == Type::url))
    schema["default"] = field.fallback;
  addLimits(field, optional, schema);
  addExample(field, schema);
  return schema;
}

// null and "" are the same as leaving the field out.
void addAbsence(const Field& field, object& schema) {
  // Looked up each time: members move when others come and go.
  const auto addType = [&](const char* type) { schema["type"].as_array().emplace_back(type); };
  if (!isText(field.type) && !isNumber(field.type)) {
    addType("string");
    if (field.type == Type::boolean)
      schema["enum"] = {true, false, "", nullptr};
    else
      schema["maxLength"] = 0;
  } else if (auto* choices = schema.if_contains("enum")) {
    choices->as_array().emplace_back("");
    choices->as_array().emplace_back(nullptr);
  }
  addType("null");
}

// Of a URL that need not be there, "" says that it is not.
void addFormat(const Field& field, bool optional, object& schema) {
  if (field.type != Type::url) return;
  if (optional)
    schema["anyOf"] = array{object{{"format", "uri"}}, object{{"maxLength", 0}}};
  else
    schema["format"] = "uri";
}

object propertyOf(const Field& field, bool switched) {
  const bool optional = field.need != Need::always;
  object schema = plainSchema(field, optional);
  if (!switched || !optional) addFormat(field, optional, schema);
  if (field.secret) schema["writeOnly"] = true;
  array types;
  for (const auto& type : typesOf(field)) types.emplace_back(type);
  if (types.empty()) return schema;
  schema["type"] = std::move(types);
  if (optional) addAbsence(field, schema);
  if (schema["type"].as_array().size() == 1) schema["type"] = Json(schema["type"].as_array()[0]);
  return schema;
}

// {"required": [...]} for those with one spelling, and a choice for each of the others.
object requirementOf(const std::vector<const Field*>& fields) {
  object schema;
  array names, either;
  for (const Field* field : fields) {
    if (field->alias.empty())
      names.emplace_back(field->name);
    else
      either.push_back(object{{"anyOf", array{object{{"required", array{field->name}}},
                                              object{{"required", array{field->alias}}}}}});
  }
  if (!names.empty()) schema["required"] = std::move(names);
  if (!either.empty()) schema["allOf"] = std::move(either);
  return schema;
}

// What holds only while the switch is on: what has to be there, and that a URL is one.
object whenOn(const std::vector<Field>& table) {
  std::vector<const Field*> needed;
  object urls;
  for (const auto& field : table) {
    if (field.need == Need::whenEnabled) needed.push_back(&field);
    if (field.type != Type::url || field.need == Need::always) continue;
    object url;
    addFormat(field, true, url);
    urls[field.name] = std::move(url);
  }
  object schema = requirementOf(needed);
  if (!urls.empty()) schema["properties"] = std::move(urls);
  return schema;
}

}  // namespace

Json schemaOf(const std::vector<Field>& table) {
  const Field* onOff = switchOf(table);
  object properties;
  std::vector<const Field*> always;
  for (const auto& field : table) {
    properties[field.name] = propertyOf(field, onOff);
    if (!field.alias.empty()) {
      object second = propertyOf(field, onOff);
      second["description"] = "The same as " + field.name + ", which wins.";
      second.erase("default");
      properties[field.alias] = std::move(second);
    }
    if (field.need == Need::always) always.push_back(&field);
  }
  object schema{{"type", "object"}, {"properties", std::move(properties)}};
  for (auto& [key, value] : requirementOf(always)) schema[key] = value;
  object then = onOff ? whenOn(table) : object();
  if (then.empty()) return schema;
  object on;
  on[onOff->name] = {{"const", true}};
  schema["if"] = {{"properties", std::move(on)}, {"required", array{onOff->name}}};
  schema["then"] = std::move(then);
  return schema;
}

Json parameterSchemaOf(const Field& field) {
  object schema = plainSchema(field, true);
  schema.erase("description");  // the parameter has it
  addFormat(field, false, schema);
  if (const auto types = typesOf(field); !types.empty()) schema["type"] = types.front();
  if (field.type == Type::string && !field.choices.empty())
    schema["enum"] = boost::json::value_from(field.choices);
  if (isNumber(field.type))
    for (const char* key : {"pattern", "examples"}) schema.erase(key);
  return schema;
}

}  // namespace pombo
