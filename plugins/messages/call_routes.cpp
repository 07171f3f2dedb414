#include "desk_routes.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

constexpr std::uint64_t kAudioBody = 64 << 20;  // bytes
constexpr std::int64_t kUsual = 8;              // seconds
constexpr auto kFailure = "Failed to place the call";

Json call(const Desk& desk, const HttpRequest& request, const char* operation,
          boost::json::object arguments) {
  const auto address = Desk::addressOf(Fields(request.fields).require<std::string>("number"));
  Desk::requireConnected(*request.instance);
  arguments["chat"] = desk.jidOf(*request.instance, address);
  return desk.ask(*request.instance, operation, std::move(arguments), kFailure);
}

HttpReply fake(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const auto given = fields.get<std::int64_t>("duration", 0);
  const auto seconds = given == 0 ? kUsual : given;
  const Json placed = call(desk, request, "call.fake", {{"duration", seconds}});
  return {.body =
              done("Call placed successfully", {{"callId", placed.at("callId")},
                                                {"number", fields.require<std::string>("number")},
                                                {"duration", seconds}})};
}

HttpReply audio(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const auto url = fields.get<std::string>("mediaUrl", "");
  const auto base64 = fields.get<std::string>("mediaBase64", "");
  if (url.empty() == base64.empty())
    throw Error(Code::invalid, "Exactly one of 'mediaUrl' or 'mediaBase64' is required");
  if (url.starts_with("http")) desk.host().http().requireAllowed(url);
  const char* key = url.empty() ? "mediaBase64" : "mediaUrl";
  const Json placed = call(desk, request, "call.audio", {{key, url.empty() ? base64 : url}});
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
