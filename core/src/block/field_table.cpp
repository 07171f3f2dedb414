#include "block/field_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "net/url.hpp"

namespace pombo {
namespace {

std::string said(const Field& field, const std::string& rest) {
  return "The '" + field.name + "' field " + rest;
}

[[noreturn]] void refuse(const Field& field, const std::string& rest) {
  throw Error(Code::invalid, said(field, rest));
}

bool isText(Type type) { return type == Type::string || type == Type::url; }

bool isPrintable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return false;
    // C1 controls, U+0080 to U+009F: 0xC2 and a byte below 0xA0.
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0)
      return false;
  }
  return true;
}

bool isAllowed(Text rule, std::string_view text) {
  switch (rule) {
    case Text::any:
      return true;
    case Text::printable:
      return isPrintable(text);
    case Text::host:
      return isHost(std::string(text));
    case Text::segment:
      return isPrintable(text) && text.find('/') == text.npos && text.find("..") == text.npos;
    case Text::path:
      return isPrintable(text) && text.find("..") == text.npos;
  }
  return false;
}

template <class Number>
Json parsed(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return nullptr;
  return number;
}

// Null when it is not one. Clients send numbers as strings, and the reverse. In the memory of the
// value, which may be one that is wiped.
Json converted(Type type, const Json& value) {
  const auto copy = [&] { return Json(value, value.storage()); };
  switch (type) {
    case Type::boolean:
      return value.is_bool() ? value : Json();
    case Type::number:
      if (const auto* text = value.if_string()) {
        const Json number = parsed<double>(*text);
        return number.is_double() && std::isfinite(number.get_double()) ? number : Json();
      }
      return value.is_number() ? value : Json();
    case Type::string:
    case Type::url:
      if (value.is_int64() || value.is_uint64()) return Json(serialize(value));
      return value.is_string() ? copy() : Json();
    case Type::integer:
      if (const auto* text = value.if_string()) return parsed<std::int64_t>(*text);
      if (value.is_uint64() && value.get_uint64() <= INT64_MAX)
        return value.to_number<std::int64_t>();
      if (value.is_uint64()) return value;
      return value.is_int64() ? value : Json();
    case Type::strings:
    case Type::objects:
      if (!value.is_array()) return nullptr;
      for (const auto& item : value.get_array())
        if (type == Type::strings ? !item.is_string() : !item.is_object()) return nullptr;
      return copy();
    case Type::object:
      return value.is_object() ? copy() : Json();
    case Type::any:
      return copy();
  }
  return {};
}

void checkRange(const Field& field, const Json& value) {
  if (!field.min && !field.max) return;
  const bool below =
      field.min && (value.is_int64()    ? value.get_int64() < *field.min
                    : value.is_double() ? value.get_double() < static_cast<double>(*field.min)
                                        : false);
  const bool above =
      field.max && (value.is_int64()    ? value.get_int64() > *field.max
                    : value.is_uint64() ? true
                                        : !(value.get_double() <= static_cast<double>(*field.max)));
  if (below || above)
    refuse(field, "must be between " + std::to_string(field.min.value_or(0)) + " and " +
                      std::to_string(field.max.value_or(INT64_MAX)));
}

void checkChoice(const Field& field, std::string_view value) {
  if (field.choices.empty() ||
      std::find(field.choices.begin(), field.choices.end(), value) != field.choices.end())
    return;
  if (!field.refusal.empty()) {
    std::string sentence = field.refusal;
    const std::string mark = "<value>";
    if (const auto at = sentence.find(mark); at != sentence.npos)
      sentence.replace(at, mark.size(), value);
    throw Error(Code::invalid, sentence);
  }
  std::string all;
  for (const auto& choice : field.choices) all += (all.empty() ? "" : ", ") + choice;
  refuse(field, "must be one of: " + all);
}

void checkText(const Field& field, std::string_view value) {
  if (field.maxLength && codePoints(value) > field.maxLength)
    refuse(field, "must be at most " + std::to_string(field.maxLength) + " characters");
  if (field.minLength && codePoints(value) < field.minLength)
    refuse(field, "must be at least " + std::to_string(field.minLength) + " characters");
  if (!isAllowed(field.text, value)) refuse(field, "contains characters that are not allowed");
  checkChoice(field, value);
}

