// Chatwoot's application API, as far as linking an inbox takes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "chatwoot_failure.hpp"

struct ChatwootCall {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;
  std::string body;
};

struct ChatwootAnswer {
  int status = 0;
  std::string body;
};

// Throws ChatwootFailure without a status when there was no answer.
using ChatwootSend = std::function<ChatwootAnswer(const ChatwootCall&)>;

// One of the kind that talks to other programs.
struct ApiInbox {
  std::int64_t id = 0;
  std::string name;
  std::string webhookUrl;  // where Chatwoot posts what agents write
};

// Every call is one request, and throws ChatwootFailure when it is not answered as it should be.
class ChatwootClient {
 public:
  ChatwootClient(ChatwootAccount account, ChatwootSend send)
      : account_(std::move(account)), send_(std::move(send)) {}

  // All that the token may see: Chatwoot does not page them.
  std::vector<ApiInbox> inboxes() const;
  ApiInbox inbox(std::int64_t id) const;
  // The last segment of a callback's URL is a secret.
  ApiInbox create(const std::string& name, const std::string& webhookUrl) const;
  ApiInbox redirect(std::int64_t id, const std::string& webhookUrl) const;

 private:
  std::string call(const std::string& method, const std::string& path, const std::string& body = {},
                   const std::string& webhookUrl = {}) const;

  const ChatwootAccount account_;
  const ChatwootSend send_;
};
