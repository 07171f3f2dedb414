#include <algorithm>

#include "group_answers.hpp"
#include "group_fields.hpp"
#include "picture_fields.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

Field settingsField() {
  return {.name = "groupSettings",
          .type = Type::object,
          .doc =
              "Any of `membersCanEditInfo`, `membersCanSendMessages`, `membersCanAddOthers` and "
              "`requireAdminApproval`; what is not there stays as it is."};
}

bool isGiven(const HttpRequest& request, const char* field) {
  return std::find(request.given.begin(), request.given.end(), field) != request.given.end();
}

// Those of the settings that were given. Null: none.
Json settingsIn(const Fields& fields) {
  const auto given = fields.find<boost::json::object>("groupSettings");
  if (!given) return nullptr;
  const Json schema = groupSettingsSchema();
  boost::json::object settings;
  for (const auto& known : schema.at("required").as_array()) {
    const std::string key(known.as_string());
    const auto* value = given->if_contains(key);
    if (!value || value->is_null()) continue;
    if (!value->is_bool())
      throw Error(Code::invalid, "The 'groupSettings." + key + "' field must be a boolean");
    settings[key] = *value;
  }
  return settings.empty() ? Json() : Json(std::move(settings));
}

// Adds what a part of a group that is there already could not be.
class Afterwards {
 public:
  Afterwards(const Desk& desk, const Instance& instance, Json& group)
      : desk_(desk), instance_(instance), group_(group) {}

  template <class Value>
  void set(const char* key, Value&& value) {
    try {
      group_ = askOfGroup(desk_, instance_, "group.update",
                          {{"group", group_.at("jid")}, {key, value()}});
    } catch (const Error& error) {
      warnings.push_back(std::string("The group has no ") + key + " yet: " + error.what());
    }
  }

  std::vector<std::string> warnings;

 private:
  const Desk& desk_;
  const Instance& instance_;
  Json& group_;
};

HttpReply create(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const Instance& instance = *request.instance;
  boost::json::object arguments{{"name", fields.require<std::string>("name")}};
  const auto description = fields.get<std::string>("description", "");
  const auto image = fields.find<std::string>("image");
  const auto picture =
      image ? std::optional(pictureIn(desk.host(), "image", *image)) : std::nullopt;
  const Json settings = settingsIn(fields);
  if (const auto community = fields.find<std::string>("communityJid"))
    arguments["community"] = groupJidIn(*community);
  arguments["participants"] =
      jidsOf(desk, instance, fields.require<std::vector<std::string>>("participants"));
  Json group = askOfGroup(desk, instance, "group.create", std::move(arguments));
  Afterwards then(desk, instance, group);
  if (!description.empty()) then.set("description", [&] { return Json(description); });
  if (picture) then.set("image", [&] { return Json(bytesOf(desk.host(), instance, *picture)); });
  if (!settings.is_null()) then.set("groupSettings", [&] { return settings; });
  return {.status = 201,
          .body = done("Group created successfully", {{"group", groupInfo(group)}}),
          .warnings = std::move(then.warnings)};
}

HttpReply list(const Desk& desk, const HttpRequest& request) {
  const bool withMembers = Fields(request.query).require<bool>("includeMembers");
  const Json found = askOfGroup(desk, *request.instance, "group.list", boost::json::object());
  boost::json::array rows;
  for (const auto& group : found.at("groups").as_array())
    rows.push_back(groupRow(group, withMembers));
  const std::string message = std::to_string(rows.size()) + " Groups found";
  return {.body = done(message, {{"groups", std::move(rows)}})};
}

HttpReply info(const Desk& desk, const HttpRequest& request) {
  const Fields query(request.query);
  const bool withParticipants = query.require<bool>("participants");
  const auto identifier = identifierOf(query);
  const Json arguments = identifier.jid.empty() ? Json{{"inviteCode", identifier.inviteCode}}
                                                : Json{{"group", identifier.jid}};
  const Json group = askOfGroup(desk, *request.instance, "group.info", arguments);
  return {.body = done("Group info retrieved successfully",
                       {{"group", groupDetail(group, withParticipants)}})};
}

HttpReply update(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const Instance& instance = *request.instance;
  const auto identifier = identifierOf(fields);
  boost::json::object changes;
  std::string changed;
  const auto change = [&](const char* key, Json value) {
    changed += (changed.empty() ? "" : ", ") + std::string(key);
    changes[key] = std::move(value);
  };
  if (const auto name = fields.get<std::string>("name", ""); !name.empty())
    change("name", Json(name));
  if (isGiven(request, "description"))
    change("description", Json(fields.get<std::string>("description", "")));
  const auto image = fields.get<std::string>("image", "");
  std::optional<Picture> picture;
  if (fields.require<bool>("removeImage")) {
    change("image", nullptr);
  } else if (!image.empty()) {
    picture = pictureIn(desk.host(), "image", image);
    change("image", nullptr);
  }
  if (Json settings = settingsIn(fields); !settings.is_null())
    change("groupSettings", std::move(settings));
  if (changes.empty()) throw Error(Code::invalid, "At least one field must be provided");
  Desk::requireConnected(instance);
  if (picture) changes["image"] = bytesOf(desk.host(), instance, *picture);
  changes["group"] = groupJidOf(desk, instance, identifier);
  const Json group = askOfGroup(desk, instance, "group.update", std::move(changes));
  return {.body = done("Group updated: " + changed, {{"group", groupInfo(group)}})};
}

Field switchField(const char* name, const char* doc) {
  return {.name = name, .type = Type::boolean, .fallback = false, .doc = doc};
}

Route createRoute() {
  Route route = askingRoute(Method::post, "group/create", "Create a group",
                            {nameField(),
                             participantsField(Need::optional),
                             {.name = "description", .doc = "What it is about."},
                             imageField(),
                             {.name = "communityJid", .doc = "The community that it is made in."},
                             settingsField()},
                            replyWith({{"group", groupInfoSchema()}}));
  route.status = 201;
  route.bodyLimit = kPictureBody;
  return route;
}

Route updateRoute() {
  Route route =
      askingRoute(Method::put, "group/update", "Change a group",
                  {identifierField(),
                   {.name = "name", .doc = "What it is called.", .maxLength = 100},
                   {.name = "description", .doc = "What it is about; an empty one clears it."},
                   imageField(),
                   switchField("removeImage", "Takes the picture away, whatever `image` says."),
                   settingsField()},
                  replyWith({{"group", groupInfoSchema()}}));
  route.bodyLimit = kPictureBody;
  return route;
}

}  // namespace

std::vector<DeskRoute> groupRoutes() {
  return {{createRoute(), create},
          {askingRoute(Method::get, "group/list", "The groups of an instance",
                       {switchField("includeMembers", "Their members too.")},
                       replyWith({{"groups", listOf(groupRowSchema())}})),
           list},
          {askingRoute(Method::get, "group/info", "All about a group",
                       {identifierField(), switchField("participants", "Its members too.")},
                       replyWith({{"group", groupDetailSchema()}})),
           info},
          {updateRoute(), update}};
}
