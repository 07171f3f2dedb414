#include "sent_answer.hpp"

namespace {

using boost::json::object;
using boost::json::value;

object chatIn(const value& chat) {
  object shown{{"jid", chat.at("jid")}, {"lid", chat.at("lid")}, {"type", chat.at("type")}};
  if (chat.at("type") == "group") shown["groupName"] = chat.at("name");
  return shown;
}

value orNull(const object& told, const char* key) {
  const value* found = told.if_contains(key);
  return found ? *found : value();
}

void addMedia(const object& told, const value& type, object& data) {
  data["mediaUrl"] = orNull(told, "mediaUrl");
  data["mediaMimeType"] = told.at("mimeType");
  data["mediaSize"] = told.at("mediaSize");
  if (type == "audio" || type == "video") data["mediaDuration"] = orNull(told, "duration");
  data["fileName"] = told.at("fileName");
}

}  // namespace

object sentAnswer(const value& exchange, const object& told, const std::string& content) {
  const value& message = exchange.at("message");
  object data{{"messageId", exchange.at("id")},
              {"messageType", message.at("type")},
              {"direction", "outgoing"},
              {"content", content},
              {"timestamp", exchange.at("timestamp")},
              {"source", message.at("source")},
              {"chat", chatIn(exchange.at("chat"))},
              {"sender", {{"jid", exchange.at("sender").at("jid")}}}};
  if (const auto* mentions = told.if_contains("mentions")) data["mentions"] = *mentions;
  if (const auto* reply = told.if_contains("reply"))
    data["replyTo"] = {{"messageId", reply->at("messageId")},
                       {"senderJid", reply->at("senderJid")},
                       {"text", reply->at("text")}};
  if (told.contains("mediaSize")) addMedia(told, message.at("type"), data);
  return data;
}
