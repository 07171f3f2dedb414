#include <chrono>
#include <set>

#include "comma_list.hpp"
#include "count_store.hpp"
#include "desk_routes.hpp"
#include "reply_shape.hpp"
#include "utc_text.hpp"

using namespace pombo;
using boost::json::object;

namespace {

struct Status {
  const char* word;
  const char* key;  // among what is counted
};
constexpr Status kStatuses[] = {{"pending", "status:0"},   {"sent", "status:1"},
                                {"delivered", "status:2"}, {"read", "status:4"},
                                {"played", "status:5"},    {"failed", "status:-1"}};

// What there is of several instances together.
void add(Tally& all, std::size_t& people, std::size_t& groups, const Tally& one) {
  for (const auto& [what, n] : one.counts) all.counts[what] += n;
  for (const auto& chat : one.chats) {
    people += chatTypeOf(chat) == ChatType::person;
    groups += chatTypeOf(chat) == ChatType::group;
    all.chats.push_back(chat);
  }
  if (!one.first.empty() && (all.first.empty() || one.first < all.first)) all.first = one.first;
  if (one.last > all.last) all.last = one.last;
}

std::int64_t countOf(const Tally& all, const std::string& what) {
  const auto it = all.counts.find(what);
  return it == all.counts.end() ? 0 : it->second;
}

// {"text": 5} of "type:text".
object byKind(const Tally& all, const std::string& prefix) {
  object kinds;
  for (const auto& [what, n] : all.counts)
    if (what.starts_with(prefix) && n != 0) kinds[what.substr(prefix.size())] = n;
  return kinds;
}

std::int64_t sumOf(const object& counts) {
  std::int64_t sum = 0;
  for (const auto& each : counts) sum += each.value().to_number<std::int64_t>();
  return sum;
}

// Today, and the days before it.
std::int64_t inLastDays(const Tally& all, int days, TimePoint now) {
  const std::string before = "day:" + utcText(now - std::chrono::days(days)).substr(0, 10);
  std::int64_t sum = 0;
  for (auto it = all.counts.upper_bound(before);
       it != all.counts.end() && it->first.starts_with("day:"); ++it)
    sum += it->second;
  return sum;
}

object shown(const std::string& asked, const Tally& all, std::size_t people, std::size_t groups,
             TimePoint now) {
  object statuses;
  for (const auto& [word, key] : kStatuses) statuses[word] = countOf(all, key);
  const object media = byKind(all, "media:");
  const auto received = countOf(all, "received"), sent = countOf(all, "sent");
  return {{"instance", asked},
          {"totalMessages", received + sent},
          {"messagesReceived", received},
          {"messagesSent", sent},
          {"messagesByType", byKind(all, "type:")},
          {"groupMessages", countOf(all, "group")},
          {"individualMessages", countOf(all, "individual")},
          {"messagesWithMedia", sumOf(media)},
          {"mediaByType", media},
          {"messagesByStatus", std::move(statuses)},
          {"uniqueChats", all.chats.size()},
          {"uniqueGroups", groups},
          {"uniqueContacts", people},
          {"messagesLast7Days", inLastDays(all, 7, now)},
          {"messagesLast30Days", inLastDays(all, 30, now)},
          {"firstMessageAt", orNull(all.first)},
          {"lastMessageAt", orNull(all.last)}};
}

// Core has looked whose they are.
HttpReply metrics(const Desk& desk, const HttpRequest& request) {
  const std::string& asked = request.params.at("instance");
  const auto names = commaListIn(asked);
  Tally all;
  std::size_t people = 0, groups = 0;
  std::set<std::string> counted;
  for (const auto& name : names) {
    const auto instance = desk.host().instances().findByName(request.instance->account, name);
    if (!instance) throw Error(Code::notFound, "Instance not found");
    if (!counted.insert(instance->id.value).second) continue;
    add(all, people, groups, tallyOf(desk.host().sql(), instance->id));
  }
  return {.body =
              done("Metrics retrieved successfully",
                   {{"metrics", shown(asked, all, people, groups, desk.host().clock().now())}})};
}

Json metricsSchema() {
  const Json counts{{"type", "object"}, {"additionalProperties", count()}};
  object members{{"instance", text()},
                 {"messagesByType", counts},
                 {"mediaByType", counts},
                 {"messagesByStatus", counts},
                 {"firstMessageAt", textOrNull()},
                 {"lastMessageAt", textOrNull()}};
  for (const char* key : {"totalMessages", "messagesReceived", "messagesSent", "groupMessages",
                          "individualMessages", "messagesWithMedia", "uniqueChats", "uniqueGroups",
                          "uniqueContacts", "messagesLast7Days", "messagesLast30Days"})
    members[key] = count();
  return objectOf(std::move(members));
}

}  // namespace

std::vector<DeskRoute> metricsRoutes() {
  Route route = keptRoute(Method::get, "instance/metrics",
                          "How many messages there were, of one instance or of several together",
                          {}, replyWith({{"metrics", metricsSchema()}}));
  route.failure = "Failed to get metrics";
  return {{std::move(route), metrics}};
}
