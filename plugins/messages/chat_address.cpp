#include "chat_address.hpp"

#include <algorithm>
#include <string_view>

namespace {

constexpr std::string_view kUser = "s.whatsapp.net";
constexpr std::size_t kShortest = 8, kLongest = 15;
constexpr std::size_t kLongestId = 64;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool areDigits(std::string_view text) { return std::all_of(text.begin(), text.end(), isDigit); }

bool isNumber(std::string_view digits) {
  return areDigits(digits) && digits.size() >= kShortest && digits.size() <= kLongest;
}

// Without what people put between digits.
std::string stripped(const std::string& number) {
  std::string rest;
  for (const char c : number)
    if (std::string_view("+-() ").find(c) == std::string_view::npos) rest.push_back(c);
  return rest;
}

// Country, area and subscriber: "55" "11" "9" "88880000". Only mobiles have got the ninth digit,
// and theirs begin with 6 to 9.
std::vector<std::string> formsOf(const std::string& digits) {
  const bool brazilian = digits.starts_with("55");
  if (brazilian && digits.size() == 13 && digits[4] == '9' && digits[5] >= '6')
    return {digits, digits.substr(0, 4) + digits.substr(5)};
  if (brazilian && digits.size() == 12 && digits[4] >= '6')
    return {digits, digits.substr(0, 4) + "9" + digits.substr(4)};
  return {digits};
}

std::optional<ChatAddress> user(std::string_view id, std::string_view server) {
  const auto device = id.find(':');
  if (device != id.npos && !areDigits(id.substr(device + 1))) return std::nullopt;
  const std::string_view digits = id.substr(0, device);
  const bool good = server == kUser ? isNumber(digits)
                                    : !digits.empty() && digits.size() <= 20 && areDigits(digits);
  if (!good) return std::nullopt;
  return ChatAddress{.jid = std::string(digits) + "@" + std::string(server)};
}

// "120363000000000000", and of old groups "5511999990000-1400000000".
bool isGroupId(std::string_view id) {
  return !id.empty() && id.size() <= kLongestId && isDigit(id.front()) && isDigit(id.back()) &&
         std::all_of(id.begin(), id.end(), [](char c) { return isDigit(c) || c == '-'; });
}

}  // namespace

std::optional<ChatAddress> chatAddressIn(const std::string& number) {
  const auto at = number.find('@');
  if (at == number.npos) {
    const std::string digits = stripped(number);
    if (!isNumber(digits)) return std::nullopt;
    return ChatAddress{.numbers = formsOf(digits)};
  }
  if (number == "status@broadcast") return ChatAddress{.jid = number, .type = ChatType::status};
  const auto id = std::string_view(number).substr(0, at);
  const auto server = std::string_view(number).substr(at + 1);
  if (server == kUser || server == "lid") return user(id, server);
  if (server == "g.us" && isGroupId(id)) return ChatAddress{.jid = number, .type = ChatType::group};
  if (server == "newsletter" && isGroupId(id))
    return ChatAddress{.jid = number, .type = ChatType::newsletter};
  return std::nullopt;
}

const char* wordFor(ChatType type) {
  switch (type) {
    case ChatType::person:
      return "private";
    case ChatType::group:
      return "group";
    case ChatType::newsletter:
      return "newsletter";
    case ChatType::status:
      return "status";
  }
  return "";
}

ChatType chatTypeOf(const std::string& jid) {
  if (jid.ends_with("@g.us")) return ChatType::group;
  if (jid.ends_with("@newsletter")) return ChatType::newsletter;
  return jid == "status@broadcast" ? ChatType::status : ChatType::person;
}
