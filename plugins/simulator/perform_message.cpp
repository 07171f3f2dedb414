#include "perform_message.hpp"

#include "media_key.hpp"
#include "synthetic.hpp"

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;
using Happening = Performance::Happening;

constexpr auto kExchange = "message.exchange";
constexpr auto kStatus = "message.status";

// So that a client can see what becomes of a number that nobody has.
bool isUnregistered(const std::string& number) { return number.ends_with("0404"); }

std::string textIn(const value& arguments, const char* key) {
  const auto* found = arguments.as_object().if_contains(key);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string typeOf(const std::string& jid) {
  if (jid.ends_with("@g.us")) return "group";
  if (jid.ends_with("@newsletter")) return "newsletter";
  return jid == "status@broadcast" ? "status" : "private";
}

object personOf(const std::string& jid) { return {{"jid", jid}, {"lid", nullptr}, {"name", ""}}; }

// What it quotes and whom it mentions.
void addContext(const value& arguments, object& data) {
  const auto& all = arguments.as_object();
  if (const auto* reply = all.if_contains("reply"))
    data["reply"] = {{"message_id", reply->at("messageId")},
                     {"text", reply->at("text")},
                     {"sender", reply->at("senderJid")}};
  if (const auto* mentions = all.if_contains("mentions"))
    data["mentions"] = {{"mentionedUsers", *mentions}};
}

value exchangeOf(const Performer& self, const value& arguments, object message) {
  const std::string chat = textIn(arguments, "chat"), type = typeOf(chat);
  for (const char* key :
       {"media", "context", "edit", "location", "contact", "reaction", "interactive"})
    message.emplace(key, nullptr);
  message["source"] = textIn(arguments, "source");
  message["isEdit"] = false;
  object data{{"id", syntheticMessageId()},
              {"direction", "outgoing"},
              {"timestamp", timeText(self.now)},
              {"chat",
               {{"jid", chat},
                {"lid", nullptr},
                {"name", type == "group" ? "Simulated group" : ""},
                {"type", type}}},
              {"sender", {{"jid", self.jid}, {"lid", self.lid}, {"name", self.name}}},
              {"recipient", object()},
              {"message", std::move(message)}};
  if (type == "private") data["recipient"] = {{"jid", chat}, {"lid", nullptr}};
  // A reaction quotes nothing: it has its target in itself.
  if (data["message"].at("type") != "reaction") addContext(arguments, data);
  return data;
}

value receiptOf(const value& exchange, const char* status) {
  const value& chat = exchange.at("chat");
  const bool group = chat.at("type") == "group";
  object receipt{{"timestamp", exchange.at("timestamp")},
                 {"status", status},
                 {"messageIds", array{exchange.at("id")}},
                 {"chat", {{"jid", chat.at("jid")}, {"lid", nullptr}, {"type", chat.at("type")}}},
                 {"recipient", personOf(group ? "5511900000001@s.whatsapp.net"
                                              : std::string(chat.at("jid").as_string()))}};
  if (group) receipt["messageSender"] = exchange.at("sender").at("jid");
  return receipt;
}

// It is sent, and whoever it is for has it and reads it at once.
Performance sent(const Performer& self, const value& arguments, object message) {
  value exchange = exchangeOf(self, arguments, std::move(message));
  const std::string chat = textIn(arguments, "chat"), type = typeOf(chat);
  std::string mediaKey = takeMedia(exchange);
  Performance done{.answer = exchange};
  done.happenings.push_back({kExchange, chat, exchange, std::move(mediaKey)});
  if (type == "private" || type == "group")
    for (const char* status : {"delivered", "read"})
      done.happenings.push_back({kStatus, chat, receiptOf(exchange, status)});
  return done;
}

// Of these the event says no more than their text.
template <const char* type, const char* content>
Performance sendPlain(const Performer& self, const value& arguments) {
  return sent(self, arguments, {{"type", type}, {"content", textIn(arguments, content)}});
}

Performance sendLocation(const Performer& self, const value& arguments) {
  return sent(self, arguments,
              {{"type", "location"},
               {"content", arguments.at("name")},
               {"location",
                {{"latitude", arguments.at("latitude")},
                 {"longitude", arguments.at("longitude")},
                 {"name", arguments.at("name")},
                 {"address", arguments.at("address")},
                 {"live", false}}}});
}

Performance sendContact(const Performer& self, const value& arguments) {
  array contacts;
  std::string names;
  for (const auto& each : arguments.at("contacts").as_array()) {
    names += (names.empty() ? "" : ", ") + textIn(each, "fullName");
    contacts.push_back(object{{"display_name", each.at("fullName")},
                              {"phone_number", each.at("phone")},
                              {"vcard", each.at("vcard")}});
  }
  return sent(self, arguments,
              {{"type", "contact"},
               {"content", names},
               {"contact", contacts.at(0)},
               {"contacts", contacts}});
}

Performance sendReaction(const Performer& self, const value& arguments) {
  const auto& text = arguments.at("reaction");
  const auto& id = arguments.at("messageId");
  return sent(self, arguments,
              {{"type", "reaction"},
               {"content", text},
               {"reaction",
                {{"text", text},
                 {"emoji", text},
                 {"message_id", id},
                 {"messageId", id},
                 {"fromMe", arguments.at("fromMe")},
                 {"participant", arguments.at("participant")}}}});
}

Performance sendPoll(const Performer& self, const value& arguments) {
  array options;
  for (const auto& each : arguments.at("options").as_array())
    options.push_back(object{{"name", each}});
  return sent(self, arguments,
              {{"type", "poll"},
               {"content", arguments.at("question")},
               {"poll",
                {{"title", arguments.at("question")},
                 {"options", std::move(options)},
                 {"maxAnswer", arguments.at("maxAnswer")}}}});
}

object mediaOf(const value& arguments, const std::string& caption) {
  const bool voice = arguments.at("isVoice").as_bool();
  return {{"type", voice ? value("ptt") : arguments.at("mediaType")},
          {"url", nullptr},
          {"directUrl", nullptr},
          {"s3Url", nullptr},
          {"base64", arguments.at("mediaBase64")},
          {"mimetype", arguments.at("mimeType")},
          {"mimeType", arguments.at("mimeType")},
          {"fileName", arguments.at("fileName")},
          {"caption", caption},
          {"size", arguments.at("mediaSize")},
          {"duration", arguments.at("duration")},
          {"width", nullptr},
          {"height", nullptr},
          {"sha256", sha256Of(decodedBase64(textIn(arguments, "mediaBase64")))},
          {"isVoiceNote", voice}};
}

Performance sendMedia(const Performer& self, const value& arguments) {
  const bool audio = arguments.at("mediaType") == "audio";
  const std::string caption = audio ? "" : textIn(arguments, "message");
  return sent(self, arguments,
              {{"type", arguments.at("mediaType")},
               {"content", caption},
               {"media", mediaOf(arguments, caption)}});
}

Performance sendStatus(const Performer& self, const value& arguments) {
  if (arguments.at("type") != "text") return sendMedia(self, arguments);
  return sent(self, arguments, {{"type", "text"}, {"content", arguments.at("message")}});
}

// What a choice of one of them would name.
Performance sendInteractive(const Performer& self, const value& arguments, const char* name,
                            const std::string& text) {
  return sent(self, arguments,
              {{"type", "interactive"}, {"content", text}, {"interactive", {{"name", name}}}});
}

Performance sendCarousel(const Performer& self, const value& arguments) {
  return sendInteractive(self, arguments, "carousel", textIn(arguments, "message"));
}

Performance sendPix(const Performer& self, const value& arguments) {
  const std::string text = textIn(arguments, "message");
  return sendInteractive(self, arguments, "pix",
                         text.empty() ? textIn(arguments, "merchantName") : text);
}

Performance findNumber(const Performer&, const value& arguments) {
  for (const auto& each : arguments.at("numbers").as_array())
    if (const std::string number(each.as_string()); !isUnregistered(number))
      return {.answer = object{{"jid", number + "@s.whatsapp.net"}}};
  return {.refusal = "Number is not registered on WhatsApp"};
}

Performance findNumbers(const Performer& self, const value& arguments) {
  array jids;
  for (const auto& numbers : arguments.at("people").as_array()) {
    const auto found = findNumber(self, object{{"numbers", numbers}});
    jids.push_back(found.refusal.empty() ? found.answer.at("jid") : value());
  }
  return {.answer = object{{"jids", std::move(jids)}}};
}

constexpr char kText[] = "text", kButtons[] = "buttons", kList[] = "list", kMessage[] = "message",
               kContentText[] = "contentText";

}  // namespace

std::map<std::string_view, Operation> messageOperations() {
  return {{"number.find", findNumber},
          {"number.findAll", findNumbers},
          {"message.text", sendPlain<kText, kMessage>},
          {"message.media", sendMedia},
          {"message.status", sendStatus},
          {"message.location", sendLocation},
          {"message.contact", sendContact},
          {"message.reaction", sendReaction},
          {"message.poll", sendPoll},
          {"message.button", sendPlain<kButtons, kContentText>},
          {"message.list", sendPlain<kList, kContentText>},
          {"message.carousel", sendCarousel},
          {"message.pix", sendPix}};
}
