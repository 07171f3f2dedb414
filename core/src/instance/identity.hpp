// Ids, tokens and names: how they are made, and what a client's own may look like.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pombo/instance.hpp"

namespace pombo {

std::string newId();             // UUIDv7: in order of time, so that new rows lie together
std::string newInstanceToken();  // UUIDv4
std::string newAccountToken();   // "pmb_" and 43 characters of base64url

// The name in NFC. Throws Error{invalid} with the wire's sentence.
std::string checkedName(const std::string& name);
// Throws Error{invalid} with the wire's sentence.
void checkToken(const std::string& token);

// NFC of valid UTF-8; nothing for anything else, and for what is longer than any name.
std::optional<std::string> normalized(const std::string& text);

// "a, b,," is a and b, in NFC.
std::vector<std::string> namesIn(const std::string& list);

std::string rfc3339(TimePoint);  // "2026-11-21T10:30:00Z"
// The other way; nothing: it is not written like that, or not of the years 1970 to 2200.
std::optional<TimePoint> timeIn(const std::string&);
std::int64_t milliseconds(TimePoint);  // since 1970
TimePoint fromMilliseconds(std::int64_t);

}  // namespace pombo
