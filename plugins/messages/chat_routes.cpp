#include <algorithm>

#include "desk_routes.hpp"
#include "mute.hpp"
#include "reply_shape.hpp"

using namespace pombo;

namespace {

constexpr auto kFailure = "Failed to change the chat";
constexpr std::int64_t kLongestPresence = 60;  // seconds

Field switchField(const char* name, const char* doc) {
  return {.name = name, .type = Type::boolean, .fallback = true, .doc = doc};
}

// What a chat is or is not; a field of the same meaning asks for it.
struct Switch {
  const char* name;  // of the route, and behind "chat." of what the connector is asked
  const char* field;
  const char* key;  // in the answer
  const char* on;
  const char* off;
  const char* summary;
  const char* doc;
};
constexpr Switch kSwitches[] = {
    {"archive", "archive", "archived", "Chat archived successfully", "Chat unarchived successfully",
     "Archive a chat, or bring it back", "False brings it back."},
    {"pin", "pin", "pinned", "Chat pinned successfully", "Chat unpinned successfully",
     "Pin a chat, or unpin it", "False unpins it."},
    {"block", "block", "blocked", "Contact blocked successfully", "Contact unblocked successfully",
     "Block a contact, or unblock it", "False unblocks it."},
    {"markChatRead", "read", "read", "Chat marked as read successfully",
     "Chat marked as unread successfully", "Mark a chat as read, or as unread",
     "False marks it as unread."},
};

DeskRoute routeOf(const Switch& each) {
  return {askingRoute(Method::post, std::string("chat/") + each.name, each.summary,
                      {chatField(), switchField(each.field, each.doc)},
                      replyWith({{"chat_jid", text()}, {each.key, flag()}})),
          [&each](const Desk& desk, const HttpRequest& request) -> HttpReply {
            const bool on = Fields(request.fields).require<bool>(each.field);
            const std::string chat = chatOf(desk, request);
            desk.ask(*request.instance, std::string("chat.") + each.name,
                     {{"chat", chat}, {each.field, on}}, kFailure);
            return {.body = done(on ? each.on : each.off, {{"chat_jid", chat}, {each.key, on}})};
          }};
}

HttpReply mute(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const bool on = fields.require<bool>("mute");
  const auto duration = fields.get<std::string>("duration", "");
  const auto wanted =
      on ? muteFor(duration) : std::optional(Mute{0, "Chat notifications unmuted successfully"});
  if (!wanted) throw Error(Code::invalid, "Invalid duration: " + duration);
  const std::string chat = chatOf(desk, request);
  desk.ask(*request.instance, "chat.mute",
           {{"chat", chat}, {"mute", on}, {"duration", wanted->seconds}}, kFailure);
  return {.body = done(wanted->said,
                       {{"chat_jid", chat}, {"muted", on}, {"duration", wanted->seconds}})};
}

// In lower case.
std::string stateIn(const Fields& fields) {
  auto state = fields.get<std::string>("state", "");
  if (state.empty())
    throw Error(Code::invalid, "State is required. Use 'typing', 'recording', or 'pause'");
  std::transform(state.begin(), state.end(), state.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* known : {"typing", "recording", "pause", "paused"})
    if (state == known) return state;
  throw Error(Code::invalid, "Invalid state. Use 'typing', 'recording', or 'pause'");
}

HttpReply present(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const std::string state = stateIn(fields);
  const bool pause = state.starts_with("pause");
  const auto wanted = fields.get<std::int64_t>("duration", 0);
  const auto seconds = pause ? 0 : std::clamp<std::int64_t>(wanted, 0, kLongestPresence);
  const std::string chat = chatOf(desk, request);
  desk.ask(*request.instance, "chat.presence",
           {{"chat", chat}, {"state", pause ? "paused" : state}, {"duration", seconds}}, kFailure);
  return {.body = done("Presence updated successfully",
                       {{"chat_jid", chat}, {"state", state}, {"duration", seconds}})};
}

HttpReply deleteChat(const Desk& desk, const HttpRequest& request) {
  const bool media = Fields(request.fields).require<bool>("deleteMedia");
  const std::string chat = chatOf(desk, request);
  const TimePoint asked = desk.host().clock().now();
  desk.ask(*request.instance, "chat.deleteChat", {{"chat", chat}, {"deleteMedia", media}},
           kFailure);
  desk.store().removeChat(request.instance->id, chat, asked);
  return {.body = done(
              media ? "Chat deleted successfully (including media)" : "Chat deleted successfully",
              {{"chat_jid", chat}})};
}

}  // namespace

std::vector<DeskRoute> chatRoutes() {
  std::vector<DeskRoute> all;
  for (const auto& each : kSwitches) all.push_back(routeOf(each));
  all.push_back(
      {askingRoute(Method::post, "chat/mute", "Mute a chat, or unmute it",
                   {chatField(),
                    switchField("mute", "False unmutes it."),
                    {.name = "duration",
                     .doc = "`8h`, `8 hours`, `1w`, `7d`, `1 week`; `always`, `forever`, "
                            "`permanent` or nothing: for ever."}},
                   replyWith({{"chat_jid", text()}, {"muted", flag()}, {"duration", count()}})),
       mute});
  all.push_back(
      {askingRoute(
           Method::post, "chat/presence", "Show a chat that the instance types, or records",
           {chatField(),
            {.name = "state", .doc = "`typing`, `recording`, or `pause`, in any case."},
            {.name = "duration",
             .type = Type::integer,
             .fallback = 0,
             .doc = "Seconds until it is paused, 60 at most; 0: for as long as phones show it."}},
           replyWith({{"chat_jid", text()}, {"state", text()}, {"duration", count()}})),
       present});
  all.push_back({askingRoute(Method::del, "chat/deleteChat", "Delete a chat",
                             {chatField(),
                              {.name = "deleteMedia",
                               .type = Type::boolean,
                               .fallback = false,
                               .doc = "Its files too."}},
                             replyWith({{"chat_jid", text()}})),
                 deleteChat});
  return all;
}
