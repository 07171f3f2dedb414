#include "json_schema.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;
using Problem = std::optional<std::string>;

constexpr std::string_view kReference = "#/$defs/";

bool isOf(std::string_view type, const value& given) {
  if (type == "integer")
    return given.is_number() &&
           (!given.is_double() || std::trunc(given.get_double()) == given.get_double());
  if (type == "number") return given.is_number();
  if (type == "string") return given.is_string();
  if (type == "boolean") return given.is_bool();
  if (type == "object") return given.is_object();
  if (type == "array") return given.is_array();
  return given.is_null();
}

std::string wordsFor(std::string_view type) {
  if (type == "null") return "null";
  if (type == "array") return "a list";
  const bool vowel = type == "integer" || type == "object";
  return (vowel ? "an " : "a ") + std::string(type);
}

// What stands in a list or by itself.
array listed(const value& one) { return one.is_array() ? one.get_array() : array{one}; }

template <class Words>
std::string joined(const array& all, const char* between, Words words) {
  std::string text;
  for (const auto& each : all) text += (text.empty() ? "" : between) + words(each);
  return text;
}

std::string plain(const value& each) {
  return each.is_string() ? std::string(each.get_string()) : serialize(each);
}

Problem typeProblem(const object& schema, const value& given) {
  const auto* type = schema.if_contains("type");
  if (!type) return {};
  const array allowed = listed(*type);
  if (std::any_of(allowed.begin(), allowed.end(),
                  [&](const value& each) { return isOf(each.as_string(), given); }))
    return {};
  return "must be " +
         joined(allowed, " or ", [](const value& each) { return wordsFor(each.as_string()); });
}

Problem choiceProblem(const object& schema, const value& given) {
  if (const auto* only = schema.if_contains("const"); only && given != *only)
    return "must be " + plain(*only);
  const auto* choices = schema.if_contains("enum");
  if (!choices) return {};
  const auto& all = choices->as_array();
  if (std::find(all.begin(), all.end(), given) != all.end()) return {};
  return "must be one of: " + joined(all, ", ", plain);
}

// "2026-11-21T12:00:00Z"
bool isTime(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00Z";
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i]) return false;
  const auto number = [&](std::size_t at, std::size_t length) {
    return std::stoi(std::string(text.substr(at, length)));
  };
  const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                         std::chrono::month(unsigned(number(5, 2))),
                                         std::chrono::day(unsigned(number(8, 2)))};
  return date.ok() && number(11, 2) < 24 && number(14, 2) < 60 && number(17, 2) < 60;
}

bool isBase64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

bool isAscii(std::string_view text, char first) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return c >= first && c <= '~'; });
}

struct Format {
  bool (*fits)(std::string_view);
  const char* problem;
};

// Those of our own are texts that go into a header, or into a key of the database.
const std::map<std::string_view, Format>& formats() {
  static const std::map<std::string_view, Format> all{
      {"date-time", {isTime, "must be a time as 2026-11-21T12:00:00Z"}},
      {"visible",
       {[](std::string_view text) { return isAscii(text, '!'); },
        "must hold visible ASCII characters only"}},
      {"printable",
       {[](std::string_view text) { return isAscii(text, ' '); },
        "must hold printable ASCII characters only"}}};
  return all;
}

Problem textProblem(const object& schema, const value& given) {
  if (!given.is_string()) return {};
  const std::string_view text = given.get_string();
  const auto* least = schema.if_contains("minLength");
  if (least && text.size() < least->to_number<std::size_t>()) return "must not be empty";
  const auto* most = schema.if_contains("maxLength");
  if (most && text.size() > most->to_number<std::size_t>())
    return "must be at most " + plain(*most) + " characters";
  if (const auto* name = schema.if_contains("format"))
    if (const Format& format = formats().at(name->as_string()); !format.fits(text))
      return format.problem;
  if (schema.contains("contentEncoding") && !isBase64(text)) return "must be base64";
  return {};
}

Problem numberProblem(const object& schema, const value& given) {
  if (!given.is_number()) return {};
  const double number = given.to_number<double>();
  const auto* least = schema.if_contains("minimum");
  if (least && number < least->to_number<double>()) return "must be at least " + plain(*least);
  const auto* most = schema.if_contains("maximum");
  if (most && number > most->to_number<double>()) return "must be at most " + plain(*most);
  return {};
}

Problem listProblem(const object& schema, const value& given) {
  const auto* least = schema.if_contains("minItems");
  const bool few =
      least && given.is_array() && given.get_array().size() < least->to_number<std::size_t>();
  return few ? Problem("must not be empty") : Problem();
}

std::string below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

}  // namespace

JsonSchema::JsonSchema(const std::string& document) : document_(boost::json::parse(document)) {
  requireKnown(document_.as_object());
}

