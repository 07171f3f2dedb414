#include <set>

#include "dispatch.hpp"
#include "exchange_store.hpp"
#include "reply_shape.hpp"
#include "sent_answer.hpp"
#include "stored_answer.hpp"

using namespace pombo;
using boost::json::array;
using boost::json::object;

namespace {

// They are about another message, or nobody can read them.
bool isForwardable(const StoredMessage& message) {
  static const std::set<std::string> bound{
      "reaction",      "poll_update", "buttons_response", "template_button_reply",
      "list_response", "unavailable", "unsupported"};
  return !message.isDeleted && !bound.contains(message.type);
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
          {"message", storedContent(message)},
          {"mediaKey", orNull(key)},
          {"source", "api"}};
}

object mediaIn(const Json& exchange) {
  const Json media = valueAt(exchange, "/message/media", nullptr);
  if (!media.is_object()) return {};
  return {{"mediaUrl", nullptr},
          {"mimeType", valueAt(media, "/mimetype", "")},
          {"mediaSize", valueAt(media, "/size", 0)},
          {"duration", valueAt(media, "/duration", nullptr)},
          {"fileName", valueAt(media, "/fileName", "")}};
}

array listAt(const Json& value, const char* pointer) {
  const Json found = valueAt(value, pointer, nullptr);
  return found.is_array() ? found.get_array() : array();
}

// One as it is, several as a list.
Json vcardsIn(const Json& exchange) {
  array all;
  for (const auto& each : listAt(exchange, "/message/contacts"))
    all.push_back(valueAt(each, "/vcard", ""));
  if (all.empty()) return valueAt(exchange, "/message/contact/vcard", "");
  return all.size() == 1 ? all[0] : Json(std::move(all));
}

Json pollIn(const Json& exchange) {
  array options;
  for (const auto& each : listAt(exchange, "/message/poll/options"))
    options.push_back(valueAt(each, "/name", ""));
  return {{"question", valueAt(exchange, "/message/poll/title", "")},
          {"options", std::move(options)},
          {"maxAnswer", valueAt(exchange, "/message/poll/maxAnswer", 1)}};
}

// It says what that of a send does.
object answerOf(const Json& exchange) {
  object data = sentAnswer(exchange, mediaIn(exchange), textAt(exchange, "/message/content"));
  const std::string type = textAt(exchange, "/message/type");
  if (type == "contact") data["vcard"] = vcardsIn(exchange);
  if (type == "poll") data["poll"] = pollIn(exchange);
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
