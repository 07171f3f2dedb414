// What proves to a receiver that a delivery is ours and as it was sent (Standard Webhooks).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

// The value of the header: "v1,<base64>" for each key, in their order. A key is "whsec_" and 32
// bytes in base64, `timestamp` in Unix seconds.
std::string signaturesOf(const std::vector<std::string>& keys, const std::string& id,
                         std::int64_t timestamp, const std::string& body);
