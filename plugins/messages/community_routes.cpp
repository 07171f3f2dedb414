#include <algorithm>

#include "group_fields.hpp"
#include "picture_fields.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

constexpr std::size_t kMostGroups = 50;  // at once
// A connector pauses for a second between two groups, and has a minute for a call.
constexpr std::size_t kTogether = 20;
constexpr std::chrono::seconds kBudget{150};  // of several calls

Field communityField() {
  return {
      .name = "communityJid", .doc = "The community, as groups are named.", .need = Need::always};
}

Field groupsField(Need need) {
  return {.name = "groupJid",
          .type = Type::strings,
          .fallback = need == Need::always ? Json() : boost::json::array(),
          .doc = "JIDs of groups, 1 to 50.",
          .need = need,
          .distinct = true};
}

boost::json::array groupsIn(const Fields& fields) {
  const auto given = fields.require<std::vector<std::string>>("groupJid");
  if (given.size() > kMostGroups)
    throw Error(Code::invalid, "The 'groupJid' field must be between 1 and 50");
  boost::json::array jids;
  for (const auto& each : given) jids.emplace_back(groupJidIn(each));
  return jids;
}

using Groups = boost::json::array;

struct Links {
  Groups linked = {};
  Groups failed = {};  // {"jid", "error"}

  void addFailed(const Groups& groups, std::size_t from, const std::string& error) {
    for (std::size_t i = from; i < groups.size(); ++i)
      failed.push_back({{"jid", groups[i]}, {"error", error}});
  }
};

Groups listIn(const Json& done, const char* key) {
  const Json* found = done.is_object() ? done.get_object().if_contains(key) : nullptr;
  return found && found->is_array() ? found->get_array() : Groups();
}

// A few at a time. What fails when some are moved already is told of the others.
Links moved(const Desk& desk, const Instance& instance, const std::string& operation,
            const std::string& community, const Groups& groups) {
  Links links;
  for (std::size_t at = 0; at < groups.size(); at += kTogether) try {
      const auto end = std::min(groups.size(), at + kTogether);
      const Groups some(groups.begin() + at, groups.begin() + end);
      const Json done =
          askOfGroup(desk, instance, operation, {{"community", community}, {"groups", some}});
      for (const auto& jid : listIn(done, "linked")) links.linked.push_back(jid);
      for (const auto& each : listIn(done, "failed")) links.failed.push_back(each);
    } catch (const Error& error) {
      if (at == 0) throw;
      links.addFailed(groups, at, error.what());
      break;
    }
  return links;
}

// The community is there: whoever reads an error makes a second one.
Links linkedTo(const Desk& desk, const Instance& instance, const std::string& community,
               const Groups& groups, std::vector<std::string>& warnings) try {
  return moved(desk, instance, "community.link", community, groups);
} catch (const Error& error) {
  warnings.push_back(std::string("The community has no groups yet: ") + error.what());
  Links links;
  links.addFailed(groups, 0, error.what());
  return links;
}

HttpReply create(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const Instance& instance = *request.instance;
  const auto image = fields.find<std::string>("image");
  const auto picture =
      image ? std::optional(pictureIn(desk.host(), "image", *image)) : std::nullopt;
  const auto groups = groupsIn(fields);
  const Json made = askOfGroup(
      desk, instance, "community.create",
      {{"name", fields.require<std::string>("name")},
       {"description", fields.get<std::string>("description", "")},
       {"membershipApprovalMode", fields.require<std::string>("membershipApprovalMode")}});
  const Fields shown(made);
  const auto jid = shown.require<std::string>("jid");
  const bool isCommunity = shown.get<bool>("isCommunity", false);
  std::vector<std::string> warnings;
  if (picture) try {
      askOfGroup(desk, instance, "group.update",
                 {{"group", jid}, {"image", bytesOf(desk.host(), instance, *picture)}});
    } catch (const Error& error) {
      warnings.push_back(std::string("The community has no image yet: ") + error.what());
    }
  Links links;
  if (isCommunity)
    links = linkedTo(desk, instance, jid, groups, warnings);
  else
    links.addFailed(groups, 0, "There is no community to link it to");
  auto body = done("Community created successfully",
                   {{"community",
                     {{"jid", jid},
                      {"name", shown.get<std::string>("name", fields.require<std::string>("name"))},
                      {"isCommunity", isCommunity}}}});
  body["linked"] = std::move(links.linked);
  body["failed"] = std::move(links.failed);
  return {.status = 201, .body = std::move(body), .warnings = std::move(warnings)};
}

