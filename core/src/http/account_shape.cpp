#include "http/account_shape.hpp"

#include "instance/identity.hpp"

namespace pombo {
namespace {

Field allowance(const char* name, const std::string& doc, Json fallback) {
  return {.name = name,
          .type = Type::integer,
          .fallback = std::move(fallback),
          .doc = doc,
          .min = 0,
          .max = kLargestAllowance};
}

Json shownLimits(const Account& account) {
  return {{"create", account.createLimit}, {"general", account.generalLimit}};
}

}  // namespace

const std::vector<Field>& limitFields() {
  static const std::vector<Field> fields{allowance("create", "Creations a minute.", nullptr),
                                         allowance("general", "Other calls a minute.", nullptr)};
  return fields;
}

std::vector<Field> accountFields(bool fallbacks) {
  const Account usual;
  return {{.name = "name",
           .doc = "Unique on the server.",
           .need = fallbacks ? Need::always : Need::optional,
           .maxLength = kLongestAccountName,
           .text = Text::printable},
          allowance("quota", "Instances that it may have; null: any number.",
                    fallbacks ? Json(*usual.quota) : Json()),
          {.name = "limits",
           .type = Type::object,
           .fallback = fallbacks ? shownLimits(usual) : Json(),
           .doc = "Requests a minute: create, and general for the others."},
          {.name = "origins",
           .type = Type::strings,
           .fallback = fallbacks ? Json(boost::json::array()) : Json(),
           .doc = "Origins of pages that may call: scheme://host[:port], or * for all.",
           .distinct = true}};
}

Json schemaOfAccount() {
  const Json text{{"type", "string"}}, number{{"type", "integer"}};
  return {
      {"type", "object"},
      {"properties",
       {{"id", text},
        {"name", text},
        {"enabled", {{"type", "boolean"}}},
        {"quota", {{"type", {"integer", "null"}}}},
        {"instances", number},
        {"limits", {{"type", "object"}, {"properties", {{"create", number}, {"general", number}}}}},
        {"origins", {{"type", "array"}, {"items", text}}},
        {"createdAt", {{"type", "string"}, {"format", "date-time"}}}}},
      {"required",
       {"id", "name", "enabled", "quota", "instances", "limits", "origins", "createdAt"}}};
}

Json schemaOfAnswer(const boost::json::object& properties) {
  boost::json::object all{{"success", {{"const", true}}}};
  boost::json::array required{"success"};
  for (const auto& [key, schema] : properties) {
    all[key] = schema;
    required.emplace_back(key);
  }
  return {{"type", "object"}, {"properties", std::move(all)}, {"required", std::move(required)}};
}

Json shown(const Account& account) {
  return {{"id", account.id.value},
          {"name", account.name},
          {"enabled", account.enabled},
          {"quota", account.quota ? Json(*account.quota) : Json()},
          {"instances", account.instances},
          {"limits", shownLimits(account)},
          {"origins", boost::json::value_from(account.origins)},
          {"createdAt", rfc3339(account.createdAt)}};
}

}  // namespace pombo
