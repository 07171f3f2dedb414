#include <string_view>

#include "message_kind_fields.hpp"

using namespace pombo;
using boost::json::object;

namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw Error(Code::invalid, sentence); }

// Said or not, and a null that says the same as nothing.
bool isGiven(const Fields& fields, const char* key) {
  return fields.find<std::string>(key).has_value();
}

void requireOneSource(const Fields& fields) {
  if (isGiven(fields, "mediaUrl") == isGiven(fields, "mediaBase64"))
    refuse("Exactly one of 'mediaUrl' or 'mediaBase64' is required");
}

// What only audio has. A voice message is one unless it is said not to be.
void addAudio(const Fields& fields, const std::string& type, object& told) {
  const bool audio = type == "audio";
  told["isVoice"] = audio && fields.get<bool>("isVoice", true);
  told["duration"] = fields.document().at("duration");
  told["waveform"] = audio ? fields.document().at("waveform") : Json();
  if (const auto* wave = told["waveform"].if_array())
    for (const auto& each : *wave)
      if (!each.is_int64() || each.get_int64() < 0 || each.get_int64() > 255)
        refuse("The 'waveform' field must be a list of numbers between 0 and 255");
  if (!told["waveform"].is_null() && !told["waveform"].is_array())
    refuse("The 'waveform' field must be a list of numbers between 0 and 255");
}

object toldFile(const Fields& fields, const std::string& type) {
  requireOneSource(fields);
  object told{{"mediaType", type}};
  for (const char* key : {"mediaUrl", "mediaBase64", "mimeType", "fileName"})
    told[key] = fields.document().at(key);
  told["message"] = fields.get<std::string>("message", "");
  addAudio(fields, type, told);
  return told;
}

Json toldMedia(const Fields& fields) {
  return toldFile(fields, fields.require<std::string>("mediaType"));
}

bool isColour(const std::string& text) {
  return text.size() == 7 && text[0] == '#' &&
         text.find_first_not_of("0123456789abcdefABCDEF", 1) == text.npos;
}

Json toldStatus(const Fields& fields) {
  const auto type = fields.require<std::string>("type");
  if (type != "text") {
    object told = toldFile(fields, type);
    told["type"] = type;
    return told;
  }
  const auto text = fields.get<std::string>("message", "");
  if (text.empty()) refuse("The 'message' field is required");
  const auto colour = fields.find<std::string>("backgroundColor");
  if (colour && !isColour(*colour)) refuse("The 'backgroundColor' field must be as #25D366");
  return {{"type", type},
          {"message", text},
          {"backgroundColor", fields.document().at("backgroundColor")},
          {"font", fields.document().at("font")}};
}

// A picture, and nothing but: bare base64 would not say so.
Json toldSticker(const Fields& fields) {
  const auto& given = fields.document().at("imageUrl");
  const std::string_view url = given.as_string();
  if (!url.starts_with("data:image/") && url.substr(0, 32).find("://") == url.npos)
    refuse("The 'imageUrl' field must be a valid http or https URL");
  return {{"mediaType", "image"}, {"mediaUrl", given},   {"mediaBase64", nullptr},
          {"mimeType", nullptr},  {"fileName", nullptr}, {"message", ""}};
}

std::vector<Field> fileFields() {
  return {{.name = "mediaUrl", .doc = "A URL, a data URI or base64."},
          {.name = "mediaBase64", .doc = "The bytes, as base64."},
          {.name = "message", .doc = "The caption.", .maxLength = 65'536},
          {.name = "mimeType",
           .doc = "Found in the bytes when absent.",
           .maxLength = 255,
           .text = Text::printable,
           .alias = "mimetype"},
          {.name = "fileName",
           .doc = "As the receiver sees it.",
           .maxLength = 255,
           .text = Text::segment},
          {.name = "isVoice",
           .type = Type::boolean,
           .fallback = true,
           .doc = "Audio: a voice message."},
          {.name = "duration", .type = Type::integer, .doc = "Seconds.", .min = 0, .max = 86'400},
          {.name = "waveform",
           .type = Type::any,
           .doc = "Audio: a list of numbers, 0 to 255, that are shown as its wave."}};
}

MessageKind media() {
  MessageKind kind{.name = "media",
                   .summary = "Send an image, a video, a sound or a document",
                   .fields = fileFields(),
                   .told = toldMedia,
                   .canMention = true,
                   .hasMedia = true};
  kind.fields.insert(kind.fields.begin(), {.name = "mediaType",
                                           .doc = "What it is.",
                                           .need = Need::always,
                                           .choices = {"image", "video", "audio", "document"}});
  return kind;
}

MessageKind sticker() {
  return {.name = "sticker",
          .summary = "Send a sticker",
          .fields = {{.name = "imageUrl",
                      .doc = "A URL, or an image as a data URI.",
                      .need = Need::always}},
          .told = toldSticker,
          .hasMedia = true,
          .urlField = "imageUrl"};
}

MessageKind status() {
  MessageKind kind{.name = "status",
                   .summary = "Publish a story",
                   .fields = fileFields(),
                   .told = toldStatus,
                   .isDirected = false,
                   .canWait = false,
                   .hasMedia = true};
  kind.fields.insert(kind.fields.begin(), {.name = "type",
                                           .doc = "What it is.",
                                           .need = Need::always,
                                           .choices = {"text", "image", "video", "audio"}});
  kind.fields.push_back({.name = "backgroundColor", .doc = "Text: as #25D366."});
  kind.fields.push_back(
      {.name = "font", .doc = "Text.", .choices = {"system", "serif", "sans-serif"}});
  return kind;
}

}  // namespace

std::vector<MessageKind> mediaKinds() { return {media(), sticker(), status()}; }
