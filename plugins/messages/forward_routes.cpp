#include <set>

#include "dispatch.hpp"
#include "reply_shape.hpp"
#include "sent_answer.hpp"

using namespace pombo;
using boost::json::object;

namespace {

// They are about another message, or nobody can read them.
bool isForwardable(const StoredMessage& message) {
  static const std::set<std::string> bound{
      "reaction",      "poll_update", "buttons_response", "template_button_reply",
      "list_response", "unavailable", "unsupported"};
  return !message.isDeleted && !bound.contains(message.type);
}

// As events show it, as far as it was kept.
object contentOf(const StoredMessage& message) {
  object all = message.extra.is_object() ? message.extra.get_object() : object();
  all.erase("source");
  all["type"] = message.type;
  all["content"] = message.content;
  if (!message.mediaType.empty())
    all["media"] = {{"type", message.mediaType},
                    {"mimetype", message.mimeType},
                    {"fileName", message.fileName}};
  return all;
}

// What the connector is told: what was kept, and where it was.
object toldOf(const Desk& desk, const InstanceId& id, const StoredMessage& message) {
  const std::string key = desk.store().mediaKeyOf(id, message);
  if (!message.mediaType.empty() && key.empty())
    throw Error(Code::notFound, "Message not found or no media available");
  return {{"messageId", message.id},
          {"from", message.chat},
          {"sender", message.sender},
          {"fromMe", message.isOutgoing},
          {"message", contentOf(message)},
          {"mediaKey", orNull(key)},
          {"source", "api"}};
}

// Of its media and its contacts the answer says what that of a send does.
object answerOf(const Json& exchange) {
  const Json& message = exchange.at("message");
  object shown;
  if (const auto* media = message.at("media").if_object())
    shown = {{"mediaUrl", nullptr},
             {"mimeType", media->at("mimetype")},
             {"mediaSize", media->at("size")},
             {"duration", media->at("duration")},
             {"fileName", media->at("fileName")}};
  object data = sentAnswer(exchange, shown, std::string(message.at("content").as_string()));
  if (const auto* contact = message.at("contact").if_object()) data["vcard"] = contact->at("vcard");
  return data;
}

HttpReply forward(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const Instance& instance = *request.instance;
  const ChatAddress to = Desk::addressOf(fields.require<std::string>("number"));
  Desk::requireConnected(instance);
  const auto message = desk.store().find(instance.id, fields.require<std::string>("messageId"));
  if (!message) throw Error(Code::notFound, "Message not found");
  if (!isForwardable(*message)) throw Error(Code::invalid, "This message cannot be forwarded");
  object told = toldOf(desk, instance.id, *message);
  told["chat"] = desk.jidOf(instance, to);
  const Json exchange = dispatched(desk, instance, "chat.forward", told);
  return {.body = done("Message forwarded successfully",
                       {{"status", "sent"}, {"data", answerOf(exchange)}})};
}

}  // namespace

std::vector<DeskRoute> forwardRoutes() {
  return {
      {askingRoute(
           Method::post, "chat/forward", "Send a message on to another chat",
           {{.name = "messageId", .doc = "The message.", .need = Need::always, .maxLength = 1024},
            {.name = "number",
             .doc = "Whom it is for: digits with the country's, or a JID.",
             .need = Need::always}},
           sentSchema()),
       forward}};
}
