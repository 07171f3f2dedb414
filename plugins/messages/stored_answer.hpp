#pragma once

#include "message_store.hpp"

// A message that is kept, as answers show it.
boost::json::object storedAnswer(const StoredMessage&);
// Its schema.
pombo::Json storedAnswerSchema();