// One way or the other.
struct Move {
  const char* name;
  const char* before;
  const char* behind;
  const char* summary;
};
constexpr Move kMoves[] = {
    {"link", "Linked ", " groups to community", "Link groups to a community"},
    {"unlink", "Unlinked ", " groups from community", "Unlink groups from a community"}};

HttpReply move(const Desk& desk, const HttpRequest& request, const Move& way) {
  const Fields fields(request.fields);
  const auto community = groupJidIn(fields.require<std::string>("communityJid"));
  const auto groups = groupsIn(fields);
  if (groups.empty()) throw Error(Code::invalid, "groupJid is required");
  const Links links =
      moved(desk, *request.instance, std::string("community.") + way.name, community, groups);
  const std::size_t worked = links.linked.size();
  auto body = done(
      way.before + std::to_string(worked) + " of " + std::to_string(groups.size()) + way.behind,
      {{"linked", links.linked}, {"failed", links.failed}});
  body["success"] = worked > 0;
  return {.body = std::move(body)};
}

HttpReply listSubGroups(const Desk& desk, const HttpRequest& request) {
  const auto community = groupJidIn(Fields(request.query).require<std::string>("communityJid"));
  const Json found =
      askOfGroup(desk, *request.instance, "community.listSubGroups", {{"community", community}});
  boost::json::array rows;
  for (const auto& each : found.at("subgroups").as_array())
    rows.push_back({{"jid", each.at("jid")},
                    {"name", each.at("name")},
                    {"isDefaultSubGroup", each.at("isDefaultSubGroup")}});
  const std::string message = std::to_string(rows.size()) + " subgroup(s) found";
  return {.body = done(message, {{"communityJid", community}, {"subgroups", std::move(rows)}})};
}

boost::json::object linksSchema() {
  return {{"linked", listOf(text())},
          {"failed", listOf(objectOf({{"jid", text()}, {"error", text()}}))}};
}

Route createRoute() {
  auto members = linksSchema();
  members["community"] = objectOf({{"jid", text()}, {"name", text()}, {"isCommunity", flag()}});
  Route route = askingRoute(Method::post, "community/create", "Create a community",
                            {nameField(),
                             {.name = "description", .doc = "What it is about."},
                             imageField(),
                             groupsField(Need::optional),
                             {.name = "membershipApprovalMode",
                              .fallback = "open",
                              .doc = "Whether an admin has to let people in.",
                              .choices = {"request_required", "open"}}},
                            replyWith(std::move(members)));
  route.status = 201;
  route.budget = kBudget;
  return route;
}

}  // namespace

std::vector<DeskRoute> communityRoutes() {
  std::vector<DeskRoute> all{{createRoute(), create}};
  for (const auto& way : kMoves) {
    Route route =
        askingRoute(Method::post, std::string("community/") + way.name, way.summary,
                    {communityField(), groupsField(Need::always)}, replyWith(linksSchema()));
    route.budget = kBudget;
    all.push_back({std::move(route), [&way](const Desk& desk, const HttpRequest& request) {
                     return move(desk, request, way);
                   }});
  }
  const Json row = objectOf({{"jid", text()}, {"name", text()}, {"isDefaultSubGroup", flag()}});
  all.push_back({askingRoute(Method::get, "community/listSubGroups", "The groups of a community",
                             {communityField()},
                             replyWith({{"communityJid", text()}, {"subgroups", listOf(row)}})),
                 listSubGroups});
  return all;
}
