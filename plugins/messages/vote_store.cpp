#include "vote_store.hpp"

#include "exchange_store.hpp"
#include "row_store.hpp"

using namespace pombo;

Statement voting(const Event& event) {
  boost::json::array names;
  boost::json::error_code none;
  if (const Json* options = event.data.find_pointer("/message/poll/options", none))
    if (const auto* list = options->if_array())
      for (const auto& each : *list) names.emplace_back(textAt(each, "/name"));
  return {
      "INSERT INTO messages_votes (instance_id, poll, chat, voter, lid, name, options, at) "
      "VALUES (:i, :p, :c, :v, :l, :n, :o, :t) "
      "ON CONFLICT (instance_id, poll, chat, voter) DO UPDATE SET lid = excluded.lid, "
      "name = excluded.name, options = excluded.options, at = excluded.at "
      "WHERE excluded.at >= messages_votes.at",
      {event.instance.value, textAt(event.data, "/message/poll/message_id"),
       textAt(event.data, "/chat/jid"), textAt(event.data, "/message/poll/voter/jid"),
       textAt(event.data, "/message/poll/voter/lid"),
       textAt(event.data, "/message/poll/voter/name"), serialize(names),
       textAt(event.data, "/timestamp")}};
}

std::vector<Vote> votesOf(ISql& sql, const InstanceId& instance, const std::string& poll,
                          const std::string& chat) {
  std::vector<Vote> all;
  for (const auto& row :
       sql.query({"SELECT voter, lid, name, options, at FROM messages_votes "
                  "WHERE instance_id = :i AND poll = :p AND chat = :c ORDER BY at, voter",
                  {instance.value, poll, chat}})) {
    Vote vote{.jid = textIn(row, "voter"),
              .lid = textIn(row, "lid"),
              .name = textIn(row, "name"),
              .at = textIn(row, "at")};
    const Json options = boost::json::parse(textIn(row, "options"));
    for (const auto& each : options.as_array()) vote.options.emplace_back(each.as_string());
    if (!vote.options.empty()) all.push_back(std::move(vote));
  }
  return all;
}
