#include "reply_shape.hpp"

#include <utility>

using namespace boost::json;

namespace {

value ofType(const char* type) { return {{"type", type}}; }

}  // namespace

object done(std::string_view message, object more) {
  object body{{"success", true}, {"message", message}};
  for (auto& member : more) body.insert_or_assign(member.key(), std::move(member.value()));
  return body;
}

value orNull(const std::string& text) { return text.empty() ? value() : value(text); }

value text() { return ofType("string"); }
value textOrNull() { return {{"type", {"string", "null"}}}; }
value flag() { return ofType("boolean"); }
value count() { return ofType("integer"); }
value listOf(value items) { return {{"type", "array"}, {"items", std::move(items)}}; }

value objectOf(object members, object optional) {
  array required;
  for (const auto& member : members) required.emplace_back(member.key());
  for (auto& member : optional) members.emplace(member.key(), std::move(member.value()));
  return {
      {"type", "object"}, {"required", std::move(required)}, {"properties", std::move(members)}};
}

value replyWith(object members, object optional) {
  object all{{"success", flag()}, {"message", text()}};
  for (auto& member : members) all.insert_or_assign(member.key(), std::move(member.value()));
  return objectOf(std::move(all), std::move(optional));
}
