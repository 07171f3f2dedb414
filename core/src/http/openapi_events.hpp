// What is posted to webhooks, for /openapi.json.
#pragma once

#include "pombo/abi.hpp"

namespace pombo {

// By the name that they have among the document's schemas.
boost::json::object eventSchemas();
// By event: what its post is.
boost::json::object eventPosts();

}  // namespace pombo
