// The routes of the instance module that core serves itself.
#pragma once

#include "block/block_list.hpp"
#include "block/route_table.hpp"
#include "instance/provisioner.hpp"
#include "instance/view.hpp"

namespace pombo {

// The blocks are those whose fields a creation takes: all of them have started.
void addInstanceRoutes(RouteTable&, Provisioner&, InstanceStore&, InstanceList&, const BlockList&);

}  // namespace pombo
