#include "nested_fields.hpp"

#include <utility>

using namespace pombo;

namespace {

bool isBlank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

}  // namespace

void refuseType(const std::string& path, const std::string& what) {
  throw Error(Code::invalid, "The '" + path + "' field must be " + what);
}

Nested::Nested(const Json& value, std::string path) : value_(value), path_(std::move(path)) {
  if (!value.is_object()) refuseType(path_, wordsFor(Type::object));
}

const Json* Nested::findAny(const char* key) const {
  const Json* found = value_.get_object().if_contains(key);
  return found && !found->is_null() ? found : nullptr;
}

std::string Nested::find(const char* key) const {
  const Json* found = findAny(key);
  if (!found) return {};
  if (!found->is_string()) refuseType(pathOf(key), wordsFor(Type::string));
  return std::string(found->get_string());
}

std::string Nested::require(const char* key) const {
  std::string text = find(key);
  if (isBlank(text)) throw Error(Code::invalid, "The '" + pathOf(key) + "' field is required");
  return text;
}

std::optional<double> Nested::findNumber(const char* key) const {
  const Json* found = findAny(key);
  if (!found) return std::nullopt;
  if (!found->is_number()) refuseType(pathOf(key), wordsFor(Type::number));
  return found->to_number<double>();
}

std::optional<bool> Nested::findSwitch(const char* key) const {
  const Json* found = findAny(key);
  if (!found) return std::nullopt;
  if (!found->is_bool()) refuseType(pathOf(key), wordsFor(Type::boolean));
  return found->get_bool();
}

Nested Nested::requireObject(const char* key) const {
  const Json* found = findAny(key);
  if (!found) throw Error(Code::invalid, "The '" + pathOf(key) + "' field is required");
  return Nested(*found, pathOf(key));
}

void eachOf(const Json& list, const std::string& path,
            const std::function<void(const Nested&)>& visit) {
  if (!list.is_array()) refuseType(path, wordsFor(Type::objects));
  std::size_t index = 0;
  for (const auto& each : list.get_array())
    visit(Nested(each, path + "[" + std::to_string(index++) + "]"));
}
