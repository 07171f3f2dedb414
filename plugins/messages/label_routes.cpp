#include "desk_routes.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

constexpr auto kFailure = "Failed to change the tag";
constexpr std::int64_t kColors = 10;  // 0 to this

Json tagOf(const Label& label) {
  return {{"id", label.id},
          {"name", label.name},
          {"color", label.color},
          {"type", "CUSTOM"},
          {"deleted", false}};
}

Json toldOf(const Label& label) {
  return {{"id", label.id}, {"name", label.name}, {"color", label.color}};
}

HttpReply list(const Desk& desk, const HttpRequest& request) {
  boost::json::array tags;
  for (const auto& label : desk.labels().list(request.instance->id)) tags.push_back(tagOf(label));
  const auto total = tags.size();
  return {.body =
              done("Tags retrieved successfully", {{"tags", std::move(tags)}, {"total", total}})};
}

// What is said of it is why it could not be made.
void giveUp(const Desk& desk, const InstanceId& id, const Label& label) try {
  desk.labels().remove(id, label.id);
} catch (const std::exception& error) {
  desk.host().log().write(Level::warn, "A tag that could not be made is still listed",
                          {{"instance", id.value}, {"reason", error.what()}});
}

// It is there before it is asked for, so that no other can take its name meanwhile.
HttpReply create(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const InstanceId& id = request.instance->id;
  auto color = fields.get<std::int64_t>("color", 0);
  if (color < 0 || color > kColors) color = 0;
  Desk::requireConnected(*request.instance);
  const Label label = desk.labels().create(id, fields.require<std::string>("name"), color);
  try {
    desk.ask(*request.instance, "label.create", toldOf(label), kFailure);
  } catch (const Error&) {
    giveUp(desk, id, label);
    throw;
  }
  return {.body = done("Tag created successfully", {{"tag", tagOf(label)}})};
}

Label requireLabel(const Desk& desk, const HttpRequest& request) {
  const auto id = Fields(request.fields).require<std::string>("tagId");
  Desk::requireConnected(*request.instance);
  if (auto label = desk.labels().find(request.instance->id, id)) return *std::move(label);
  throw Error(Code::notFound, "Tag not found");
}

HttpReply removeTag(const Desk& desk, const HttpRequest& request) {
  const Label label = requireLabel(desk, request);
  desk.ask(*request.instance, "label.delete", toldOf(label), kFailure);
  desk.labels().remove(request.instance->id, label.id);
  return {.body = done("Tag deleted successfully", {{"tag_id", label.id}})};
}

HttpReply assign(const Desk& desk, const HttpRequest& request, bool on) {
  const auto address = Desk::addressOf(Fields(request.fields).require<std::string>("number"));
  const Label label = requireLabel(desk, request);
  const std::string chat = desk.jidOf(*request.instance, address);
  desk.ask(*request.instance, "label.chat", {{"id", label.id}, {"chat", chat}, {"labeled", on}},
           kFailure);
  desk.labels().assign(request.instance->id, label.id, chat, on);
  return {.body = done(on ? "Tag assigned successfully" : "Tag removed successfully",
                       {{"tag_id", label.id}})};
}

Json tagSchema() {
  return objectOf({{"id", text()},
                   {"name", text()},
                   {"color", count()},
                   {"type", text()},
                   {"deleted", flag()}});
}

}  // namespace

std::vector<DeskRoute> labelRoutes() {
  const Field tag{.name = "tagId", .doc = "The tag.", .need = Need::always};
  const Json named = replyWith({{"tag_id", text()}});
  return {
      {keptRoute(Method::get, "chat/tag", "The tags of an instance", {},
                 replyWith({{"tags", listOf(tagSchema())}, {"total", count()}})),
       list},
      {askingRoute(
           Method::post, "chat/tag", "Make a tag",
           {{.name = "name", .doc = "What it is called.", .need = Need::always, .maxLength = 100},
            {.name = "color",
             .type = Type::integer,
             .fallback = 0,
             .doc = "0 to 10; any other is 0."}},
           replyWith({{"tag", tagSchema()}})),
       create},
      {askingRoute(Method::del, "chat/tag", "Delete a tag", {tag}, named), removeTag},
      {askingRoute(Method::post, "chat/assignTag", "Tag a chat", {chatField(), tag}, named),
       [](const Desk& desk, const HttpRequest& request) { return assign(desk, request, true); }},
      {askingRoute(Method::del, "chat/assignTag", "Take a tag from a chat", {chatField(), tag},
                   named),
       [](const Desk& desk, const HttpRequest& request) { return assign(desk, request, false); }}};
}
