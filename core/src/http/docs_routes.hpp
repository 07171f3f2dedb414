// The description of the API: for machines, and as a page for people.
#pragma once

#include <string>

#include "block/route_table.hpp"

namespace pombo {

// GET /openapi.json. `description` may be filled until the server listens.
void addDescriptionRoute(RouteTable&, const Media& description);

// GET /docs and its files. `publicUrl` is how clients reach the server; empty: as it listens.
void addDocsRoutes(RouteTable&, const std::string& publicUrl);

}  // namespace pombo
