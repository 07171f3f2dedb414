#include "simulated_exchange.hpp"

#include "media_key.hpp"
#include "phone.hpp"
#include "synthetic.hpp"

using boost::json::array;
using boost::json::object;
using boost::json::value;

namespace {

constexpr auto kExchange = "message.exchange";
constexpr auto kStatus = "message.status";

std::string typeOf(const std::string& jid) {
  if (jid.ends_with("@g.us")) return "group";
  if (jid.ends_with("@newsletter")) return "newsletter";
  return jid == "status@broadcast" ? "status" : "private";
}

object personOf(const std::string& jid) { return {{"jid", jid}, {"lid", nullptr}, {"name", ""}}; }

// What it quotes and whom it mentions.
void addContext(const value& arguments, object& data) {
  const auto& all = arguments.as_object();
  if (const auto* reply = all.if_contains("reply"))
    data["reply"] = {{"message_id", reply->at("messageId")},
                     {"text", reply->at("text")},
                     {"sender", reply->at("senderJid")}};
  if (const auto* mentions = all.if_contains("mentions"))
    data["mentions"] = {{"mentionedUsers", *mentions}};
}

// Whoever asks for a message may have given it one.
value idIn(const value& arguments) {
  const auto* id = arguments.as_object().if_contains("id");
  return id ? *id : value(syntheticMessageId());
}

value receiptOf(const value& exchange, const char* status) {
  const value& chat = exchange.at("chat");
  const bool group = chat.at("type") == "group";
  object receipt{{"timestamp", exchange.at("timestamp")},
                 {"status", status},
                 {"messageIds", array{exchange.at("id")}},
                 {"chat", {{"jid", chat.at("jid")}, {"lid", nullptr}, {"type", chat.at("type")}}},
                 {"recipient", personOf(group ? "5511900000001@s.whatsapp.net"
                                              : std::string(chat.at("jid").as_string()))}};
  if (group) receipt["messageSender"] = exchange.at("sender").at("jid");
  return receipt;
}

}  // namespace

value exchangeOf(const Performer& self, const value& arguments, object message) {
  const std::string chat = textIn(arguments, "chat"), type = typeOf(chat);
  for (const char* key :
       {"media", "context", "edit", "location", "contact", "reaction", "interactive"})
    message.emplace(key, nullptr);
  message["source"] = textIn(arguments, "source");
  message["isEdit"] = message.at("type") == "message_edit";
  object data{{"id", idIn(arguments)},
              {"direction", "outgoing"},
              {"timestamp", timeText(self.now)},
              {"chat",
               {{"jid", chat},
                {"lid", nullptr},
                {"name", type == "group" ? "Simulated group" : ""},
                {"type", type}}},
              {"sender", {{"jid", self.jid}, {"lid", self.lid}, {"name", self.name}}},
              {"recipient", object()},
              {"message", std::move(message)}};
  if (type == "private") data["recipient"] = {{"jid", chat}, {"lid", nullptr}};
  // A reaction quotes nothing: it has its target in itself.
  if (data["message"].at("type") != "reaction") addContext(arguments, data);
  return data;
}

Performance::Happening changeOf(value exchange) {
  std::string chat(exchange.at("chat").at("jid").as_string());
  return {kExchange, std::move(chat), std::move(exchange)};
}

Performance::Happening receiptBy(const Performer& self, const std::string& chat,
                                 const value& messageId, const std::string& author,
                                 const char* status) {
  object receipt{{"timestamp", timeText(self.now)},
                 {"status", status},
                 {"messageIds", array{messageId}},
                 {"chat", {{"jid", chat}, {"lid", nullptr}, {"type", typeOf(chat)}}},
                 {"recipient", {{"jid", self.jid}, {"lid", self.lid}, {"name", self.name}}}};
  if (typeOf(chat) == "group") receipt["messageSender"] = author;
  return {kStatus, chat, std::move(receipt)};
}

Performance sentMessage(const Performer& self, const value& arguments, object message) {
  value exchange = exchangeOf(self, arguments, std::move(message));
  const std::string chat = textIn(arguments, "chat"), type = typeOf(chat);
  std::string mediaKey = takeMedia(exchange);
  Performance done{.answer = exchange};
  done.happenings.push_back({kExchange, chat, exchange, std::move(mediaKey)});
  if (type == "private" || type == "group")
    for (const char* status : {"delivered", "read"})
      done.happenings.push_back({kStatus, chat, receiptOf(exchange, status)});
  return done;
}
