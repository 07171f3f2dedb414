// The route that serves the bytes of received media.
#pragma once

#include "block/route_table.hpp"
#include "media/spool.hpp"

namespace pombo {

// GET /media/:id, for whoever has a link.
void addMediaRoutes(RouteTable&, const MediaLinks&, Spool&);

}  // namespace pombo
