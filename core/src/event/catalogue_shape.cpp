#include "event/catalogue_shape.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace pombo {
namespace {

using boost::json::object;

// Null is left behind, which the catalogue does not show: a key that is taken is gone.
Json taken(object& from, std::string_view key) {
  auto* const found = from.if_contains(key);
  return found ? std::exchange(*found, nullptr) : Json();
}

bool is(const object& in, std::string_view key, const Json& what) {
  const auto* const found = in.if_contains(key);
  return found && *found == what;
}

Json withoutNulls(Json value) {
  if (auto* const members = value.if_object()) {
    object kept;
    for (auto& [key, member] : *members)
      if (!member.is_null()) kept.emplace(key, withoutNulls(std::move(member)));
    return kept;
  }
  if (auto* const elements = value.if_array())
    for (auto& each : *elements) each = withoutNulls(std::move(each));
  return value;
}

// A number by itself is a phone's, as in requests: a hidden identity keeps its "@lid", or whoever
// answers writes to somebody else.
Json bare(Json jid) {
  static constexpr std::string_view kOfPhones = "@s.whatsapp.net";
  if (!jid.is_string()) return jid;
  std::string_view number = jid.get_string();
  if (!number.ends_with(kOfPhones)) return jid;
  number.remove_suffix(kOfPhones.size());
  const bool isNumber = !number.empty() && std::all_of(number.begin(), number.end(),
                                                       [](char c) { return c >= '0' && c <= '9'; });
  return isNumber ? Json(number) : jid;
}

Json shownChat(Json chat) {
  auto* const shown = chat.if_object();
  if (shown && is(*shown, "type", "private") && shown->contains("jid"))
    (*shown)["jid"] = bare(taken(*shown, "jid"));
  return chat;
}

Json shownRecipient(Json recipient) {
  const auto* const shown = recipient.if_object();
  return shown && shown->empty() ? Json() : recipient;
}

Json shownMedia(Json media, bool isAudio) {
  auto* const shown = media.if_object();
  if (!shown) return media;
  taken(*shown, "mimeType");
  if (isAudio && taken(*shown, "isVoiceNote") == true) (*shown)["type"] = "ptt";
  return media;
}

// The words on a button are all that an answer shows.
Json buttonResponse(object& answer) {
  Json title = taken(answer, "title");
  return {
      {"title", title}, {"body", title}, {"selected_button_id", taken(answer, "selectedButtonId")}};
}

Json listResponse(object& answer) {
  return {{"title", taken(answer, "title")},
          {"body", taken(answer, "description")},
          {"single_select_reply", {{"option_name", taken(answer, "selectedRowId")}}}};
}

void addAnswer(object& to, const Json& type, Json interactive) {
  auto* const answer = interactive.if_object();
  if (answer && (type == "buttons_response" || type == "template_button_reply"))
    to.emplace("button_response", buttonResponse(*answer));
  else if (answer && type == "list_response")
    to.emplace("list_response", listResponse(*answer));
  else
    to.emplace("interactive", std::move(interactive));
}

Json shownContent(Json content) {
  return content.is_string() ? Json{{"text", std::move(content)}} : content;
}

// What of a message is shown in other words; the rest goes along.
void addRest(object& to, object& message, const Json& type) {
  for (auto& [key, value] : message) {
    if (key == "media")
      to.emplace(key, shownMedia(std::move(value), type == "audio"));
    else if (key == "interactive")
      addAnswer(to, type, std::move(value));
    else
      to.emplace(key, std::move(value));
  }
}

Json shownMessage(object& data, object& message) {
  const Json type = taken(message, "type");
  object shown;
  if (const auto* const id = data.if_contains("id")) shown.emplace("id", *id);
  shown.emplace("type", type);
  for (const auto* key : {"direction", "timestamp"}) shown.emplace(key, taken(data, key));
  shown.emplace("chat", shownChat(taken(data, "chat")));
  shown.emplace("sender", taken(data, "sender"));
  shown.emplace("recipient", shownRecipient(taken(data, "recipient")));
  shown.emplace("content", shownContent(taken(message, "content")));
  for (const auto* key : {"source", "isEdit"}) shown.emplace(key, taken(message, key));
  addRest(shown, message, type);
  for (const auto* key : {"reply", "mentions"}) shown.emplace(key, taken(data, key));
  return shown;
}

}  // namespace

Json catalogueShapeOf(Json data) {
  auto* const live = data.if_object();
  auto* const found = live ? live->if_contains("message") : nullptr;
  auto* const message = found ? found->if_object() : nullptr;
  if (!message) return data;
  Json within = shownMessage(*live, *message);
  object shown;
  shown.emplace("id", taken(*live, "id"));
  shown.emplace("message", std::move(within));
  for (auto& [key, value] : *live) shown.emplace(key, std::move(value));
  return withoutNulls(std::move(shown));
}

}  // namespace pombo
