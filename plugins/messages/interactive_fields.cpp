#include <algorithm>
#include <set>

#include "message_kind_fields.hpp"
#include "nested_fields.hpp"
#include "pix_key.hpp"

using namespace pombo;
using boost::json::array;
using boost::json::object;

namespace {

constexpr std::size_t kMostButtons = 3, kMostSections = 10, kMostRows = 10, kMostCards = 10;

[[noreturn]] void refuse(const std::string& sentence) { throw Error(Code::invalid, sentence); }

std::size_t sizeOf(const Json& list) { return list.is_array() ? list.get_array().size() : 0; }

// These fields as they came: the table has checked them.
object copied(const Fields& fields, std::initializer_list<const char*> keys) {
  object copy;
  for (const char* key : keys) copy[key] = fields.document().at(key);
  return copy;
}

std::string textIn(const Json& told, const char* key) {
  return std::string(told.at(key).as_string());
}

// Buttons -------------------------------------------------------------------------------------

object buttonIn(const Nested& given) {
  const std::string said = given.find("type");
  const std::string type = said.empty() ? "REPLY" : said;
  if (type != "REPLY" && type != "URL" && type != "CALL" && type != "COPY")
    refuse("Invalid button type: " + type);
  return {
      {"id", given.require("id")}, {"displayText", given.require("displayText")}, {"type", type}};
}

array buttonsIn(const Json& given, const std::string& path) {
  array all;
  eachOf(given, path, [&](const Nested& each) { all.push_back(buttonIn(each)); });
  return all;
}

Json toldButton(const Fields& fields) {
  const Json& given = fields.document().at("buttons");
  if (sizeOf(given) < 1 || sizeOf(given) > kMostButtons) refuse("A message needs 1 to 3 buttons");
  object told =
      copied(fields, {"contentText", "headerText", "footerText", "mediaUrl", "mediaType"});
  if (!told.at("mediaUrl").is_null()) {
    if (told.at("mediaType").is_null()) refuse("mediaType is required when mediaUrl is set");
    told["headerText"] = nullptr;
  }
  told["buttons"] = buttonsIn(given, "buttons");
  return told;
}

// List ----------------------------------------------------------------------------------------

[[noreturn]] void refuseSections() {
  refuse("A list needs 1 to 10 sections with 1 to 10 rows each");
}

object rowIn(const Nested& given, std::set<std::string>& ids) {
  const std::string id = given.require("id");
  if (!ids.insert(id).second) refuse("Row ids must be unique");
  return {
      {"id", id}, {"title", given.require("title")}, {"description", given.find("description")}};
}

object sectionIn(const Nested& given, std::set<std::string>& ids) {
  array rows;
  const Json* all = given.findAny("rows");
  if (!all || sizeOf(*all) < 1 || sizeOf(*all) > kMostRows) refuseSections();
  eachOf(*all, given.pathOf("rows"), [&](const Nested& each) { rows.push_back(rowIn(each, ids)); });
  return {{"title", given.find("title")}, {"rows", std::move(rows)}};
}

Json toldList(const Fields& fields) {
  const Json& given = fields.document().at("sections");
  if (sizeOf(given) < 1 || sizeOf(given) > kMostSections) refuseSections();
  std::set<std::string> ids;
  array sections;
  eachOf(given, "sections", [&](const Nested& each) { sections.push_back(sectionIn(each, ids)); });
  object told = copied(fields, {"contentText", "buttonText", "headerText", "footerText"});
  told["sections"] = std::move(sections);
  return told;
}

// Carousel ------------------------------------------------------------------------------------

object cardIn(const Nested& given) {
  const Nested header = given.requireObject("header");
  object shown{{"title", header.require("title")},
               {"subtitle", header.find("subtitle")},
               {"imageUrl", header.find("imageUrl")},
               {"videoUrl", header.find("videoUrl")}};
  if (!textIn(shown, "imageUrl").empty() && !textIn(shown, "videoUrl").empty())
    refuse("A card has an imageUrl or a videoUrl, not both");
  array buttons;
  if (const Json* all = given.findAny("buttons")) {
    if (sizeOf(*all) > kMostButtons) refuse("A card has at most 3 buttons");
    buttons = buttonsIn(*all, given.pathOf("buttons"));
  }
  return {{"header", std::move(shown)},
          {"body", {{"text", given.requireObject("body").require("text")}}},
          {"footer", given.find("footer")},
          {"buttons", std::move(buttons)}};
}

Json toldCarousel(const Fields& fields) {
  const Json& given = fields.document().at("cards");
  if (sizeOf(given) < 1 || sizeOf(given) > kMostCards) refuse("A carousel needs 1 to 10 cards");
  object told = copied(fields, {"message", "footer"});
  array cards;
  eachOf(given, "cards", [&](const Nested& each) { cards.push_back(cardIn(each)); });
  told["cards"] = std::move(cards);
  return told;
}

std::string contentOfCarousel(const Json& told) {
  return textIn(told, "message") + " - Carousel with " +
         std::to_string(told.at("cards").as_array().size()) + " card(s)";
}

// Pix -----------------------------------------------------------------------------------------

array itemsIn(const Json& given) {
  array all;
  eachOf(given, "items", [&](const Nested& each) {
    all.push_back(object{{"name", each.find("name")},
                         {"description", each.find("description")},
                         {"quantity", each.findNumber("quantity").value_or(1)},
                         {"unitPrice", each.findNumber("unitPrice").value_or(0)}});
  });
  return all;
}

Json toldPix(const Fields& fields) {
  object told = copied(fields, {"merchantName", "pixKeyType", "message"});
  const auto type = fields.require<std::string>("pixKeyType");
  const auto key = pixKeyIn(type, fields.require<std::string>("pixKey"));
  if (!key) refuse("Invalid pixKey for type " + type);
  told["pixKey"] = *key;
  told["items"] = itemsIn(fields.document().at("items"));
  return told;
}

// Form ----------------------------------------------------------------------------------------

constexpr const char* kAsked[] = {"fullNameVisible", "phoneNumberVisible", "emailVisible",
                                  "cpfOrCnpjVisible", "deliveryAddressVisible"};

Json toldForm(const Fields& fields) {
  object told = copied(
      fields, {"message", "formType", "buttonLabel", "flowToken", "flowId", "flowMessageVersion",
               "messageVersion", "buttonParamsJSON", "offerName", "offerDescription"});
  for (const char* key : kAsked) told[key] = fields.document().at(key);
  boost::json::error_code broken;
  if (const auto* text = told["buttonParamsJSON"].if_string()) boost::json::parse(*text, broken);
  if (broken) refuse("The 'buttonParamsJSON' field must be JSON");
  return told;
}

// Tables --------------------------------------------------------------------------------------

Field text(const char* name, const char* doc, Need need = Need::optional,
           std::uint32_t longest = 4096) {
  return {.name = name, .doc = doc, .need = need, .maxLength = longest};
}

Field list(const char* name, const char* doc) {
  return {.name = name, .type = Type::objects, .doc = doc, .need = Need::always};
}

MessageKind button() {
  return {.name = "button",
          .summary = "Send a text with buttons",
          .fields = {text("contentText", "The text.", Need::always),
                     list("buttons",
                          "1 to 3 of {id, displayText, type}; type is REPLY, URL, CALL "
                          "or COPY, and id what it answers, opens, calls or copies."),
                     text("headerText", "Above the text, where there is no media."),
                     text("footerText", "Below the text."),
                     {.name = "mediaUrl",
                      .type = Type::url,
                      .doc = "A file above the text.",
                      .maxLength = 2048},
                     {.name = "mediaType",
                      .doc = "What is at mediaUrl.",
                      .choices = {"IMAGE", "VIDEO", "DOCUMENT"}}},
          .told = toldButton};
}

MessageKind listKind() {
  return {.name = "list",
          .summary = "Send a list to choose from",
          .fields = {text("contentText", "The text.", Need::always),
                     text("buttonText", "On the button that opens the list.", Need::always),
                     list("sections",
                          "1 to 10 of {title, rows}; rows: 1 to 10 of {id, title, "
                          "description}."),
                     text("headerText", "Above the text."), text("footerText", "Below the text.")},
          .told = toldList};
}

MessageKind carousel() {
  return {
      .name = "carousel",
      .summary = "Send cards to leaf through",
      .fields = {text("message", "Above the cards.", Need::always), text("footer", "Below them."),
                 list("cards",
                      "1 to 10 of {header: {title, subtitle, imageUrl or videoUrl}, "
                      "body: {text}, footer, buttons}.")},
      .told = toldCarousel,
      .content = contentOfCarousel};
}

MessageKind form() {
  MessageKind kind{
      .name = "form",
      .summary = "Send a form to fill in",
      .fields = {text("message", "Above the form.", Need::always),
                 {.name = "formType",
                  .doc = "What it asks for.",
                  .choices = {"contact_details", "registration_offer"}},
                 text("buttonLabel", "On the button that opens the form."),
                 text("flowToken", "What its answer repeats."),
                 text("flowId", "Which form."),
                 text("flowMessageVersion", "Of the form."),
                 text("messageVersion", "Likewise."),
                 text("buttonParamsJSON", "What else the button is told, as a text of JSON.",
                      Need::optional, 65'536),
                 text("offerName", "What one registers for."),
                 text("offerDescription", "More of it.")},
      .told = toldForm};
  for (const char* name : kAsked)
    kind.fields.push_back(
        {.name = name, .type = Type::boolean, .doc = "Whether that is asked for."});
  return kind;
}

MessageKind pix() {
  return {.name = "pix",
          .summary = "Send a Pix key to copy",
          .fields = {text("merchantName", "Who is paid.", Need::always, 255),
                     text("pixKey", "The key.", Need::always, 255),
                     {.name = "pixKeyType",
                      .doc = "What kind of key.",
                      .need = Need::always,
                      .choices = {"CPF", "CNPJ", "EMAIL", "PHONE", "RANDOM"},
                      .refusal = "Invalid pixKeyType: <value>"},
                     text("message", "The text."),
                     {.name = "items",
                      .type = Type::objects,
                      .fallback = array(),
                      .doc = "What is paid: {name, description, quantity, unitPrice}."}},
          .told = toldPix};
}

}  // namespace

std::vector<MessageKind> interactiveKinds() {
  return {button(), listKind(), carousel(), form(), pix()};
}
