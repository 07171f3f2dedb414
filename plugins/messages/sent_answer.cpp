#include "sent_answer.hpp"

#include "chat_address.hpp"
#include "exchange_store.hpp"
#include "utc_text.hpp"

namespace {

using boost::json::object;
using boost::json::value;

value orNull(const object& told, const char* key) {
  const value* found = told.if_contains(key);
  return found ? *found : value();
}

object chatIn(const value& exchange, const object& told) {
  const value jid = valueAt(exchange, "/chat/jid", orNull(told, "chat"));
  const std::string text(jid.is_string() ? std::string_view(jid.get_string()) : "");
  const value type = valueAt(exchange, "/chat/type", wordFor(chatTypeOf(text)));
  object shown{{"jid", jid}, {"lid", valueAt(exchange, "/chat/lid", nullptr)}, {"type", type}};
  if (type == "group") shown["groupName"] = valueAt(exchange, "/chat/name", "");
  return shown;
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
  const value type = valueAt(exchange, "/message/type", "");
  object data{{"messageId", valueAt(exchange, "/id", orNull(told, "id"))},
              {"messageType", type},
              {"direction", "outgoing"},
              {"content", content},
              {"timestamp",
               valueAt(exchange, "/timestamp", utcText(std::chrono::system_clock::now()).c_str())},
              {"source", valueAt(exchange, "/message/source", orNull(told, "source"))},
              {"chat", chatIn(exchange, told)},
              {"sender", {{"jid", valueAt(exchange, "/sender/jid", "")}}}};
  if (const auto* mentions = told.if_contains("mentions")) data["mentions"] = *mentions;
  if (const auto* reply = told.if_contains("reply"))
    data["replyTo"] = {{"messageId", reply->at("messageId")},
                       {"senderJid", reply->at("senderJid")},
                       {"text", reply->at("text")}};
  if (told.contains("mediaSize")) addMedia(told, type, data);
  return data;
}

value sentSchema() {
  return boost::json::parse(R"json({
    "type": "object",
    "required": ["success", "message", "status", "data"],
    "properties": {
      "success": {"const": true},
      "message": {"type": "string"},
      "status": {"const": "sent"},
      "data": {
        "type": "object",
        "required": ["messageId", "messageType", "direction", "content", "timestamp", "source",
                     "chat", "sender"],
        "properties": {
          "messageId": {"type": "string"},
          "messageType": {"type": "string"},
          "direction": {"const": "outgoing"},
          "content": {"type": "string"},
          "timestamp": {"type": "string", "format": "date-time"},
          "source": {"type": "string"},
          "chat": {
            "type": "object",
            "required": ["jid", "lid", "type"],
            "properties": {
              "jid": {"type": "string"},
              "lid": {"type": ["string", "null"]},
              "type": {"enum": ["private", "group", "newsletter", "status"]},
              "groupName": {"type": "string", "description": "Of groups."}}},
          "sender": {
            "type": "object",
            "required": ["jid"],
            "properties": {"jid": {"type": "string"}}},
          "mentions": {"type": "array", "items": {"type": "string"}},
          "replyTo": {
            "type": "object",
            "required": ["messageId", "senderJid", "text"],
            "properties": {
              "messageId": {"type": "string"},
              "senderJid": {"type": "string"},
              "text": {"type": "string"}}},
          "mediaUrl": {"type": ["string", "null"]},
          "mediaMimeType": {"type": "string"},
          "mediaSize": {"type": "integer", "description": "Bytes."},
          "mediaDuration": {"type": ["integer", "null"], "description": "Seconds."},
          "fileName": {"type": "string"},
          "vcard": {"description": "A contact's, or a list of them."},
          "poll": {"type": "object"}}}}})json");
}
