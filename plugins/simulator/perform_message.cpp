#include "perform_message.hpp"

#include "phone.hpp"
#include "simulated_exchange.hpp"
#include "synthetic.hpp"

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

// So that a client can see what becomes of a number that nobody has.
bool isUnregistered(const std::string& number) { return number.ends_with("0404"); }

// Of these the event says no more than their text.
template <const char* type, const char* content>
Performance sendPlain(const Performer& self, const value& arguments) {
  return sentMessage(self, arguments, {{"type", type}, {"content", textIn(arguments, content)}});
}

Performance sendLocation(const Performer& self, const value& arguments) {
  return sentMessage(self, arguments,
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
  return sentMessage(self, arguments,
                     {{"type", "contact"},
                      {"content", names},
                      {"contact", contacts.at(0)},
                      {"contacts", contacts}});
}

Performance sendReaction(const Performer& self, const value& arguments) {
  const auto& text = arguments.at("reaction");
  const auto& id = arguments.at("messageId");
  return sentMessage(self, arguments,
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
  return sentMessage(self, arguments,
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
          {"sha256", arguments.at("sha256")},
          {"isVoiceNote", voice}};
}

Performance sendMedia(const Performer& self, const value& arguments) {
  const bool audio = arguments.at("mediaType") == "audio";
  const std::string caption = audio ? "" : textIn(arguments, "message");
  return sentMessage(self, arguments,
                     {{"type", arguments.at("mediaType")},
                      {"content", caption},
                      {"media", mediaOf(arguments, caption)}});
}

Performance sendSticker(const Performer& self, const value& arguments) {
  object told = arguments.as_object();
  told["mediaType"] = "sticker";
  told["isVoice"] = false;
  told["duration"] = nullptr;
  object media = mediaOf(told, "");
  media["isAnimated"] = false;
  return sentMessage(self, arguments,
                     {{"type", "sticker"}, {"content", ""}, {"media", std::move(media)}});
}

Performance sendStatus(const Performer& self, const value& arguments) {
  if (arguments.at("type") != "text") return sendMedia(self, arguments);
  return sentMessage(self, arguments, {{"type", "text"}, {"content", arguments.at("message")}});
}

// What a choice of one of them would name.
Performance sendInteractive(const Performer& self, const value& arguments, const char* name,
                            const std::string& text) {
  return sentMessage(
      self, arguments,
      {{"type", "interactive"}, {"content", text}, {"interactive", {{"name", name}}}});
}

Performance sendCarousel(const Performer& self, const value& arguments) {
  return sendInteractive(self, arguments, "carousel", textIn(arguments, "message"));
}

Performance sendForm(const Performer& self, const value& arguments) {
  return sendInteractive(self, arguments, "form", textIn(arguments, "message"));
}

Performance sendEvent(const Performer& self, const value& arguments) {
  object event;
  for (const char* key :
       {"name", "startAt", "endAt", "description", "location", "joinLink", "isCanceled"})
    event[key] = arguments.at(key);
  return sentMessage(
      self, arguments,
      {{"type", "event"}, {"content", arguments.at("name")}, {"event", std::move(event)}});
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
          {"message.sticker", sendSticker},
          {"message.form", sendForm},
          {"message.event", sendEvent},
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
