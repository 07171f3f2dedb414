#include <algorithm>

#include "phone.hpp"
#include "simulated_exchange.hpp"

using namespace boost::json;

namespace {

constexpr std::size_t kMostPinned = 3;

Performance pin(const Performer&, Phone& phone, const value& arguments) {
  array& pinned = arrayIn(phone, "pinned");
  const value& chat = arguments.at("chat");
  const auto found = std::find(pinned.begin(), pinned.end(), chat);
  const bool on = arguments.at("pin").as_bool();
  if (!on && found != pinned.end()) pinned.erase(found);
  if (!on || found != pinned.end()) return {};
  if (pinned.size() == kMostPinned)
    throw PhoneRefusal{PhoneRefusal::Why::invalid, "Maximum of 3 pinned chats reached"};
  pinned.push_back(chat);
  return {};
}

Performance deleteChat(const Performer&, Phone& phone, const value& arguments) {
  array& pinned = arrayIn(phone, "pinned");
  const auto found = std::find(pinned.begin(), pinned.end(), arguments.at("chat"));
  if (found != pinned.end()) pinned.erase(found);
  return {};
}

Performance markRead(const Performer& self, Phone&, const value& arguments) {
  return {nullptr,
          {receiptBy(self, textIn(arguments, "chat"), arguments.at("messageId"),
                     textIn(arguments, "sender"), "read_self")},
          {}};
}

// What nobody can see: the other side of it is simulated as well.
Performance agree(const Performer&, Phone&, const value&) { return {}; }

}  // namespace

PhoneOperations chatOperations() {
  return {
      {"chat.archive", agree},         {"chat.pin", pin},           {"chat.mute", agree},
      {"chat.block", agree},           {"chat.presence", agree},    {"chat.markChatRead", agree},
      {"chat.deleteChat", deleteChat}, {"chat.markRead", markRead}, {"chat.favorite", agree},
      {"call.reject", agree}};
}
