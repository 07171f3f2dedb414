#include "group_identifier.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "chat_address.hpp"

namespace {

constexpr std::size_t kShortestCode = 8, kLongestCode = 64;

bool isCode(std::string_view text) {
  constexpr std::string_view marks = "-_";
  const auto allowed = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != marks.npos;
  };
  return text.size() >= kShortestCode && text.size() <= kLongestCode &&
         std::all_of(text.begin(), text.end(), allowed);
}

std::string_view withoutStart(std::string_view text,
                              std::initializer_list<std::string_view> starts) {
  for (const auto start : starts)
    if (text.starts_with(start)) {
      text.remove_prefix(start.size());
      break;
    }
  return text;
}

// What links carry behind the code says where they were found.
std::string_view codeIn(std::string_view link, std::initializer_list<std::string_view> hosts) {
  const auto rest = withoutStart(withoutStart(link, {"https://", "http://"}), hosts);
  return rest.substr(0, rest.find_first_of("?#/"));
}

std::optional<GroupIdentifier> identifierIn(const std::string& text, ChatType type,
                                            std::initializer_list<std::string_view> hosts) {
  if (const auto address = chatAddressIn(text); address && address->type == type)
    return GroupIdentifier{.jid = address->jid};
  const std::string code(codeIn(text, hosts));
  if (!isCode(code)) return std::nullopt;
  return GroupIdentifier{.inviteCode = code};
}

}  // namespace

std::optional<GroupIdentifier> groupIdentifierIn(const std::string& text) {
  return identifierIn(text, ChatType::group, {"chat.whatsapp.com/invite/", "chat.whatsapp.com/"});
}

std::string inviteLinkOf(const std::string& code) { return "https://chat.whatsapp.com/" + code; }

std::optional<GroupIdentifier> channelIdentifierIn(const std::string& text) {
  return identifierIn(text, ChatType::newsletter,
                      {"whatsapp.com/channel/", "www.whatsapp.com/channel/"});
}
