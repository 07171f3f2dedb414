// What names an integration: to clients, and to Chatwoot when it calls back.
#pragma once

#include <chrono>
#include <string>

// "int_" and a ULID in lower case: they sort by time.
std::string newIntegrationId(std::chrono::system_clock::time_point);

// 256 random bits in base64url.
std::string newCallbackSecret();

// By which a secret is looked up; it is random enough to need no salt.
std::string digestOf(const std::string& secret);
