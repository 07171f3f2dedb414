#include "exchange_store.hpp"

#include "count_store.hpp"
#include "utc_text.hpp"

using namespace pombo;
using boost::json::object;

std::string kept(std::string text) {
  std::erase(text, '\0');
  return text;
}

std::string textAt(const Json& value, const char* pointer) {
  boost::json::error_code none;
  const Json* found = value.find_pointer(pointer, none);
  return found && found->is_string() ? kept(std::string(found->get_string())) : std::string();
}

Json valueAt(const Json& value, const char* pointer, const Json& otherwise) {
  boost::json::error_code none;
  const Json* found = value.find_pointer(pointer, none);
  return found && !found->is_null() ? *found : otherwise;
}

namespace {

constexpr std::int64_t kReceived = 3;

std::string replyIn(const Json& exchange) {
  if (!exchange.as_object().contains("reply")) return {};
  const object reply{{"messageId", textAt(exchange, "/reply/message_id")},
                     {"senderJid", textAt(exchange, "/reply/sender")},
                     {"text", textAt(exchange, "/reply/text")}};
  return serialize(reply);
}

// What has no column of its own.
std::string extraIn(const Json& exchange) {
  object extra;
  for (const auto& [key, value] : exchange.at("message").as_object())
    if (!value.is_null() && key != "type" && key != "content" && key != "media" && key != "isEdit")
      extra[key] = value;
  return kept(serialize(extra));
}

bool isOutgoing(const Json& exchange) { return textAt(exchange, "/direction") == "outgoing"; }

}  // namespace

Statement insertion(const InstanceId& instance, const Json& exchange, Told told,
                    const std::string& mediaKey) {
  const bool outgoing = isOutgoing(exchange);
  const auto status = told == Told::byAsking ? kPendingStatus : kSentStatus;
  const std::string conflict = told == Told::byEvent
                                   ? "DO UPDATE SET counted = 1, media_key = excluded.media_key"
                                   : "DO NOTHING";
  return {
      "INSERT INTO messages_kept (instance_id, " + std::string(kColumns) +
          ", media_key, counted) VALUES (:i, :id, :chat, :sender, :type, :outgoing, :content, :at, "
          ":status, :media, :mime, :file, :reply, :extra, 0, 0, :key, :counted) "
          "ON CONFLICT (instance_id, id, chat) " +
          conflict,
      {instance.value, textAt(exchange, "/id"), textAt(exchange, "/chat/jid"),
       textAt(exchange, "/sender/jid"), textAt(exchange, "/message/type"), std::int64_t{outgoing},
       textAt(exchange, "/message/content"), textAt(exchange, "/timestamp"),
       outgoing ? status : kReceived, textAt(exchange, "/message/media/type"),
       textAt(exchange, "/message/media/mimetype"), textAt(exchange, "/message/media/fileName"),
       replyIn(exchange), extraIn(exchange), kept(mediaKey), static_cast<std::int64_t>(told)}};
}

Statement revelation(const Event& event) {
  const Json& exchange = event.data;
  return {
      "UPDATE messages_kept SET type = :type, "
      "content = CASE WHEN edited = 0 THEN :content ELSE content END, media_type = :media, "
      "mime_type = :mime, file_name = :file, reply = :reply, extra = :extra, media_key = :key "
      "WHERE instance_id = :i AND id = :id AND chat = :chat AND sender = :sender "
      "AND type = 'unavailable'",
      {textAt(exchange, "/message/type"), textAt(exchange, "/message/content"),
       textAt(exchange, "/message/media/type"), textAt(exchange, "/message/media/mimetype"),
       textAt(exchange, "/message/media/fileName"), replyIn(exchange), extraIn(exchange),
       kept(event.mediaKey), event.instance.value, textAt(exchange, "/id"),
       textAt(exchange, "/chat/jid"), textAt(exchange, "/sender/jid")}};
}

Statement pendingRemoval(const InstanceId& instance, const std::string& id) {
  return {"DELETE FROM messages_kept WHERE instance_id = :i AND id = :id AND counted = -1",
          {instance.value, kept(id)}};
}

std::vector<std::string> countsFor(const Json& exchange) {
  const bool outgoing = isOutgoing(exchange);
  std::vector<std::string> all = countsOfContent(exchange);
  all.insert(all.end(), {outgoing ? "sent" : "received",
                         textAt(exchange, "/chat/type") == "group" ? "group" : "individual",
                         "day:" + textAt(exchange, "/timestamp").substr(0, 10)});
  if (outgoing) all.push_back(statusCount(kSentStatus));
  return all;
}

std::vector<std::string> countsOfContent(const Json& exchange) {
  const std::string type = textAt(exchange, "/message/type");
  std::vector<std::string> all{"type:" + type};
  if (!textAt(exchange, "/message/media/type").empty()) all.push_back("media:" + type);
  return all;
}

bool mayBeIgnored(const std::string& chat) {
  return chat.ends_with("@g.us") || chat == "status@broadcast";
}

Statement editOf(const Event& event) {
  const std::int64_t at = microseconds(event.at);
  return {
      "UPDATE messages_kept SET content = :c, edited = :at "
      "WHERE instance_id = :i AND id = :id AND chat = :chat AND sender = :by AND edited <= :now",
      {textAt(event.data, "/message/content"), at, event.instance.value,
       textAt(event.data, "/message/edit/original_id"), textAt(event.data, "/chat/jid"),
       textAt(event.data, "/sender/jid"), at}};
}

Statement revocationOf(const Event& event) {
  boost::json::error_code none;
  const Json* admin = event.data.find_pointer("/message/revoke/byAdmin", none);
  const bool byAdmin = admin && admin->is_bool() && admin->get_bool();
  Statement made{
      "UPDATE messages_kept SET deleted = 1 "
      "WHERE instance_id = :i AND id = :id AND chat = :chat",
      {event.instance.value, textAt(event.data, "/message/revoke/original_id"),
       textAt(event.data, "/chat/jid")}};
  if (byAdmin) return made;
  made.sql += " AND sender = :by";
  made.values.emplace_back(textAt(event.data, "/sender/jid"));
  return made;
}
