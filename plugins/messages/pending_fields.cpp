#include "pending_fields.hpp"

#include <botan/hex.h>
#include <botan/system_rng.h>

#include <map>

#include "utc_text.hpp"

using namespace pombo;
using boost::json::object;

namespace {

constexpr std::string_view kSends = "message.";

Json memberOr(const object& all, const char* key, Json otherwise) {
  const Json* found = all.if_contains(key);
  return found && !found->is_null() ? *found : otherwise;
}

// As its event will call it.
Json typeOf(const std::string& kind, const object& told) {
  static const std::map<std::string, const char*> others{{"button", "buttons"},
                                                         {"carousel", "interactive"},
                                                         {"form", "interactive"},
                                                         {"pix", "interactive"}};
  if (kind == "media") return told.at("mediaType");
  if (kind == "status") return told.at("type");
  const auto it = others.find(kind);
  return Json(it == others.end() ? kind : it->second);
}

Json contentOf(const std::string& kind, const object& told) {
  if (kind == "reaction") return told.at("reaction");
  for (const char* key : {"message", "contentText", "question", "name"})
    if (const Json* text = told.if_contains(key); text && text->is_string()) return *text;
  return "";
}

Json messageOf(const std::string& operation, const object& told) {
  if (!operation.starts_with(kSends)) return told.at("message");  // forwarded as it is
  const std::string kind = operation.substr(kSends.size());
  object message{{"type", typeOf(kind, told)},
                 {"content", contentOf(kind, told)},
                 {"source", memberOr(told, "source", "")}};
  if (told.contains("mimeType"))
    message["media"] = {{"type", told.at("mediaType")},
                        {"mimetype", told.at("mimeType")},
                        {"fileName", memberOr(told, "fileName", "")}};
  return message;
}

}  // namespace

std::string newMessageId() {
  constexpr std::size_t kBytes = 9;
  return "3EB0" + Botan::hex_encode(Botan::system_rng().random_vec(kBytes));
}

Json pendingExchange(const Instance& instance, const std::string& operation, const object& told,
                     TimePoint now) {
  return {{"id", told.at("id")},
          {"direction", "outgoing"},
          {"timestamp", utcText(now)},
          {"chat", {{"jid", told.at("chat")}}},
          {"sender", {{"jid", instance.numberJid}}},
          {"message", messageOf(operation, told)}};
}
