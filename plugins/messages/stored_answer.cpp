#include "stored_answer.hpp"

#include "reply_shape.hpp"
#include "status_store.hpp"

boost::json::object storedAnswer(const StoredMessage& message) {
  return {{"messageId", message.id},
          {"messageType", message.type},
          {"direction", message.isOutgoing ? "outgoing" : "incoming"},
          {"fromMe", message.isOutgoing},
          {"content", message.content},
          {"timestamp", message.at},
          {"senderJid", message.sender},
          {"status", statusWord(message.status)},
          {"mediaMimeType", orNull(message.mimeType)},
          {"fileName", orNull(message.fileName)},
          {"replyTo", message.reply},
          {"isEdited", message.isEdited},
          {"isDeleted", message.isDeleted}};
}

boost::json::object storedContent(const StoredMessage& message) {
  boost::json::object all;
  if (message.extra.is_object()) all = message.extra.get_object();
  all.erase("source");
  all["type"] = message.type;
  all["content"] = message.content;
  if (!message.mediaType.empty())
    all["media"] = {{"type", message.mediaType},
                    {"mimetype", message.mimeType},
                    {"fileName", message.fileName}};
  return all;
}

pombo::Json storedAnswerSchema() {
  const pombo::Json objectOrNull{{"type", {"object", "null"}}};
  return objectOf({{"messageId", text()},
                   {"messageType", text()},
                   {"direction", {{"enum", {"outgoing", "incoming"}}}},
                   {"fromMe", flag()},
                   {"content", text()},
                   {"timestamp", text()},
                   {"senderJid", text()},
                   {"status", text()},
                   {"mediaMimeType", textOrNull()},
                   {"fileName", textOrNull()},
                   {"replyTo", objectOrNull},
                   {"isEdited", flag()},
                   {"isDeleted", flag()}});
}
