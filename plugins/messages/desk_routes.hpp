// What the routes of this block share: how they refuse, whom a number means, and how they ask the
// instance's connector.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "chat_address.hpp"
#include "pombo/host.hpp"

// The words of these routes where they are not the server's: "Number is required",
// "messageId is required", "Invalid request body: <detail>".
pombo::Json wordsOfRefusal(const pombo::Refusal&);
inline constexpr auto kDialect = "messages";

// Thread-safe.
class Desk {
 public:
  explicit Desk(pombo::IHost& host) : host_(host) {}

  pombo::IHost& host() const { return host_; }

  // Asks the connector of a connected instance; throws Error{unavailable} "Instance is not
  // connected to WhatsApp" of another. `failure` is what a 500 says before its colon.
  pombo::Json ask(const pombo::Instance&, const std::string& operation,
                  const pombo::Json& arguments, const std::string& failure) const;

  // Throws Error{invalid} "Invalid number: <value>" for what cannot be one.
  static ChatAddress addressOf(const std::string& number);
  // The JID under which it is registered; asks the connector when there are digits alone. Throws
  // Error{invalid} "Number is not registered on WhatsApp".
  std::string jidOf(const pombo::Instance&, const ChatAddress&) const;

  static void requireConnected(const pombo::Instance&);

 private:
  pombo::IHost& host_;
};

// One route and what serves it. A file of routes offers a list of them.
struct DeskRoute {
  pombo::Route route;
  std::function<pombo::HttpReply(const Desk&, const pombo::HttpRequest&)> serve;
};

std::vector<DeskRoute> messageRoutes();
