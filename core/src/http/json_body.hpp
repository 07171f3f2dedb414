// Reading a request's body: JSON within the limits of the wire.
#pragma once

#include <string>

#include "pombo/error.hpp"

namespace pombo {

// An object; an empty or blank body is one without members. Throws Error{invalid, "Invalid request
// body"} for anything else: not JSON, not UTF-8, a key twice, too deep (32), too wide (1,000
// members, 10,000 elements). `detail` says why, for dialects that tell. What was read lies in
// memory that is wiped when it is freed: there are secrets in it.
Json objectIn(const std::string& body, std::string* detail = nullptr);

}  // namespace pombo
