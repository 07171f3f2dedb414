#include "desk_routes.hpp"
#include "sent_answer.hpp"

using namespace pombo;

namespace {

constexpr auto kFailure = "Failed to send message";

std::vector<Field> bodyOfText() {
  return {{.name = "number",
           .doc = "Whom it is for: digits with the country's, or a JID.",
           .need = Need::always,
           .alias = "to"},
          {.name = "message",
           .type = Type::any,
           .doc = "The text.",
           .need = Need::always,
           .maxLength = 65'536},
          {.name = "linkPreview",
           .type = Type::boolean,
           .fallback = false,
           .doc = "Shows what the first link in the text leads to."},
          {.name = "source", .fallback = "api", .doc = "A label of yours.", .maxLength = 64}};
}

Json replyOfSend() {
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
          "chat": {"type": "object", "required": ["jid", "lid", "type"]},
          "sender": {"type": "object", "required": ["jid"]}}}}})json");
}

HttpReply sendText(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const auto text = fields.require<std::string>("message");
  const ChatAddress address = Desk::addressOf(fields.require<std::string>("number"));
  Desk::requireConnected(*request.instance);
  Json arguments = request.fields;
  arguments.as_object().erase("number");
  arguments.as_object()["chat"] = desk.jidOf(*request.instance, address);
  const Json sent = desk.ask(*request.instance, "message.text", arguments, kFailure);
  return {.body = {{"success", true},
                   {"message", "Message sent successfully"},
                   {"status", "sent"},
                   {"data", sentAnswer(sent, text)}}};
}

}  // namespace

std::vector<DeskRoute> messageRoutes() {
  return {{{.method = Method::post,
            .path = "/api/message/text/:instance",
            .summary = "Send a text",
            .body = bodyOfText(),
            .reply = replyOfSend(),
            .failure = std::string(kFailure) + ": unexpected error",
            .slow = true,
            .dialect = kDialect},
           sendText}};
}
