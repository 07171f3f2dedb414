#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "chat_address.hpp"
#include "message_kind_fields.hpp"
#include "nested_fields.hpp"
#include "vcard.hpp"

using namespace pombo;
using boost::json::array;
using boost::json::object;

namespace {

std::string textIn(const Json& told, const char* key) {
  return std::string(told.at(key).as_string());
}

[[noreturn]] void refuse(const std::string& sentence) { throw Error(Code::invalid, sentence); }

// Text ----------------------------------------------------------------------------------------

Json toldText(const Fields& fields) {
  return {{"message", fields.require<std::string>("message")},
          {"linkPreview", fields.require<bool>("linkPreview")}};
}

// Location ------------------------------------------------------------------------------------

Json toldLocation(const Fields& fields) {
  const auto latitude = fields.find<double>("latitude"),
             longitude = fields.find<double>("longitude");
  if (!latitude || !longitude || (*latitude == 0 && *longitude == 0))
    refuse("Latitude and longitude are required");
  if (*latitude < -90 || *latitude > 90) refuse("Latitude must be between -90 and 90");
  if (*longitude < -180 || *longitude > 180) refuse("Longitude must be between -180 and 180");
  return {{"latitude", *latitude},
          {"longitude", *longitude},
          {"name", fields.require<std::string>("name")},
          {"address", fields.require<std::string>("address")}};
}

std::string shortest(const Json& number) {
  std::array<char, 32> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), number.to_number<double>());
  return {text.data(), end};
}

std::string contentOfLocation(const Json& told) {
  return "📍 " + textIn(told, "name") + "\n" + textIn(told, "address") +
         "\nLat: " + shortest(told.at("latitude")) + ", Long: " + shortest(told.at("longitude"));
}

// Contact -------------------------------------------------------------------------------------

constexpr std::size_t kMostContacts = 50;

object contactIn(const Nested& given) {
  const Person person{given.require("fullName"), given.require("phone"), given.find("organization"),
                      given.find("email"), given.find("url")};
  const auto address = chatAddressIn(person.phone);
  if (!address || address->numbers.empty()) refuse("Invalid number: " + person.phone);
  return {{"fullName", person.fullName},
          {"phone", address->numbers.front()},
          {"vcard", vcardOf(person, address->numbers.front())}};
}

Json toldContact(const Fields& fields) {
  const Json& given = fields.document().at("vcard");
  array contacts;
  if (given.is_array())
    eachOf(given, "vcard", [&](const Nested& each) { contacts.push_back(contactIn(each)); });
  else
    contacts.push_back(contactIn(Nested(given, "vcard")));
  if (contacts.empty() || contacts.size() > kMostContacts)
    refuse("A message needs 1 to 50 contacts");
  return {{"contacts", std::move(contacts)}};
}

object shownContact(const Json& told) {
  const array& contacts = told.at("contacts").as_array();
  if (contacts.size() == 1) return {{"vcard", contacts[0].at("vcard")}};
  array all;
  for (const auto& each : contacts) all.push_back(each.at("vcard"));
  return {{"vcard", std::move(all)}};
}

std::string saidContact(const Json& told) {
  const auto count = told.at("contacts").as_array().size();
  return count == 1 ? "Message sent successfully"
                    : std::to_string(count) + " contacts sent successfully in one message";
}

// Reaction ------------------------------------------------------------------------------------

Json toldReaction(const Fields& fields) {
  const auto reaction = fields.require<std::string>("reaction");
  return {{"messageId", fields.require<std::string>("messageId")},
          {"reaction", reaction == "remove" ? "" : reaction},
          {"fromMe", fields.get<bool>("fromMe", false)},
          {"participant", fields.document().at("participant")}};
}

std::string saidReaction(const Json& told) {
  return textIn(told, "reaction").empty() ? "Reaction removed successfully"
                                          : "Message sent successfully";
}

// Poll ----------------------------------------------------------------------------------------

