#pragma once

#include <optional>
#include <string>

// How clients name a group: by its JID, or by what invites to it. One of the two is there.
struct GroupIdentifier {
  std::string jid = {};
  std::string inviteCode = {};
};

// "1203@g.us", "AbCdEf...", "https://chat.whatsapp.com/AbCdEf...". Nothing: it is none of these.
std::optional<GroupIdentifier> groupIdentifierIn(const std::string& text);

std::string inviteLinkOf(const std::string& code);

// The same for a channel: "1203@newsletter", "0029Va...", "https://whatsapp.com/channel/0029Va...".
std::optional<GroupIdentifier> channelIdentifierIn(const std::string& text);
