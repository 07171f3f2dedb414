// The other shape of "message.exchange" that clients may be shown: events.messageShape.
#pragma once

#include "pombo/abi.hpp"

namespace pombo {

enum class MessageShape { live, catalogue };

// The data of a "message.exchange" as the catalogue has them: all of it within `message`, and
// nothing that is null. What is no such message stays as it is.
Json catalogueShapeOf(Json data);

}  // namespace pombo
