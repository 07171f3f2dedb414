// `pombo plugin`: what is known of blocks without running a server.
#pragma once

#include <optional>
#include <string>

#include "config.hpp"

namespace pombo {

// `server` is asked what it says of its blocks; nothing: the one that http.listen names, if it
// runs.
void listPlugins(const Config&, std::optional<std::string> server);

// Throws std::runtime_error for a library that is no block, and for one that ends its process.
int checkPlugin(const std::string& file);

}  // namespace pombo
