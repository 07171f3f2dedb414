// How far a message has come, and how that is counted. Of one that no event has told of yet, being
// sent is counted by the event and being pending when somebody asks; all else as it happens.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pombo/event.hpp"
#include "pombo/storage.hpp"

// "sent", "read", ...
std::string statusWord(std::int64_t status);

// What a receipt, by its word, says of the messages; nothing: that they stay as they are.
std::optional<std::int64_t> statusIn(const std::string& receipt);

// Moves the message of a "message.status" on, never back; it is found by whatever name of its chat
// is known. Whether it is kept.
bool moveStatus(pombo::ISql&, const pombo::Event&, const std::string& id, std::int64_t status);

// What an outgoing message counts as when its event comes. `pending`: how far it was before
// anybody has told of it; `answered`: how far it has come since its sending was answered.
std::vector<std::string> countsOf(const pombo::Json& exchange, std::optional<std::int64_t> pending,
                                  std::optional<std::int64_t> answered);
