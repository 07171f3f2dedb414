// The operator's routes: /api/admin/accounts.
#pragma once

#include "account/accounts.hpp"
#include "block/route_table.hpp"
#include "instance/provisioner.hpp"
#include "observe/audit_log.hpp"

namespace pombo {

void addAdminRoutes(RouteTable&, Accounts&, Provisioner&, AuditLog&, IClock&);

}  // namespace pombo
