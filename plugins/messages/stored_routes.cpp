#include <algorithm>

#include "desk_routes.hpp"
#include "media_file.hpp"
#include "status_store.hpp"
#include "stored_answer.hpp"

using namespace pombo;
using boost::json::object;

namespace {

// An answer holds all of it in memory; what is larger has a link.
constexpr std::uint64_t kLargest = std::uint64_t{64} << 20;
constexpr auto kNoMedia = "Message not found or no media available";

HttpReply getMessage(const Desk& desk, const HttpRequest& request) {
  const auto message = desk.store().find(request.instance->id, messageIdIn(request));
  if (!message) throw Error(Code::notFound, "Message not found");
  return {.body = {{"success", true},
                   {"message", "Message retrieved successfully"},
                   {"data", storedAnswer(*message)}}};
}

Media mediaBehind(const Desk& desk, const Instance& instance, const StoredMessage& message) {
  const std::string key = desk.store().mediaKeyOf(instance.id, message);
  if (key.empty()) throw Error(Code::notFound, kNoMedia);
  return desk.host().media(
      {.type = "message.exchange", .instance = instance.id, .chat = message.chat, .mediaKey = key});
}

boost::json::string base64Behind(const Desk& desk, const Instance& instance,
                                 const StoredMessage& message, FileMemory::Share& memory) try {
  const Media media = mediaBehind(desk, instance, message);
  // The bytes and then their base64, and that once more as the text of the answer.
  Desk::hold(memory, std::min(media.size, kLargest) * 8 / 3);
  return base64Of(bytesOf(media, kLargest));
} catch (const Error& error) {
  if (error.code == Code::tooLarge || error.retryAfter.count() > 0) throw;
  desk.host().log().write(Level::debug, "Media was not there", {{"reason", error.what()}});
  throw Error(Code::notFound, kNoMedia);
}

HttpReply getBase64(const Desk& desk, const HttpRequest& request) {
  const auto message = desk.store().find(request.instance->id, messageIdIn(request));
  if (!message) throw Error(Code::notFound, kNoMedia);
  auto memory = desk.files().share();
  return {.body = {{"success", true},
                   {"message", "Base64 retrieved successfully"},
                   {"message_id", message->id},
                   {"mime_type", message->mimeType},
                   {"media_type", message->type},
                   {"base64", base64Behind(desk, *request.instance, *message, memory)}}};
}

// Of another instance of the same account one may know that it has the message; of a stranger's
// nobody may.
bool isOfAccount(const Desk& desk, const AccountId& account, const std::string& id) {
  for (const auto& owner : desk.store().ownersOf(id)) {
    const auto instance = desk.host().instances().find(owner);
    if (instance && instance->account == account) return true;
  }
  return false;
}

HttpReply getStatus(const Desk& desk, const HttpRequest& request) {
  const std::string id = messageIdIn(request);
  const auto message = desk.store().find(request.instance->id, id);
  if (!message)
    throw Error(Code::notFound, isOfAccount(desk, request.instance->account, id)
                                    ? "Message does not belong to this instance"
                                    : "Message not found");
  return {.body = {{"success", true},
                   {"message", "Message status retrieved successfully"},
                   {"message_id", message->id},
                   {"status", statusWord(message->status)},
                   {"status_code", message->status},
                   {"direction", message->isOutgoing ? "sent" : "received"},
                   {"chat_jid", message->chat},
                   {"timestamp", message->at}}};
}

// The schema of {"success", "message", ...} with these beside.
Json replyWith(const char* message, const object& properties) {
  boost::json::array required{"success", "message"};
  object all{{"success", {{"const", true}}}, {"message", {{"const", message}}}};
  for (const auto& [key, schema] : properties) {
    required.emplace_back(key);
    all[key] = schema;
  }
  return {{"type", "object"}, {"required", std::move(required)}, {"properties", std::move(all)}};
}

DeskRoute byMessage(const char* path, const char* summary, Json reply,
                    HttpReply (*serve)(const Desk&, const HttpRequest&)) {
  return {{.path = path,
           .summary = summary,
           .query = {messageIdField()},
           .reply = std::move(reply),
           .dialect = kDialect},
          serve};
}

const Json kText{{"type", "string"}};

}  // namespace

std::vector<DeskRoute> storedRoutes() {
  DeskRoute base64 = byMessage(
      "/api/chat/base64/:instance", "The bytes of a message's media",
      replyWith(
          "Base64 retrieved successfully",
          {{"message_id", kText}, {"mime_type", kText}, {"media_type", kText}, {"base64", kText}}),
      getBase64);
  base64.route.slow = true;
  base64.route.budget = std::chrono::seconds(75);
  return {byMessage("/api/chat/getMessage/:instance", "A message that is kept",
                    replyWith("Message retrieved successfully", {{"data", storedAnswerSchema()}}),
                    getMessage),
          std::move(base64),
          byMessage("/api/chat/status/:instance", "Whether a message was delivered or read",
                    replyWith("Message status retrieved successfully",
                              {{"message_id", kText},
                               {"status", kText},
                               {"status_code", {{"type", "integer"}}},
                               {"direction", {{"enum", {"sent", "received"}}}},
                               {"chat_jid", kText},
                               {"timestamp", kText}}),
                    getStatus)};
}
