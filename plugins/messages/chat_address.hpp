#pragma once

#include <optional>
#include <string>
#include <vector>

// Whom a `number` means: a user, a group, a channel, or everybody's stories.
enum class ChatType { person, group, newsletter, status };

struct ChatAddress {
  std::string jid = {};  // empty while it is known by numbers alone
  // Digits that may be registered, the likeliest first. Brazilian mobiles have two forms.
  std::vector<std::string> numbers = {};
  ChatType type = ChatType::person;
};

// Reads "+55 (11) 98888-0000", "5511988880000@s.whatsapp.net", "123@lid", "1203@g.us",
// "120@newsletter" and "status@broadcast". A device, as in "123:4@lid", is left out. Nothing: it is
// none of these.
std::optional<ChatAddress> chatAddressIn(const std::string& number);

// "private", "group", "newsletter" or "status", as events and answers say it.
const char* wordFor(ChatType);
ChatType chatTypeOf(const std::string& jid);
