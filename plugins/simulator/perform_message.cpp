#include "perform_message.hpp"

#include "synthetic.hpp"

namespace {

using boost::json::object;
using boost::json::value;
using Happening = Performance::Happening;

// So that a client can see what becomes of a number that nobody has.
bool isUnregistered(const std::string& number) { return number.ends_with("0404"); }

std::string typeOf(const std::string& jid) {
  if (jid.ends_with("@g.us")) return "group";
  if (jid.ends_with("@newsletter")) return "newsletter";
  return jid == "status@broadcast" ? "status" : "private";
}

object chatOf(const std::string& jid) {
  const std::string type = typeOf(jid);
  return {{"jid", jid}, {"lid", nullptr}, {"name", type == "group" ? "Group" : ""}, {"type", type}};
}

value exchangeOf(const Performer& self, const value& arguments, object message) {
  const std::string chat(arguments.at("chat").as_string());
  for (const char* key :
       {"media", "context", "edit", "location", "contact", "reaction", "interactive"})
    message.emplace(key, nullptr);
  message["source"] = arguments.at("source");
  message["isEdit"] = false;
  object recipient;
  if (typeOf(chat) == "private") recipient = {{"jid", chat}, {"lid", nullptr}};
  return {{"id", syntheticMessageId()},
          {"direction", "outgoing"},
          {"timestamp", timeText(self.now)},
          {"chat", chatOf(chat)},
          {"sender", {{"jid", self.jid}, {"lid", self.lid}, {"name", self.name}}},
          {"recipient", std::move(recipient)},
          {"message", std::move(message)}};
}

Performance sendText(const Performer& self, const value& arguments) {
  value data =
      exchangeOf(self, arguments, {{"type", "text"}, {"content", arguments.at("message")}});
  const std::string chat(arguments.at("chat").as_string());
  return {data, {{"message.exchange", chat, data}}, {}};
}

Performance findNumber(const Performer&, const value& arguments) {
  for (const auto& number : arguments.at("numbers").as_array())
    if (!isUnregistered(std::string(number.as_string())))
      return {object{{"jid", std::string(number.as_string()) + "@s.whatsapp.net"}}};
  return {.refusal = "Number is not registered on WhatsApp"};
}

}  // namespace

std::map<std::string_view, Operation> messageOperations() {
  return {{"message.text", sendText}, {"number.find", findNumber}};
}
