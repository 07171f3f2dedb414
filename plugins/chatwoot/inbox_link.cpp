#include "inbox_link.hpp"

#include <algorithm>

#include "integration_identity.hpp"

InboxLink linkInbox(const ChatwootClient& client, const InboxWish& wish,
                    const std::function<bool(const std::string& secret)>& taken) {
  const auto inboxes = client.inboxes();
  const auto linked = std::find_if(inboxes.begin(), inboxes.end(),
                                   [&](const ApiInbox& each) { return each.id == wish.id; });
  if (linked != inboxes.end()) {
    const std::string url = wish.callbacks + wish.secret;
    return {linked->webhookUrl == url ? *linked : client.redirect(linked->id, url), wish.secret,
            false};
  }
  const std::string secret = newCallbackSecret();
  const auto left = std::find_if(inboxes.begin(), inboxes.end(), [&](const ApiInbox& each) {
    return each.name == wish.name && each.webhookUrl.starts_with(wish.callbacks) &&
           !taken(each.webhookUrl.substr(wish.callbacks.size()));
  });
  if (left != inboxes.end()) return {client.redirect(left->id, wish.callbacks + secret), secret};
  return {client.create(wish.name, wish.callbacks + secret), secret};
}
