#include "desk_routes.hpp"
#include "media_routes.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

constexpr std::uint64_t kAudioBody = 64 << 20;  // bytes
constexpr std::int64_t kUsual = 8;              // seconds
constexpr auto kFailure = "Failed to place the call";

std::string calleeOf(const Desk& desk, const HttpRequest& request, const ChatAddress& address) {
  Desk::requireConnected(*request.instance);
  return desk.jidOf(*request.instance, address);
}

ChatAddress addressIn(const Fields& fields) {
  return Desk::addressOf(fields.require<std::string>("number"));
}

HttpReply fake(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const auto given = fields.get<std::int64_t>("duration", 0);
  const auto seconds = given == 0 ? kUsual : given;
  const std::string chat = calleeOf(desk, request, addressIn(fields));
  const Json placed =
      desk.ask(*request.instance, "call.fake", {{"chat", chat}, {"duration", seconds}}, kFailure);
  return {.body =
              done("Call placed successfully", {{"callId", placed.at("callId")},
                                                {"number", fields.require<std::string>("number")},
                                                {"duration", seconds}})};
}

// A connector sees bytes alone: what may be dialled is known here.
HttpReply audio(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  boost::json::object told{{"mediaType", "audio"}};
  for (const char* key : {"mediaUrl", "mediaBase64"}) {
    const auto text = fields.get<std::string>(key, "");
    told[key] = text.empty() ? Json() : Json(text);
  }
  if (told.at("mediaUrl").is_null() == told.at("mediaBase64").is_null())
    throw Error(Code::invalid, "Exactly one of 'mediaUrl' or 'mediaBase64' is required");
  const auto address = addressIn(fields);
  SentMedia media = takeGivenMedia(desk, told);
  told["chat"] = calleeOf(desk, request, address);
  fetchMedia(desk, told, media);
  const Json placed =
      desk.ask(*request.instance, "call.audio", std::move(told), kFailure, media.files);
  return {.body = done("Audio call placed", {{"callId", placed.at("callId")},
                                             {"number", fields.require<std::string>("number")}})};
}

Field numberField() { return {.name = "number", .doc = "Who is called.", .need = Need::always}; }

}  // namespace

std::vector<DeskRoute> callRoutes() {
  Route ofAudio = askingRoute(Method::post, "call/audio", "Call, and play a sound",
                              {numberField(),
                               {.name = "mediaUrl", .doc = "Where the sound is."},
                               {.name = "mediaBase64", .doc = "The sound itself."}},
                              replyWith({{"callId", text()}, {"number", text()}}));
  ofAudio.bodyLimit = kAudioBody;
  return {{askingRoute(Method::post, "call/fake", "Let a phone ring",
                       {numberField(),
                        {.name = "duration",
                         .type = Type::integer,
                         .fallback = 0,
                         .doc = "Seconds; 0 is 8.",
                         .min = 0,
                         .max = 60}},
                       replyWith({{"callId", text()}, {"number", text()}, {"duration", count()}})),
           fake},
          {std::move(ofAudio), audio}};
}