void JsonSchema::requireKnown(const Schema& schema) const {
  static const std::set<std::string_view> known{
      "$defs",   "$ref",      "$schema",     "allOf",    "const",      "contentEncoding",
      "default", "minLength", "enum",        "format",   "if",         "items",
      "maximum", "minItems",  "minimum",     "required", "properties", "then",
      "title",   "type",      "description", "maxLength"};
  for (const auto& [keyword, part] : schema) {
    if (!known.contains(keyword))
      throw std::invalid_argument("schema: unknown keyword " + std::string(keyword));
    if (keyword == "properties" || keyword == "$defs")
      for (const auto& each : part.as_object()) requireKnown(each.value().as_object());
    if (keyword == "allOf")
      for (const auto& each : part.as_array()) requireKnown(each.as_object());
    if (keyword == "items" || keyword == "if" || keyword == "then") requireKnown(part.as_object());
    if (keyword == "$ref") referred(schema);
    if (keyword == "format" && !formats().contains(part.as_string()))
      throw std::invalid_argument("schema: unknown format");
  }
}

const JsonSchema::Schema& JsonSchema::referred(const Schema& schema) const {
  const std::string_view to = schema.at("$ref").as_string();
  const auto& definitions = document_.at("$defs").as_object();
  const auto* found =
      to.starts_with(kReference) ? definitions.if_contains(to.substr(kReference.size())) : nullptr;
  if (!found) throw std::invalid_argument("schema: unknown reference " + std::string(to));
  return found->as_object();
}

bool JsonSchema::holds(const Schema& condition, const value& given) const {
  return !problemOf(condition, given, "");
}

void JsonSchema::complete(std::string_view definition, value& given) const {
  complete(document_.at("$defs").at(definition).as_object(), given);
}

void JsonSchema::complete(const Schema& schema, value& given) const {
  if (schema.contains("$ref")) complete(referred(schema), given);
  const auto* properties = schema.if_contains("properties");
  if (auto* members = given.if_object(); members && properties)
    for (const auto& [key, part] : properties->as_object()) {
      const auto* fallback = part.as_object().if_contains("default");
      if (fallback && !members->contains(key)) (*members)[key] = *fallback;
      if (auto* member = members->if_contains(key)) complete(part.as_object(), *member);
    }
  const auto* items = schema.if_contains("items");
  if (auto* list = given.if_array(); list && items)
    for (auto& each : *list) complete(items->as_object(), each);
  if (const auto* all = schema.if_contains("allOf"))
    for (const auto& each : all->as_array()) complete(each.as_object(), given);
  if (const auto* condition = schema.if_contains("if"))
    if (holds(condition->as_object(), given)) complete(schema.at("then").as_object(), given);
}

Problem JsonSchema::problemOf(std::string_view definition, const value& given) const {
  return problemOf(document_.at("$defs").at(definition).as_object(), given, "");
}

Problem JsonSchema::problemOf(const Schema& schema, const value& given,
                              const std::string& path) const {
  for (const auto rule : {typeProblem, choiceProblem, textProblem, numberProblem, listProblem})
    if (const auto found = rule(schema, given))
      return (path.empty() ? "data" : path) + " " + *found;
  if (schema.contains("$ref"))
    if (auto found = problemOf(referred(schema), given, path)) return found;
  if (auto found = problemInside(schema, given, path)) return found;
  return problemOfParts(schema, given, path);
}

Problem JsonSchema::problemInside(const Schema& schema, const value& given,
                                  const std::string& path) const {
  if (const auto* members = given.if_object()) {
    if (const auto* required = schema.if_contains("required"))
      for (const auto& key : required->as_array())
        if (!members->contains(key.as_string()))
          return below(path, key.as_string()) + " is required";
    if (const auto* properties = schema.if_contains("properties"))
      for (const auto& [key, part] : properties->as_object())
        if (const auto* member = members->if_contains(key))
          if (auto found = problemOf(part.as_object(), *member, below(path, key))) return found;
  }
  const auto* items = schema.if_contains("items");
  if (const auto* list = given.if_array(); list && items)
    for (std::size_t i = 0; i < list->size(); ++i)
      if (auto found =
              problemOf(items->as_object(), (*list)[i], path + "[" + std::to_string(i) + "]"))
        return found;
  return {};
}

Problem JsonSchema::problemOfParts(const Schema& schema, const value& given,
                                   const std::string& path) const {
  if (const auto* all = schema.if_contains("allOf"))
    for (const auto& each : all->as_array())
      if (auto found = problemOf(each.as_object(), given, path)) return found;
  if (const auto* condition = schema.if_contains("if"))
    if (holds(condition->as_object(), given))
      return problemOf(schema.at("then").as_object(), given, path);
  return {};
}