Json toldPoll(const Fields& fields) {
  const auto options = fields.require<std::vector<std::string>>("options");
  const std::set<std::string> distinct(options.begin(), options.end());
  const bool blank = std::any_of(options.begin(), options.end(), [](const std::string& each) {
    return each.find_first_not_of(" \t\r\n") == each.npos;
  });
  if (options.size() < 2 || options.size() > 12 || distinct.size() != options.size() || blank)
    refuse("A poll needs 2 to 12 distinct options");
  const auto most = fields.get<std::int64_t>("maxAnswer", 1);
  return {{"question", fields.require<std::string>("question")},
          {"options", boost::json::value_from(options)},
          {"maxAnswer", std::clamp<std::int64_t>(most, 1, std::int64_t(options.size()))}};
}

std::string contentOfPoll(const Json& told) {
  std::string content = textIn(told, "question");
  int number = 0;
  for (const auto& option : told.at("options").as_array())
    content += "\n" + std::to_string(++number) + ". " + std::string(option.as_string());
  return content;
}

// Tables --------------------------------------------------------------------------------------

Field flag(const char* name, const char* doc, bool fallback = false) {
  return {.name = name, .type = Type::boolean, .fallback = fallback, .doc = doc};
}

MessageKind text() {
  return {.name = "text",
          .summary = "Send a text",
          .fields = {{.name = "message",
                      .type = Type::any,
                      .doc = "The text, a string.",
                      .need = Need::always,
                      .maxLength = 65'536},
                     flag("linkPreview", "Shows what the first link in the text leads to.")},
          .told = toldText,
          .canMention = true};
}

MessageKind location() {
  return {
      .name = "location",
      .summary = "Send a place",
      .fields =
          {{.name = "latitude", .type = Type::number, .doc = "Needed: -90 to 90."},
           {.name = "longitude", .type = Type::number, .doc = "Needed: -180 to 180."},
           {.name = "name", .doc = "What it is called.", .need = Need::always, .maxLength = 1024},
           {.name = "address", .doc = "Where it is.", .need = Need::always, .maxLength = 1024}},
      .told = toldLocation,
      .content = contentOfLocation};
}

MessageKind contact() {
  return {.name = "contact",
          .summary = "Send one contact, or several in one message",
          .fields = {{.name = "vcard",
                      .type = Type::any,
                      .doc = "One of {fullName, phone, organization, email, url}, or 1 to 50 of "
                             "them in a list.",
                      .need = Need::always}},
          .told = toldContact,
          .shown = shownContact,
          .said = saidContact};
}

MessageKind reaction() {
  return {.name = "reaction",
          .summary = "React to a message, or take a reaction back",
          .fields = {{.name = "messageId",
                      .doc = "The message.",
                      .need = Need::always,
                      .maxLength = 128,
                      .text = Text::printable},
                     {.name = "reaction",
                      .doc = "An emoji, or \"remove\".",
                      .need = Need::always,
                      .maxLength = 64,
                      .text = Text::printable},
                     {.name = "fromMe",
                      .type = Type::boolean,
                      .doc = "Whether the instance has sent that message."},
                     {.name = "participant",
                      .doc = "The JID of its author; of groups, unless the instance has sent it."}},
          .told = toldReaction,
          .said = saidReaction,
          .canWait = false};
}

MessageKind poll() {
  return {.name = "poll",
          .summary = "Send a poll",
          .fields = {{.name = "question",
                      .doc = "What is asked.",
                      .need = Need::always,
                      .maxLength = 255},
                     {.name = "options",
                      .type = Type::strings,
                      .doc = "2 to 12 answers, each another.",
                      .need = Need::always,
                      .maxLength = 100},
                     {.name = "maxAnswer",
                      .type = Type::integer,
                      .fallback = 1,
                      .doc = "How many of them one may choose."}},
          .told = toldPoll,
          .content = contentOfPoll,
          .shown = [](const Json& told) -> object {
            return {{"poll",
                     {{"question", told.at("question")},
                      {"options", told.at("options")},
                      {"maxAnswer", told.at("maxAnswer")}}}};
          }};
}

}  // namespace

std::vector<MessageKind> plainKinds() {
  return {text(), location(), contact(), reaction(), poll()};
}
