// Why Chatwoot did not do what it was asked to, and how that is told.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

class ChatwootFailure : public std::runtime_error {
 public:
  // `text` is Chatwoot's own, or why it did not answer.
  ChatwootFailure(int answered, const std::string& text)
      : std::runtime_error(text), status(answered) {}

  const int status;  // 0: there was no answer
  // Whether Chatwoot has spoken of the token, the account or the inbox, so that asking again would
  // not help.
  bool isVerdict() const { return status == 401 || status == 403 || status == 404; }
};

// Who was asked.
struct ChatwootAccount {
  std::string baseUrl;  // no trailing "/"
  std::int64_t id = 0;
  std::string token;
  bool operator==(const ChatwootAccount&) const = default;
};

// What Chatwoot says in an answer that is an error: its own message, on one line, at most 300
// characters, without `secrets`; the usual words for the status when it has none.
std::string textOfAnswer(int status, const std::string& body,
                         const std::vector<std::string>& secrets);

// As an instance shows it.
std::string shownFailure(const ChatwootFailure&, const ChatwootAccount&);

// As the route answers it: 400, 401, 403 or 502.
struct RouteFailure {
  int status = 502;
  std::string sentence;
};
RouteFailure answeredFailure(const ChatwootFailure&, const ChatwootAccount&);
