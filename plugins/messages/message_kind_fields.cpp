#include "message_kind_fields.hpp"

using namespace pombo;

std::vector<Field> bodyOf(const MessageKind& kind) {
  std::vector<Field> all;
  if (kind.isDirected)
    all.push_back({.name = "number",
                   .doc = "Whom it is for: digits with the country's in front, or a JID.",
                   .need = Need::always,
                   .alias = "to"});
  all.insert(all.end(), kind.fields.begin(), kind.fields.end());
  if (kind.canWait) {
    all.push_back({.name = "delay",
                   .type = Type::integer,
                   .doc = "Seconds to be seen typing before it is sent; 60 at most."});
    all.push_back({.name = "replyTo", .doc = "The id of a message that this one answers."});
    all.push_back({.name = "replyPrivate",
                   .type = Type::boolean,
                   .fallback = false,
                   .doc = "Answers a group's message in the private chat with its author."});
  }
  if (kind.canMention) {
    all.push_back({.name = "mention",
                   .type = Type::strings,
                   .fallback = boost::json::array(),
                   .doc = "Members of the group: numbers or JIDs.",
                   .distinct = true});
    all.push_back({.name = "mentionAll",
                   .type = Type::boolean,
                   .fallback = false,
                   .doc = "Mentions every member, and shows none of them."});
  }
  all.push_back({.name = "source",
                 .fallback = "api",
                 .doc = "A label of yours, which events repeat.",
                 .maxLength = 64,
                 .text = Text::printable});
  return all;
}
