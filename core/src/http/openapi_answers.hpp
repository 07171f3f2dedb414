// What a route may answer, as OpenAPI describes it.
#pragma once

#include "block/route_table.hpp"

namespace pombo {

// The "responses" of one operation.
Json answersOf(const ServedRoute&);

// What they refer to: "responses" and "headers" of the components.
Json sharedAnswers();
Json sharedHeaders();

}  // namespace pombo
