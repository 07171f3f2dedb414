#pragma once

#include "pending_store.hpp"
#include "pombo/host.hpp"

// Tells of those that have been pending for so long that nobody sends them any more: a
// "message.status" server_error each, as if the connector had given them up. Does not throw.
void giveUpOverdue(pombo::IHost&, PendingStore&);
