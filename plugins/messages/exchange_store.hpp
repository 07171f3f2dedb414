// What the `data` of a "message.exchange" becomes in the tables.
#pragma once

#include <string>
#include <vector>

#include "pombo/event.hpp"
#include "pombo/storage.hpp"

// Those that a message is shown by.
inline constexpr auto kColumns =
    "id, chat, sender, type, outgoing, content, at, status, media_type, mime_type, file_name, "
    "reply, extra, edited, deleted";

// Databases have no NUL in a text.
std::string kept(std::string text);
// As it can be kept; "" unless there is a text.
std::string textAt(const pombo::Json&, const char* pointer);
// What is there, unless it is null: a connector may leave something out.
pombo::Json valueAt(const pombo::Json&, const char* pointer, const pombo::Json& otherwise);

// Of a chat that a setting has a say in nobody knows whether its event will come.
bool mayBeIgnored(const std::string& chat);

// Who has told of a message so far, and with that how much is known of it: its column `counted`.
enum class Told { byAsking = -1, byAnswer = 0, byEvent = 1 };
// By its event it is counted as well, and what was told before stays but for its media.
pombo::Statement insertion(const pombo::InstanceId&, const pombo::Json& exchange, Told,
                           const std::string& mediaKey = "");
// What could be read late, of a message kept as `unavailable`: nobody but its sender tells of it.
pombo::Statement revelation(const pombo::Event&);
// What was kept before it was sent gives way to what it has become, in whatever chat that is.
pombo::Statement pendingRemoval(const pombo::InstanceId&, const std::string& id);
// Ids are chosen by whoever sends: only its author changes a message, in the chat that it is in.
pombo::Statement editOf(const pombo::Event&);
// And takes it back; an admin takes back anybody's.
pombo::Statement revocationOf(const pombo::Event&);

// What one message counts as: "sent", "type:text", ...
std::vector<std::string> countsFor(const pombo::Json& exchange);
// Of that, what its content is.
std::vector<std::string> countsOfContent(const pombo::Json& exchange);
// Of an outgoing message, before anybody has told of it; and when it was sent.
inline constexpr std::int64_t kFailedStatus = -1, kPendingStatus = 0, kSentStatus = 1;
