#include "group_fields.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

constexpr std::chrono::milliseconds kApprovalBudget{90'000};
const std::vector<std::string> kActions{"add", "remove", "promote", "demote", "approve", "reject"};

Json rowOf(const Json& jid, const Json& error) {
  return {{"jid", jid}, {"success", error.is_null()}, {"error", error}};
}

// Whoever is not on WhatsApp fails alone; empty for each of the others, in their order.
struct Members {
  boost::json::array jids;
  std::vector<Json> rows;
};

Members membersOf(const Desk& desk, const Instance& instance,
                  const std::vector<std::string>& numbers) {
  std::vector<ChatAddress> addresses;
  for (const auto& number : numbers) addresses.push_back(Desk::addressOf(number));
  Members members;
  auto number = numbers.begin();
  for (const auto& jid : desk.jidsOf(instance, addresses)) {
    members.rows.push_back(jid ? Json() : rowOf(Json(*number), Json(kNotRegistered)));
    if (jid) members.jids.emplace_back(*jid);
    ++number;
  }
  return members;
}

HttpReply participants(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const Instance& instance = *request.instance;
  const auto identifier = identifierOf(fields);
  const auto numbers = fields.require<std::vector<std::string>>("participants");
  if (numbers.empty()) throw Error(Code::invalid, "participants is required");
  for (const auto& number : numbers) Desk::addressOf(number);  // none of them is malformed
  const std::string group = groupJidOf(desk, instance, identifier);
  Members members = membersOf(desk, instance, numbers);
  boost::json::array said;
  if (!members.jids.empty())
    said = askOfGroup(desk, instance, "group.participants",
                      {{"group", group},
                       {"action", fields.require<std::string>("action")},
                       {"participants", members.jids}})
               .at("participants")
               .as_array();
  bool anyone = false;
  boost::json::array rows;
  auto next = said.begin();
  for (Json& row : members.rows) {
    if (row.is_null() && next != said.end()) {
      const Fields each(*next++);
      const auto error = each.find<std::string>("error");
      row = rowOf(each.document().at("jid"), error ? Json(*error) : Json());
      anyone = anyone || !error;
    }
    rows.push_back(std::move(row));
  }
  auto body = done("Participants updated", {{"participants", std::move(rows)}});
  body["success"] = anyone;
  return {.body = std::move(body)};
}

HttpReply join(const Desk& desk, const HttpRequest& request) {
  const auto given = Fields(request.fields).require<std::string>("identifier");
  const auto identifier = identifierOf(given);
  if (identifier.inviteCode.empty())
    throw Error(Code::invalid, "Invalid group identifier: " + given);
  const Json joined =
      askOfGroup(desk, *request.instance, "group.join", {{"inviteCode", identifier.inviteCode}});
  auto body = done("Joined group successfully", {{"groupJid", joined.at("jid")}});
  if (Fields(joined).get<bool>("pending", false)) body["pending"] = true;
  return {.body = std::move(body)};
}

// Of one group, by its JID.
Json askOfIdentified(const Desk& desk, const HttpRequest& request, const Json& given,
                     const char* operation) {
  const auto identifier = identifierOf(Fields(given));
  const std::string group = groupJidOf(desk, *request.instance, identifier);
  Json answer = askOfGroup(desk, *request.instance, operation, {{"group", group}});
  if (!answer.is_object()) answer = boost::json::object();
  answer.as_object()["jid"] = group;
  return answer;
}

HttpReply resetLink(const Desk& desk, const HttpRequest& request) {
  const Json reset = askOfIdentified(desk, request, request.fields, "group.resetLink");
  const std::string code(reset.at("inviteCode").as_string());
  return {.body = done("Invite link reset successfully",
                       {{"inviteCode", code}, {"inviteLink", inviteLinkOf(code)}})};
}

HttpReply requests(const Desk& desk, const HttpRequest& request) {
  const Json found = askOfIdentified(desk, request, request.query, "group.requests");
  boost::json::array rows;
  for (const auto& each : found.at("requests").as_array())
    rows.push_back({{"jid", each.at("jid")},
                    {"lid", each.at("lid")},
                    {"requestedAt", each.at("requestedAt")}});
  const std::string message = std::to_string(rows.size()) + " join request(s) found";
  return {.body = done(message, {{"requests", std::move(rows)}})};
}

HttpReply leave(const Desk& desk, const HttpRequest& request) {
  const Json left = askOfIdentified(desk, request, request.fields, "group.leave");
  return {.body = done("Left group successfully", {{"groupJid", left.at("jid")}})};
}

Route participantsRoute() {
  Json row = objectOf({{"jid", text()}, {"success", flag()}, {"error", textOrNull()}});
  Route route = askingRoute(
      Method::post, "group/participants", "Add, remove or raise members of a group",
      {{.name = "action", .doc = "What is to be done.", .need = Need::always, .choices = kActions},
       identifierField(),
       participantsField(Need::always)},
      replyWith({{"participants", listOf(std::move(row))}}));
  route.budget = kApprovalBudget;
  return route;
}

}  // namespace

std::vector<DeskRoute> groupMemberRoutes() {
  const Json row = objectOf({{"jid", text()}, {"lid", textOrNull()}, {"requestedAt", text()}});
  return {
      {participantsRoute(), participants},
      {askingRoute(Method::post, "group/join", "Join a group by an invitation", {identifierField()},
                   replyWith({{"groupJid", text()}}, {{"pending", flag()}})),
       join},
      {askingRoute(Method::post, "group/resetLink", "Make the invitation of a group anew",
                   {identifierField()},
                   replyWith({{"inviteCode", text()}, {"inviteLink", text()}})),
       resetLink},
      {askingRoute(Method::get, "group/requests", "Who asks to be let into a group",
                   {identifierField()}, replyWith({{"requests", listOf(row)}})),
       requests},
      {askingRoute(Method::del, "group/leave", "Leave a group", {identifierField()},
                   replyWith({{"groupJid", text()}})),
       leave}};
}
