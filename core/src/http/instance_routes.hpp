// The routes of the instance module that core serves itself.
#pragma once

#include "block/route_table.hpp"
#include "instance/provisioner.hpp"
#include "instance/view.hpp"

namespace pombo {

void addInstanceRoutes(RouteTable&, Provisioner&, InstanceStore&, InstanceList&);

}  // namespace pombo
