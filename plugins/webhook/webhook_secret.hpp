// The key that signs an instance's webhooks (Standard Webhooks).
#pragma once

#include <string>

// "whsec_" and 32 random bytes in base64.
std::string newWebhookSecret();
