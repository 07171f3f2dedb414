// What is posted to webhooks, for /openapi.json.
#pragma once

#include "event/catalogue_shape.hpp"

namespace pombo {

// By the name that they have among the document's schemas.
boost::json::object eventSchemas(MessageShape);
// By event: what its post is.
boost::json::object eventPosts();

}  // namespace pombo
