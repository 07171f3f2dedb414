// Which of Chatwoot's inboxes is an instance's own.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "chatwoot_client.hpp"

struct InboxWish {
  std::string name;
  std::string callbacks;  // what the URLs of our callbacks start with; a secret follows
  // The link that there is, when it is to an inbox of this name in this account.
  std::optional<std::int64_t> id;
  std::string secret;
};

struct InboxLink {
  ApiInbox inbox;
  std::string secret;  // the last segment of its callback
  bool isNew = true;   // not the link that there was
};

// The inbox that is linked already, wherever its callback points to by now; else one of that name
// whose callback points to this server and whose secret is nobody's (`taken`); else a new one. Two
// calls at most.
InboxLink linkInbox(const ChatwootClient&, const InboxWish&,
                    const std::function<bool(const std::string& secret)>& taken);
