#include <algorithm>

#include "desk_routes.hpp"
#include "exchange_store.hpp"
#include "reply_shape.hpp"
#include "stored_answer.hpp"
#include "utc_text.hpp"
#include "vote_store.hpp"

using namespace pombo;
using boost::json::array;
using boost::json::object;

namespace {

constexpr auto kFirst = "0001-01-01T00:00:00Z", kLast = "9999-12-31T23:59:59Z";

std::string timeAt(const Fields& fields, const char* key, const char* otherwise) {
  const auto given = fields.find<std::string>(key);
  if (!given) return otherwise;
  if (const auto time = timeIn(*given)) return utcText(*time);
  throw Error(Code::invalid,
              std::string("invalid '") + key +
                  "' date format. Use ISO 8601 format (e.g., '2026-02-16T18:32:39Z')");
}

HttpReply history(const Desk& desk, const HttpRequest& request) {
  const Fields fields(request.fields);
  const auto jids = Desk::jidsIn(Desk::addressOf(fields.require<std::string>("number")));
  const auto most = fields.require<std::int64_t>("count");
  // One more tells whether there are more.
  const MessageStore::Stretch stretch{timeAt(fields, "from", kFirst), timeAt(fields, "to", kLast),
                                      most + 1};
  std::string chat = jids.front();
  std::vector<StoredMessage> found;
  for (auto it = jids.begin(); it != jids.end() && found.empty(); ++it) {
    found = desk.store().history(request.instance->id, *it, stretch);
    if (!found.empty()) chat = *it;
  }
  const bool more = found.size() > static_cast<std::size_t>(most);
  if (more) found.pop_back();
  array messages;
  for (const auto& each : found) messages.push_back(storedAnswer(each));
  const auto count = messages.size();
  return {.body = done("History retrieved successfully", {{"chat_jid", chat},
                                                          {"messages", std::move(messages)},
                                                          {"count", count},
                                                          {"hasMore", more}})};
}

object voterOf(const Vote& vote) {
  return {
      {"jid", vote.jid}, {"lid", orNull(vote.lid)}, {"name", vote.name}, {"timestamp", vote.at}};
}

object optionOf(const std::string& name, const std::vector<Vote>& votes) {
  array voters;
  for (const auto& vote : votes)
    if (std::find(vote.options.begin(), vote.options.end(), name) != vote.options.end())
      voters.push_back(voterOf(vote));
  const auto count = voters.size();
  return {{"name", name}, {"votes", count}, {"voters", std::move(voters)}};
}

// A connector may have told of less.
bool isWhole(const Json& poll) {
  const auto* members = poll.if_object();
  if (!members || !members->contains("title") || !members->contains("maxAnswer")) return false;
  const auto* options = members->if_contains("options");
  return options && options->is_array() &&
         std::all_of(options->get_array().begin(), options->get_array().end(),
                     [](const Json& each) { return !textAt(each, "/name").empty(); });
}

HttpReply poll(const Desk& desk, const HttpRequest& request) {
  const InstanceId& id = request.instance->id;
  const auto wanted = messageIdIn(request);
  const auto message = desk.store().find(id, wanted);
  if (!message || message->type != "poll") throw Error(Code::notFound, "Poll not found");
  boost::json::error_code none;
  const Json* const found = message->extra.find_pointer("/poll", none);
  if (!found || !isWhole(*found)) throw Error(Code::notFound, "Poll not found");
  const Json& kept = *found;
  const auto votes = votesOf(desk.host().sql(), id, message->id, message->chat);
  array options;
  std::int64_t total = 0;
  for (const auto& each : kept.at("options").as_array()) {
    options.push_back(optionOf(std::string(each.at("name").as_string()), votes));
    total += options.back().at("votes").to_number<std::int64_t>();
  }
  return {.body = done("Poll votes retrieved successfully", {{"message_id", message->id},
                                                             {"question", kept.at("title")},
                                                             {"max_answer", kept.at("maxAnswer")},
                                                             {"options", std::move(options)},
                                                             {"total_votes", total}})};
}

Json optionSchema() {
  const Json voter =
      objectOf({{"jid", text()}, {"lid", textOrNull()}, {"name", text()}, {"timestamp", text()}});
  return objectOf({{"name", text()}, {"votes", count()}, {"voters", listOf(voter)}});
}

}  // namespace

std::vector<DeskRoute> historyRoutes() {
  return {{keptRoute(Method::post, "chat/history", "The messages of a chat, the newest first",
                     {chatField(),
                      {.name = "count",
                       .type = Type::integer,
                       .fallback = 50,
                       .doc = "How many at most.",
                       .min = 1,
                       .max = 500},
                      {.name = "from", .doc = "Of this time, as 2026-02-16T18:32:39Z, or later."},
                      {.name = "to", .doc = "Of this time or earlier."}},
                     replyWith({{"chat_jid", text()},
                                {"messages", listOf(storedAnswerSchema())},
                                {"count", count()},
                                {"hasMore", flag()}})),
           history},
          {keptRoute(Method::get, "chat/poll", "Who has chosen what of a poll", {messageIdField()},
                     replyWith({{"message_id", text()},
                                {"question", text()},
                                {"max_answer", count()},
                                {"options", listOf(optionSchema())},
                                {"total_votes", count()}})),
           poll}};
}
