#include <algorithm>
#include <memory>
#include <optional>

#include "dispatch.hpp"
#include "media_routes.hpp"
#include "message_kind_fields.hpp"
#include "sent_answer.hpp"
#include "stored_answer.hpp"

using namespace pombo;
using boost::json::object;

namespace {

constexpr auto kBug = "Failed to send message: unexpected error";
constexpr std::int64_t kLongestDelay = 60;
// The numbers, a download, the delay and the message itself.
constexpr std::chrono::seconds kBudget{240};
// Of that, what has to be left for the connector's 60 seconds, which are three quarters of it at
// most: whoever reads an error sends the message again.
constexpr std::chrono::seconds kLastPart{80};
constexpr std::chrono::seconds kTryAgain{10};
constexpr std::size_t kMostMentions = 1024;

[[noreturn]] void refuse(const std::string& sentence) { throw Error(Code::invalid, sentence); }

// One message on its way: whom it is for, and what the connector is told.
struct Letter {
  const MessageKind& kind;
  Instance instance;
  ChatAddress to;
  object told;
  std::vector<ChatAddress> mentioned = {};
  std::optional<ChatAddress> participant = {};  // who has written what is reacted to
  SentMedia media = {};
};

ChatAddress personIn(const std::string& number) {
  auto address = Desk::addressOf(number);
  if (address.type != ChatType::person) refuse("Invalid number: " + number);
  return address;
}

void readMentions(const Fields& fields, Letter& letter) {
  const auto all = fields.get<std::vector<std::string>>("mention", std::vector<std::string>());
  const bool mentions = fields.get<bool>("mentionAll", false) || !all.empty();
  if (mentions && letter.to.type != ChatType::group)
    refuse("Mentions are only available in groups");
  if (all.size() > kMostMentions)
    refuse("The 'mention' field can have at most " + std::to_string(kMostMentions) + " numbers");
  if (!letter.kind.canMention) return;
  for (const auto& each : all) letter.mentioned.push_back(personIn(each));
}

void readParticipant(Letter& letter) {
  if (letter.kind.name != "reaction") return;
  const auto* participant = letter.told.at("participant").if_string();
  if (participant) letter.participant = personIn(std::string(*participant));
  if (letter.to.type == ChatType::group && !letter.told.at("fromMe").as_bool() && !participant)
    refuse("participant is required for group messages");
}

void addMentions(const Desk& desk, const Fields& fields, Letter& letter) {
  if (!letter.kind.canMention) return;
  boost::json::array jids;
  for (const auto& jid : desk.jidsOf(letter.instance, letter.mentioned)) {
    if (!jid) refuse(kNotRegistered);
    jids.emplace_back(*jid);
  }
  if (!jids.empty()) letter.told["mentions"] = std::move(jids);
  if (fields.require<bool>("mentionAll")) letter.told["mentionAll"] = true;
}

// What is answered, and where: a group's message may be answered in private.
void addReply(const Desk& desk, const Fields& fields, Letter& letter) {
  const auto id = letter.kind.canWait ? fields.find<std::string>("replyTo") : std::nullopt;
  if (!id) return;
  const auto quoted = desk.store().find(letter.instance.id, *id, letter.to.jid);
  if (!quoted) refuse("Quoted message not found");
  letter.told["reply"] = {{"messageId", quoted->id}, {"senderJid", quoted->sender},
                          {"text", quoted->content}, {"fromMe", quoted->isOutgoing},
                          {"chat", quoted->chat},    {"message", storedContent(*quoted)}};
  const bool inPrivate = fields.require<bool>("replyPrivate") && letter.kind.name != "contact";
  if (inPrivate && chatTypeOf(quoted->chat) == ChatType::group)
    letter.to = Desk::addressOf(quoted->sender);
}

// A reaction's answer names its target as others name what they answer.
void addTarget(const Desk& desk, Letter& letter) {
  const std::string id(letter.told.at("messageId").as_string());
  const bool fromMe = letter.told.at("fromMe").as_bool();
  std::string author = fromMe ? letter.instance.numberJid : letter.to.jid;
  if (letter.participant) {
    const std::string jid = desk.jidOf(letter.instance, *letter.participant);
    letter.told["participant"] = jid;
    if (!fromMe) author = jid;
  }
  auto target = desk.store().find(letter.instance.id, id, letter.to.jid);
  if (target && target->chat != letter.to.jid) target.reset();
  if (target) author = target->sender;
  letter.told["reply"] = {{"messageId", id},
                          {"senderJid", author},
                          {"text", target ? target->content : ""},
                          {"fromMe", fromMe}};
}

std::int64_t delayIn(const MessageKind& kind, const Fields& fields) {
  const auto seconds = kind.canWait ? fields.get<std::int64_t>("delay", 0) : 0;
  if (seconds < 0) refuse("The 'delay' field must be between 0 and 60");
  return std::min(seconds, kLongestDelay);
}

// All that can be wrong without asking anybody, then all that has to be asked.
Letter letterOf(const Desk& desk, const MessageKind& kind, const HttpRequest& request) {
  const Fields fields(request.fields);
  Letter letter{kind, *request.instance, {"status@broadcast", {}, ChatType::status}, {}};
  if (kind.isDirected) letter.to = Desk::addressOf(fields.require<std::string>("number"));
  letter.told = kind.told(fields).as_object();
  letter.told["source"] = fields.document().at("source");
  readMentions(fields, letter);
  readParticipant(letter);
  letter.media = takeGivenMedia(desk, letter.told, letter.kind.urlField);
  Desk::requireConnected(letter.instance);
  // Ids are unique within a chat alone: it is known before what is answered is looked for in it.
  letter.to.jid = desk.jidOf(letter.instance, letter.to);
  addReply(desk, fields, letter);
  letter.told["chat"] = letter.to.jid;
  addMentions(desk, fields, letter);
  if (kind.name == "reaction") addTarget(desk, letter);
  // Before the delay: those who wait hold up nobody by what they download.
  fetchMedia(desk, letter.told, letter.media, letter.kind.urlField);
  return letter;
}

std::string contentOf(const Letter& letter, const Json& exchange) {
  if (letter.kind.content) return letter.kind.content(letter.told);
  boost::json::error_code none;
  const Json* content = exchange.find_pointer("/message/content", none);
  return content && content->is_string() ? std::string(content->get_string()) : "";
}

HttpReply sent(const Desk& desk, Letter& letter, TimePoint latest) {
  if (desk.host().clock().now() > latest)
    throw Error(Code::timedOut, "Timed out waiting for WhatsApp");
  const Json exchange = dispatched(desk, letter.instance, "message." + letter.kind.name,
                                   letter.told, letter.media.files);
  object data = sentAnswer(exchange, letter.told, contentOf(letter, exchange));
  if (letter.kind.shown)
    for (const auto& [key, value] : letter.kind.shown(letter.told)) data[key] = value;
  return {.body = {{"success", true},
                   {"message",
                    letter.kind.said ? letter.kind.said(letter.told) : "Message sent successfully"},
                   {"status", "sent"},
                   {"data", std::move(data)}}};
}

// Somebody seems to be typing, or speaking. It is no loss when a connector cannot show it.
void showTyping(const Desk& desk, const Letter& letter, std::int64_t seconds) {
  const auto* voice = letter.told.if_contains("isVoice");
  try {
    desk.ask(letter.instance, "chat.presence",
             {{"chat", letter.to.jid},
              {"state", voice && voice->as_bool() ? "recording" : "typing"},
              {"duration", seconds}},
             kSendFailure);
  } catch (const Error& error) {
    desk.host().log().write(Level::debug, "Typing was not shown", {{"reason", error.what()}});
  }
}

// Much may have happened to the instance meanwhile, and nobody may be waiting any more.
HttpReply sentWhenDue(const Desk& desk, Letter& letter, TimePoint latest) {
  const auto instance = desk.host().instances().find(letter.instance.id);
  if (!instance) throw Error(Code::notFound, "Instance not found");
  letter.instance = *instance;
  Desk::requireConnected(letter.instance);
  return sent(desk, letter, latest);
}

HttpReply send(const Desk& desk, const MessageKind& kind, const HttpRequest& request) {
  const TimePoint latest = desk.host().clock().now() + kBudget - kLastPart;
  const auto delay = delayIn(kind, Fields(request.fields));
  const auto letter = std::make_shared<Letter>(letterOf(desk, kind, request));
  if (delay == 0) return sent(desk, *letter, latest);
  showTyping(desk, *letter, delay);
  const bool waits = desk.delays().after(
      std::chrono::seconds(delay),
      {letter->instance.account.value,
       std::max<std::uint64_t>(request.body.size(), letter->media.memory.bytes()),
       [&desk, letter, latest, id = request.id] {
         answerLater(desk, id, kBug, [&] { return sentWhenDue(desk, *letter, latest); });
       }});
  if (!waits) throw Error(Code::unavailable, "Too many delayed messages are waiting", kTryAgain);
  return {.later = true};
}

}  // namespace

std::vector<DeskRoute> messageRoutes(std::uint64_t bodyLimit) {
  std::vector<MessageKind> kinds;
  for (const auto& some : {plainKinds(), interactiveKinds(), calendarKinds(), mediaKinds()})
    kinds.insert(kinds.end(), some.begin(), some.end());
  std::vector<DeskRoute> all;
  for (const auto& each : kinds) {
    const auto kind = std::make_shared<const MessageKind>(each);
    DeskRoute made{{.method = Method::post,
                    .path = "/api/message/" + each.name + "/:instance",
                    .summary = each.summary,
                    .body = bodyOf(each),
                    .reply = sentSchema(),
                    .failure = kBug,
                    .slow = true,
                    .budget = kBudget,
                    .dialect = kDialect},
                   [kind](const Desk& desk, const HttpRequest& request) {
                     return send(desk, *kind, request);
                   }};
    if (each.hasMedia) made.route.bodyLimit = bodyLimit;
    all.push_back(std::move(made));
  }
  return all;
}
