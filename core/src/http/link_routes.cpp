#include "http/link_routes.hpp"

#include <algorithm>
#include <charconv>

#include "http/reply.hpp"
#include "instance/qr_code.hpp"

namespace pombo {
namespace {

// A connector has three quarters of it, and 60 seconds at most.
constexpr std::chrono::seconds kConnectBudget{85};

// As people write numbers, so that it may be copied from anywhere. A "+" in a query is a blank.
std::string numberIn(const std::string& text) {
  std::string number = text;
  std::erase_if(number,
                [](char c) { return std::string_view("+ -()").find(c) != std::string::npos; });
  const bool digits =
      std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || number.size() < 8 || number.size() > 15)
    throw Error(Code::invalid, "The 'number' parameter must contain 8 to 15 digits");
  return number;
}

int daysIn(const std::string& text) {
  int days = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, days);
  if (read.ec != std::errc() || read.ptr != end || days < 1 || days > 365)
    throw Error(Code::invalid, "The 'history' parameter must be a number of days from 1 to 365");
  return days;
}

LinkRequest wantedBy(const HttpRequest& request) {
  const Fields query(request.query);
  LinkRequest wanted;
  if (const auto number = query.get<std::string>("number", ""); !number.empty())
    wanted.number = numberIn(number);
  if (const auto history = query.get<std::string>("history", ""); !history.empty())
    wanted.historyDays = daysIn(history);
  return wanted;
}

Json shapeOf(const Link& link) {
  switch (link.kind) {
    case Link::Kind::pairing:
      return {{"success", true},
              {"message", "Pairing code generated"},
              {"pairingCode", link.code},
              {"status", "pairing"}};
    case Link::Kind::connected:
      return {{"success", true}, {"message", "Instance connected"}, {"status", "connected"}};
    case Link::Kind::qr:
    case Link::Kind::later:  // is not shown
      break;
  }
  return {{"success", true},
          {"message", "QR code generated"},
          {"qrCode", link.code},
          {"qrCodeBase64", qrDataUrl(link.code).value()},
          {"status", "qr"}};
}

constexpr auto kConnectReply = R"json({
  "type": "object",
  "required": ["success", "message", "status"],
  "properties": {"success": {"const": true}, "message": {"type": "string"},
                 "status": {"enum": ["qr", "pairing", "connected"]}},
  "anyOf": [
    {"title": "QR",
     "required": ["qrCode", "qrCodeBase64"],
     "properties": {
       "message": {"const": "QR code generated"},
       "qrCode": {"type": "string", "description": "What the picture says."},
       "qrCodeBase64": {"type": "string", "pattern": "^data:image/png;base64,",
                        "description": "A PNG of 512 x 512 pixels."},
       "status": {"const": "qr"}}},
    {"title": "Pairing",
     "required": ["pairingCode"],
     "properties": {
       "message": {"const": "Pairing code generated"},
       "pairingCode": {"type": "string", "description": "To be typed in on the phone."},
       "status": {"const": "pairing"}}},
    {"title": "Connected",
     "properties": {"message": {"const": "Instance connected"},
                    "status": {"const": "connected"}}}]})json";

constexpr auto kReconnectReply = R"json({
  "type": "object",
  "required": ["success", "message", "status"],
  "properties": {"success": {"const": true}, "message": {"const": "Reconnect initiated"},
                 "status": {"const": "connecting"}}})json";

constexpr auto kLogoutReply = R"json({
  "type": "object",
  "required": ["success", "message", "instance"],
  "properties": {
    "success": {"const": true},
    "message": {"const": "Instance logged out"},
    "instance": {"type": "object", "required": ["status"],
                 "properties": {"status": {"const": "loggedout"}}}}})json";

}  // namespace

void addLinkRoutes(RouteTable& routes, Linker& linker) {
  routes.add(
      {.route = {.path = "/api/instance/connect/:instance",
                 .summary = "Link an instance by a QR code or a pairing code, or re-open it",
                 .query = {{.name = "number", .doc = "8 to 15 digits: asks for a pairing code."},
                           {.name = "history", .doc = "Days of history to fetch, 1 to 365."}},
                 .reply = boost::json::parse(kConnectReply),
                 .slow = true,
                 .budget = kConnectBudget},
       .handler = [&routes, &linker](const HttpRequest& request) -> HttpReply {
         const auto tell = [&routes, id = request.id](const Link* link, const Error* error) {
           routes.answer(id, link ? HttpReply{.body = shapeOf(*link)} : replyOf(*error));
         };
         const auto link = linker.connect(*request.instance, wantedBy(request), tell);
         return link ? HttpReply{.body = shapeOf(*link)} : HttpReply{.later = true};
       },
       .notes = {.refusals = {Code::conflict}}});
  routes.add({.route = {.method = Method::post,
                        .path = "/api/instance/reconnect/:instance",
                        .summary = "Re-open the stored session of an instance",
                        .reply = boost::json::parse(kReconnectReply),
                        .failure = "Failed to reconnect: storage failure"},
              .handler = [&](const HttpRequest& request) -> HttpReply {
                linker.reconnect(*request.instance);
                return {.body = {{"success", true},
                                 {"message", "Reconnect initiated"},
                                 {"status", "connecting"}}};
              },
              .ignoresBody = true});
  routes.add({.route = {.method = Method::del,
                        .path = "/api/instance/logout/:instance",
                        .summary = "Unlink an instance and wipe its session",
                        .reply = boost::json::parse(kLogoutReply),
                        .failure = "Failed to logout instance"},
              .handler = [&](const HttpRequest& request) -> HttpReply {
                linker.logout(*request.instance);
                return {.body = {{"success", true},
                                 {"message", "Instance logged out"},
                                 {"instance", {{"status", "loggedout"}}}}};
              }});
}

}  // namespace pombo
