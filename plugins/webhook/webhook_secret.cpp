#include "webhook_secret.hpp"

#include <botan/base64.h>
#include <botan/system_rng.h>

std::string newWebhookSecret() {
  return "whsec_" + Botan::base64_encode(Botan::system_rng().random_vec(32));
}