Json withoutRepetitions(const boost::json::array& list) {
  boost::json::array once;
  for (const auto& item : list)
    if (std::find(once.begin(), once.end(), item) == once.end()) once.push_back(item);
  return once;
}

// The range of a number may also be said of a string of digits: `proxyPort` is one.
void checkDigits(const Field& field, std::string_view value) {
  const Json number = parsed<std::int64_t>(value);
  if (number.is_null()) refuse(field, "must be an integer");
  checkRange(field, number);
}

Json typed(const Field& field, const Json& given) {
  Json value = converted(field.type, given);
  if (value.is_null() && field.type != Type::any)
    refuse(field, std::string("must be ") + wordsFor(field.type));
  return value;
}

// What a value of the right type may be. A URL that nobody is going to use need not be one.
void checkContent(const Field& field, Json& value, bool off) {
  if (field.type == Type::integer || field.type == Type::number) checkRange(field, value);
  if (const auto* text = value.if_string()) {
    checkText(field, *text);
    if (field.type == Type::string && (field.min || field.max)) checkDigits(field, *text);
    if (field.type == Type::url && !off && !parseUrl(std::string(*text)))
      refuse(field, "must be a valid http or https URL");
  }
  if (field.type == Type::strings) {
    for (const auto& item : value.get_array()) checkText(field, item.get_string());
    if (field.distinct) value = withoutRepetitions(value.get_array());
  }
}

bool isBlank(const Json& value) {
  if (const auto* text = value.if_string())
    return text->find_first_not_of(" \t\r\n") == boost::json::string::npos;
  return value.is_null();
}

const Json* findIn(const boost::json::object& given, const Field& field) {
  const Json* value = given.if_contains(field.name);
  if ((!value || value->is_null()) && !field.alias.empty()) value = given.if_contains(field.alias);
  return value && !value->is_null() ? value : nullptr;
}

}  // namespace

std::size_t codePoints(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

const Field* switchOf(const std::vector<Field>& table) {
  for (const auto& field : table)
    if (field.type == Type::boolean && (field.name.ends_with("Enabled") || field.name == "enabled"))
      return &field;
  return nullptr;
}

const Field* fieldNamed(const std::vector<Field>& table, std::string_view name) {
  for (const auto& field : table)
    if (field.name == name || (!field.alias.empty() && field.alias == name)) return &field;
  return nullptr;
}

bool switchedOff(const std::vector<Field>& table, const boost::json::object& given) {
  const Field* onOff = switchOf(table);
  if (!onOff) return false;
  const Json* value = findIn(given, *onOff);
  const Json& effective = value ? *value : onOff->fallback;
  return effective.is_null() || (effective.is_bool() && !effective.get_bool());
}

Checked checked(const std::vector<Field>& table, const boost::json::object& given) {
  std::vector<std::string> named;
  boost::json::object values(table.size(), given.storage());  // which may be one that is wiped
  const bool off = switchedOff(table, given);
  std::vector<const Field*> said;
  said.reserve(table.size());
  for (const auto& field : table) {
    const Json* value = findIn(given, field);
    // An empty string may clear a text that has no need to be there; blanks alone are content
    // unless the field must hold something.
    const bool must = field.need == Need::always || (field.need == Need::whenEnabled && !off);
    const bool empty = value && value->is_string() && value->get_string().empty();
    const bool absent = !value || empty;
    if (must && (absent || isBlank(*value))) refuse(field, "is required");
    if (value && (!empty || isText(field.type))) named.push_back(field.name);
    if (absent)
      values[field.name] = field.fallback;
    else
      values[field.name] = typed(field, *value);
    if (!absent || !off) said.push_back(&field);
  }
  for (const Field* field : said)
    if (Json& value = values.at(field->name); !value.is_null()) checkContent(*field, value, off);
  // Made of them: to assign them would copy them to other memory.
  return {std::move(values), std::move(named)};
}

}  // namespace pombo
