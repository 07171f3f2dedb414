#include "desk_routes.hpp"
#include "reply_shape.hpp"
#include "utc_text.hpp"

using namespace pombo;

namespace {

constexpr auto kFailure = "Failed to change the message";
constexpr auto kSource = "api";
constexpr std::chrono::minutes kEditable{15};

Field messageField(Need need = Need::always) {
  return {.name = "messageId", .doc = "The message.", .need = need, .maxLength = 1024};
}

// How a connector is told of one.
boost::json::object keyOf(const StoredMessage& message) {
  return {{"chat", message.chat},
          {"messageId", message.id},
          {"sender", message.sender},
          {"fromMe", message.isOutgoing},
          {"timestamp", message.at}};
}

// One that is there to be changed; throws Error{notFound}.
StoredMessage messageNamed(const Desk& desk, const HttpRequest& request, const std::string& id,
                           const char* otherwise) {
  Desk::requireConnected(*request.instance);
  auto message = desk.store().find(request.instance->id, id);
  if (!message || message->isDeleted) throw Error(Code::notFound, otherwise);
  return *std::move(message);
}

HttpReply edit(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const auto content = fields.require<std::string>("content");
  const auto message =
      messageNamed(desk, request, fields.require<std::string>("messageId"), "message not found");
  if (!message.isOutgoing || message.type != "text")
    throw Error(Code::invalid, "you can only edit your own text messages");
  if (message.at < utcText(desk.host().clock().now() - kEditable))
    throw Error(Code::invalid, "message is too old to edit (15 minutes)");
  auto arguments = keyOf(message);
  arguments["content"] = content;
  arguments["source"] = kSource;
  desk.ask(*request.instance, "chat.edit", std::move(arguments), kFailure);
  desk.store().edit(request.instance->id, message, content);
  return {.body =
              done("Message edited successfully",
                   {{"message_id", message.id}, {"chat_jid", message.chat}, {"content", content}})};
}

HttpReply removeMessage(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const auto id = fields.get<std::string>("messageId", "");
  if (id.find_first_not_of(" \t\r\n") == id.npos)
    throw Error(Code::invalid, "MessageID is required");
  const bool everyone = fields.require<bool>("deleteForEveryone");
  const auto message = messageNamed(desk, request, id, "message not found");
  auto arguments = keyOf(message);
  arguments["deleteForEveryone"] = everyone;
  arguments["source"] = kSource;
  desk.ask(*request.instance, "chat.delete", std::move(arguments), kFailure);
  desk.store().remove(request.instance->id, message);
  return {.body = done(everyone ? "Message deleted for everyone" : "Message deleted for me",
                       {{"message_id", message.id},
                        {"chat_jid", message.chat},
                        {"delete_type", everyone ? "revoke" : "delete_for_me"}})};
}

// A person, who is asked for by number.
std::optional<ChatAddress> authorIn(const HttpRequest& request) {
  const auto given = Fields(request.fields).find<std::string>("sender");
  if (!given) return std::nullopt;
  ChatAddress address = Desk::addressOf(*given);
  if (address.type != ChatType::person) throw Error(Code::invalid, "Invalid number: " + *given);
  return address;
}

// Who wrote it: connectors need to know that in groups. `known`: null unless it is kept.
std::string senderOf(const Desk& desk, const Instance& instance,
                     const std::optional<ChatAddress>& author, const std::string& chat,
                     const StoredMessage* known) {
  if (author) return desk.jidOf(instance, *author);
  if (known) return known->sender;
  if (chatTypeOf(chat) == ChatType::group)
    throw Error(Code::invalid, "sender is required for group messages");
  return chat;
}

HttpReply markRead(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const Instance& instance = *request.instance;
  const auto id = fields.require<std::string>("messageId");
  const auto number = fields.find<std::string>("number");
  const auto address = number ? std::optional(Desk::addressOf(*number)) : std::nullopt;
  const auto author = authorIn(request);
  const auto message = desk.store().find(instance.id, id, address ? address->jid : "");
  if (!address && !message) throw Error(Code::invalid, "Number is required");
  Desk::requireConnected(instance);
  const std::string chat = address ? desk.jidOf(instance, *address) : message->chat;
  const bool known = message && message->chat == chat;
  const std::string sender = senderOf(desk, instance, author, chat, known ? &*message : nullptr);
  desk.ask(instance, "chat.markRead", {{"chat", chat}, {"messageId", id}, {"sender", sender}},
           kFailure);
  return {.body = done("Message marked as read successfully",
                       {{"message_id", id}, {"chat_jid", chat}})};
}

HttpReply favorite(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const auto id = fields.find<std::string>("messageId");
  const auto number = fields.find<std::string>("number");
  const bool on = fields.require<bool>("favorite");
  if (!id && !number) throw Error(Code::invalid, "Either number or messageId is required");
  boost::json::object arguments;
  if (id)
    arguments = keyOf(messageNamed(desk, request, *id, "Message not found"));
  else
    arguments["chat"] = chatOf(desk, request);
  arguments["favorite"] = on;
  const Json chat = arguments.at("chat");
  desk.ask(*request.instance, "chat.favorite", std::move(arguments), kFailure);
  return {.body = done("Favorite updated successfully", {{"type", id ? "message" : "chat"},
                                                         {"chat_jid", chat},
                                                         {"message_id", id ? Json(*id) : Json()},
                                                         {"favorite", on}})};
}

DeskRoute editRoute() {
  return {
      askingRoute(Method::post, "chat/edit", "Edit a text of one's own, for 15 minutes",
                  {messageField(),
                   {.name = "content",
                    .doc = "What it says from now on.",
                    .need = Need::always,
                    .maxLength = 65'536}},
                  replyWith({{"message_id", text()}, {"chat_jid", text()}, {"content", text()}})),
      edit};
}

DeskRoute removeRoute() {
  return {askingRoute(Method::del, "chat/delete", "Delete a message",
                      {messageField(Need::optional),
                       {.name = "deleteForEveryone",
                        .type = Type::boolean,
                        .fallback = false,
                        .doc = "For all who have received it; else for the instance alone."}},
                      replyWith({{"message_id", text()},
                                 {"chat_jid", text()},
                                 {"delete_type", {{"enum", {"revoke", "delete_for_me"}}}}})),
          removeMessage};
}

DeskRoute markReadRoute() {
  return {askingRoute(Method::post, "chat/markRead", "Tell whoever wrote a message that it is read",
                      {messageField(),
                       {.name = "number",
                        .doc = "Whose chat it is; of a message that is kept, it is known."},
                       {.name = "sender", .doc = "Who wrote it, in groups; likewise."}},
                      replyWith({{"message_id", text()}, {"chat_jid", text()}})),
          markRead};
}

DeskRoute favoriteRoute() {
  return {
      askingRoute(
          Method::post, "chat/favorite", "Make a chat or a message a favorite, or no more",
          {chatField(Need::optional),
           messageField(Need::optional),
           {.name = "favorite", .type = Type::boolean, .fallback = true, .doc = "False: no more."}},
          replyWith({{"type", {{"enum", {"chat", "message"}}}},
                     {"chat_jid", text()},
                     {"message_id", textOrNull()},
                     {"favorite", flag()}})),
      favorite};
}

}  // namespace

std::vector<DeskRoute> chatMessageRoutes() {
  return {editRoute(), removeRoute(), markReadRoute(), favoriteRoute()};
}
