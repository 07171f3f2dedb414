#include "desk_routes.hpp"
#include "group_answers.hpp"
#include "group_identifier.hpp"
#include "picture_fields.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

Field identifierField() {
  return {.name = "identifier",
          .doc = "The channel: its JID, the code of its link, or the link.",
          .need = Need::always};
}

Json askOfChannel(const Desk& desk, const HttpRequest& request, const std::string& operation,
                  const Json& arguments) {
  try {
    return desk.ask(*request.instance, operation, arguments, "Newsletter operation failed");
  } catch (const Error& error) {
    if (error.code == Code::notFound) throw Error(Code::notFound, "Newsletter not found");
    throw;
  }
}

// What cannot be the name of a channel is that of none.
Json askOfIdentified(const Desk& desk, const HttpRequest& request, const Json& given,
                     const char* operation) {
  const auto identifier = channelIdentifierIn(Fields(given).require<std::string>("identifier"));
  Desk::requireConnected(*request.instance);
  if (!identifier) throw Error(Code::notFound, "Newsletter not found");
  const Json arguments = identifier->jid.empty() ? Json{{"inviteCode", identifier->inviteCode}}
                                                 : Json{{"newsletter", identifier->jid}};
  return askOfChannel(desk, request, operation, arguments);
}

HttpReply create(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  boost::json::object arguments{{"name", fields.require<std::string>("name")},
                                {"description", fields.get<std::string>("description", "")}};
  std::optional<Picture> picture;
  if (const auto image = fields.find<std::string>("image"))
    picture = pictureIn(desk.host(), "image", *image);
  Desk::requireConnected(*request.instance);
  if (picture) arguments["image"] = bytesOf(desk.host(), *request.instance, *picture);
  const Json made = askOfChannel(desk, request, "newsletter.create", std::move(arguments));
  return {.status = 201,
          .body = done("Newsletter created successfully", {{"channel", channel(made)}})};
}

HttpReply list(const Desk& desk, const HttpRequest& request) {
  const Json found = askOfChannel(desk, request, "newsletter.list", boost::json::object());
  boost::json::array rows;
  for (const auto& each : found.at("channels").as_array()) rows.push_back(channel(each));
  const std::string message = std::to_string(rows.size()) + " Newsletters found";
  return {.body = done(message, {{"channels", std::move(rows)}})};
}

HttpReply info(const Desk& desk, const HttpRequest& request) {
  const Json found = askOfIdentified(desk, request, request.query, "newsletter.info");
  return {.body = done("Newsletter info retrieved", {{"channel", channel(found)}})};
}

HttpReply join(const Desk& desk, const HttpRequest& request) {
  const Json joined = askOfIdentified(desk, request, request.fields, "newsletter.join");
  return {.body = done("Newsletter joined successfully", {{"channel", channel(joined)}})};
}

HttpReply leave(const Desk& desk, const HttpRequest& request) {
  const Json left = askOfIdentified(desk, request, request.fields, "newsletter.leave");
  return {.body = done("Newsletter left successfully", {{"jid", left.at("jid")}})};
}

}  // namespace

std::vector<DeskRoute> newsletterRoutes() {
  const Json one = replyWith({{"channel", channelSchema()}});
  Route creation = askingRoute(
      Method::post, "newsletter/create", "Create a channel",
      {{.name = "name", .doc = "What it is called.", .need = Need::always, .maxLength = 100},
       {.name = "description", .doc = "What it is about."},
       {.name = "image", .doc = "Its picture: a URL, a data URI, or base64."}},
      one);
  creation.status = 201;
  return {
      {std::move(creation), create},
      {askingRoute(Method::get, "newsletter/list", "The channels that an instance follows", {},
                   replyWith({{"channels", listOf(channelSchema())}})),
       list},
      {askingRoute(Method::get, "newsletter/info", "All about a channel", {identifierField()}, one),
       info},
      {askingRoute(Method::post, "newsletter/join", "Follow a channel", {identifierField()}, one),
       join},
      {askingRoute(Method::del, "newsletter/leave", "Follow a channel no more", {identifierField()},
                   replyWith({{"jid", text()}})),
       leave}};
}
