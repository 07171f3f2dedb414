// What the routes of this block share: how they refuse, whom a number means, and how they ask the
// instance's connector.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chat_address.hpp"
#include "contact_store.hpp"
#include "delays.hpp"
#include "file_memory.hpp"
#include "label_store.hpp"
#include "message_store.hpp"
#include "pending_store.hpp"
#include "pombo/host.hpp"

// The words of these routes where they are not the server's: "Number is required",
// "messageId is required", "Invalid request body: <detail>".
pombo::Json wordsOfRefusal(const pombo::Refusal&);
inline constexpr auto kDialect = "messages";
inline constexpr auto kNotRegistered = "Number is not registered on WhatsApp";

// What this block keeps.
struct Stores {
  MessageStore messages;
  PendingStore pending;
  LabelStore labels;
  ContactStore contacts;
};

// Thread-safe.
class Desk {
 public:
  // `mediaLimit`: bytes of one file.
  Desk(pombo::IHost& host, Stores& stores, Delays& delays, std::uint64_t mediaLimit)
      : host_(host), stores_(stores), delays_(delays), mediaLimit_(mediaLimit) {}

  pombo::IHost& host() const { return host_; }
  MessageStore& store() const { return stores_.messages; }
  PendingStore& pending() const { return stores_.pending; }
  LabelStore& labels() const { return stores_.labels; }
  ContactStore& contacts() const { return stores_.contacts; }
  Delays& delays() const { return delays_; }
  std::uint64_t mediaLimit() const { return mediaLimit_; }
  const FileMemory& files() const { return files_; }
  // Throws Error{unavailable} "Server is busy" when there is no room.
  static void hold(FileMemory::Share&, std::uint64_t bytes);
  // Throws Error{invalid} "Media is too large (limit <n> MiB)".
  [[noreturn]] void refuseTooLarge() const;

  // Asks the connector of a connected instance; throws Error{unavailable} "Instance is not
  // connected to WhatsApp" of another. `failure` is what a 500 says before its colon.
  pombo::Json ask(const pombo::Instance&, const std::string& operation,
                  const pombo::Json& arguments, const std::string& failure,
                  const std::vector<pombo::Media>& files = {}) const;

  // Throws Error{invalid} "Invalid number: <value>" for what cannot be one.
  static ChatAddress addressOf(const std::string& number);
  // Where what is kept of it may stand, the likeliest first; asks nobody.
  static std::vector<std::string> jidsIn(const ChatAddress&);
  // The JID under which it is registered; asks the connector when there are digits alone. Throws
  // Error{invalid} "Number is not registered on WhatsApp".
  std::string jidOf(const pombo::Instance&, const ChatAddress&) const;

  // Of many at once; nothing for those that are not registered.
  std::vector<std::optional<std::string>> jidsOf(const pombo::Instance&,
                                                 const std::vector<ChatAddress>&) const;

  static void requireConnected(const pombo::Instance&);

 private:
  pombo::IHost& host_;
  Stores& stores_;
  Delays& delays_;
  const std::uint64_t mediaLimit_;
  const FileMemory files_{std::uint64_t{1} << 30};
};

// The answer to a request whose handler has said `later`: that of `serve`, or its failure.
// `failure` is what is said of a bug.
void answerLater(const Desk&, const std::string& requestId, const std::string& failure,
                 const std::function<pombo::HttpReply()>& serve);

// One route and what serves it. A file of routes offers a list of them.
struct DeskRoute {
  pombo::Route route;
  std::function<pombo::HttpReply(const Desk&, const pombo::HttpRequest&)> serve;
};

// Whose chat a request is about.
pombo::Field chatField(pombo::Need need = pombo::Need::always);
// Its JID, of a connected instance; throws Error{invalid, unavailable} before anybody is asked.
std::string chatOf(const Desk&, const pombo::HttpRequest&);

// The query of a GET about one message, and its value; throws Error{invalid} "messageId query
// parameter is required".
pombo::Field messageIdField();
std::string messageIdIn(const pombo::HttpRequest&);

// One that is answered from what is kept, at "/api/<path>/:instance". `fields` are the query of a
// GET.
pombo::Route keptRoute(pombo::Method, const std::string& path, const char* summary,
                       std::vector<pombo::Field> fields, pombo::Json reply);
// Likewise one that waits for WhatsApp.
pombo::Route askingRoute(pombo::Method, const std::string& path, const char* summary,
                         std::vector<pombo::Field> fields, pombo::Json reply);

// POST /api/message/<kind>/:instance. `bodyLimit`: bytes, of those that may hold a file.
std::vector<DeskRoute> messageRoutes(std::uint64_t bodyLimit);
// What is told of messages that are kept: GET /api/chat/getMessage, base64 and status.
std::vector<DeskRoute> storedRoutes();
std::vector<DeskRoute> historyRoutes();  // a chat's messages, a poll's votes
std::vector<DeskRoute> metricsRoutes();
std::vector<DeskRoute> contactRoutes();
std::vector<DeskRoute> labelRoutes();
std::vector<DeskRoute> chatRoutes();
std::vector<DeskRoute> chatMessageRoutes();  // edit, delete, markRead, favorite
std::vector<DeskRoute> forwardRoutes();
std::vector<DeskRoute> groupRoutes();
std::vector<DeskRoute> groupMemberRoutes();
std::vector<DeskRoute> communityRoutes();
std::vector<DeskRoute> newsletterRoutes();
std::vector<DeskRoute> profileRoutes();
std::vector<DeskRoute> callRoutes();
