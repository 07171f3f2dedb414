#pragma once

#include "message_store.hpp"

// A message that is kept, as answers show it.
boost::json::object storedAnswer(const StoredMessage&);
// As events have its `message`, as far as that is kept.
boost::json::object storedContent(const StoredMessage&);
// The answer's schema.
pombo::Json storedAnswerSchema();
