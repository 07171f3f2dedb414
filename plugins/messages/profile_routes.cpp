#include <algorithm>

#include "desk_routes.hpp"
#include "picture_fields.hpp"
#include "privacy.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

constexpr std::uint64_t kPictureBody = 64 << 20;  // bytes
constexpr auto kFailure = "Profile operation failed";
constexpr const char* kShown[] = {"profilePicture", "profileName", "profileStatus",
                                  "phoneNumber",    "jid",         "lid"};
constexpr const char* kGroups[] = {"visibility", "privacy", "permissions"};

HttpReply change(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  boost::json::object changes;
  boost::json::array updated;
  std::optional<Picture> picture;
  for (const char* name : {"profilePicture", "profileName", "profileStatus"}) {
    if (std::find(request.given.begin(), request.given.end(), name) == request.given.end())
      continue;
    const auto value = fields.get<std::string>(name, "");
    const bool isPicture = std::string_view(name) == "profilePicture";
    if (value.empty() && std::string_view(name) == "profileName") continue;
    if (isPicture && !value.empty()) picture = pictureIn(desk.host(), name, value);
    changes[name] = isPicture ? Json() : Json(value);
    updated.emplace_back(name);
  }
  if (updated.empty()) throw Error(Code::invalid, "At least one field must be provided");
  Desk::requireConnected(*request.instance);
  if (picture) changes["profilePicture"] = bytesOf(desk.host(), *request.instance, *picture);
  desk.ask(*request.instance, "profile.account", std::move(changes), kFailure);
  return {.body = done("Profile updated successfully", {{"updatedFields", std::move(updated)}})};
}

HttpReply show(const Desk& desk, const HttpRequest& request) {
  Json arguments = boost::json::object();
  if (const auto number = Fields(request.query).find<std::string>("number")) {
    const auto address = Desk::addressOf(*number);
    Desk::requireConnected(*request.instance);
    arguments.as_object()["chat"] = desk.jidOf(*request.instance, address);
  }
  const Json found = desk.ask(*request.instance, "profile.getAccount", arguments, kFailure);
  boost::json::object profile;
  for (const char* key : kShown) {
    const auto* value = found.as_object().if_contains(key);
    profile[key] = value ? *value : Json();
  }
  return {.body = done("Profile retrieved successfully", {{"profile", std::move(profile)}})};
}

HttpReply privacyReply(const char* message, const Json& settings) {
  auto body = done(message);
  for (const char* group : kGroups) body[group] = settings.at(group);
  return {.body = std::move(body)};
}

HttpReply showPrivacy(const Desk& desk, const HttpRequest& request) {
  return privacyReply(
      "Privacy settings retrieved successfully",
      desk.ask(*request.instance, "profile.getPrivacy", boost::json::object(), kFailure));
}

HttpReply changePrivacy(const Desk& desk, const HttpRequest& request) {
  boost::json::object changes;
  try {
    changes = privacyIn(request.fields.as_object());
  } catch (const BadPrivacy& bad) {
    throw Error(Code::invalid, "Invalid value for " + bad.path + ": " + bad.value);
  }
  return privacyReply("Privacy settings updated successfully",
                      desk.ask(*request.instance, "profile.privacy", std::move(changes), kFailure));
}

Route accountRoute() {
  std::vector<Field> body{
      {.name = "profilePicture",
       .doc = "A URL, a data URI, or base64; an empty one takes the picture away."},
      {.name = "profileName", .doc = "What others see, 1 to 25 characters.", .maxLength = 25},
      {.name = "profileStatus", .doc = "The words below the name.", .maxLength = 139}};
  Route route = askingRoute(Method::post, "profile/account", "Change the profile of an instance",
                            std::move(body), replyWith({{"updatedFields", listOf(text())}}));
  route.bodyLimit = kPictureBody;
  return route;
}

Route showRoute() {
  boost::json::object profile;
  for (const char* key : kShown) profile[key] = textOrNull();
  return askingRoute(Method::get, "profile/getAccount",
                     "The profile of an instance, or of a number",
                     {{.name = "number", .doc = "Whose; absent: the instance's own."}},
                     replyWith({{"profile", objectOf(std::move(profile))}}));
}

}  // namespace

std::vector<DeskRoute> profileRoutes() {
  std::vector<Field> settings;
  for (const char* group : kGroups)
    settings.push_back({.name = group,
                        .type = Type::object,
                        .doc = "Those that are to change, as they are read."});
  std::vector<DeskRoute> all{
      {accountRoute(), change},
      {showRoute(), show},
      {askingRoute(Method::post, "profile/privacy", "Change privacy settings of an instance",
                   std::move(settings), replyWith(privacySchema())),
       changePrivacy}};
  for (const char* path : {"profile/getPrivacy", "profile/privacy"})
    all.push_back({askingRoute(Method::get, path, "The privacy settings of an instance", {},
                               replyWith(privacySchema())),
                   showPrivacy});
  return all;
}
