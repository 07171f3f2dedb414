// What is done to messages that were sent.
#include "media_key.hpp"
#include "phone.hpp"
#include "simulated_exchange.hpp"
#include "simulated_group.hpp"

using namespace boost::json;

namespace {

Performance edit(const Performer& self, Phone&, const value& arguments) {
  const value& content = arguments.at("content");
  return {nullptr,
          {changeOf(exchangeOf(
              self, arguments,
              {{"type", "message_edit"},
               {"content", content},
               {"edit", {{"original_id", arguments.at("messageId")}, {"text", content}}}}))},
          {}};
}

// Of others, an admin of their group alone takes messages back; groups that the phone does not know
// are somebody's who lets it.
bool isRevokedByAdmin(const Performer& self, Phone& phone, const value& arguments) {
  if (arguments.at("fromMe").as_bool()) return false;
  const std::string chat = textIn(arguments, "chat");
  if (!chat.ends_with("@g.us"))
    throw PhoneRefusal{PhoneRefusal::Why::invalid, "you can only revoke your own messages"};
  if (const auto* group = objectIn(phone, "groups").if_contains(chat))
    requireAdmin(group->as_object(), self);
  return true;
}

Performance erase(const Performer& self, Phone& phone, const value& arguments) {
  if (!arguments.at("deleteForEveryone").as_bool()) return {};
  const bool byAdmin = isRevokedByAdmin(self, phone, arguments);
  value exchange = exchangeOf(
      self, arguments,
      {{"type", "message_revoke"},
       {"content", ""},
       {"revoke",
        {{"original_id", arguments.at("messageId")}, {"by", self.jid}, {"byAdmin", byAdmin}}}});
  exchange.as_object()["id"] = arguments.at("messageId");
  return {nullptr, {changeOf(std::move(exchange))}, {}};
}

// The same file again; what was kept of it says less than an event does.
object mediaAgain(const value& kept, const value& content, const std::string& key) {
  const auto file = fileBehind(key);
  const bool voice = kept.at("type") == "ptt";
  return {{"type", kept.at("type")},
          {"url", nullptr},
          {"directUrl", nullptr},
          {"s3Url", nullptr},
          {"base64", nullptr},
          {"mimetype", kept.at("mimetype")},
          {"mimeType", kept.at("mimetype")},
          {"fileName", kept.at("fileName")},
          {"caption", content},
          {"size", file ? file->bytes ? file->bytes->size() : file->size : 0},
          {"duration", nullptr},
          {"width", nullptr},
          {"height", nullptr},
          {"sha256", nullptr},
          {"isVoiceNote", voice}};
}

Performance forward(const Performer& self, Phone&, const value& arguments) {
  object message = arguments.at("message").as_object();
  const std::string key = textIn(arguments, "mediaKey");
  if (const auto* media = message.if_contains("media"))
    message["media"] = mediaAgain(*media, message.at("content"), key);
  message["isForwarded"] = true;
  message["context"] = {
      {"isForwarded", true}, {"forwardingScore", 1}, {"expiration", 0}, {"quotedType", nullptr}};
  Performance done = sentMessage(self, arguments, std::move(message));
  done.happenings.front().mediaKey = key;
  return done;
}

}  // namespace

PhoneOperations changeOperations() {
  return {{"chat.edit", edit}, {"chat.delete", erase}, {"chat.forward", forward}};
}
