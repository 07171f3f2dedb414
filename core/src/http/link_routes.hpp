// The routes that link an instance to WhatsApp, and part them.
#pragma once

#include "block/route_table.hpp"
#include "instance/linker.hpp"

namespace pombo {

void addLinkRoutes(RouteTable&, Linker&);

}  // namespace pombo
