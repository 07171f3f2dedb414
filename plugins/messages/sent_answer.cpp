#include "sent_answer.hpp"

namespace {

using boost::json::object;
using boost::json::value;

object chatIn(const value& chat) {
  object shown{{"jid", chat.at("jid")}, {"lid", chat.at("lid")}, {"type", chat.at("type")}};
  if (chat.at("type") == "group") shown["groupName"] = chat.at("name");
  return shown;
}

}  // namespace

object sentAnswer(const value& message, const std::string& content) {
  const value& inner = message.at("message");
  return {{"messageId", message.at("id")},
          {"messageType", inner.at("type")},
          {"direction", "outgoing"},
          {"content", content},
          {"timestamp", message.at("timestamp")},
          {"source", inner.at("source")},
          {"chat", chatIn(message.at("chat"))},
          {"sender", {{"jid", message.at("sender").at("jid")}}}};
}
