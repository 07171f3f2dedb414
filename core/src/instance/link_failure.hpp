// Why an instance was not linked, in the words of the wire.
#pragma once

#include "pombo/error.hpp"
#include "pombo/instance.hpp"

namespace pombo {

// Of what a connector has thrown.
Error connectFailure(const Instance&, const Error&);
Error reconnectFailure(const Instance&, const Error&);
// Of what an event has told.
Error connectFailure(const std::string& reason);

Error instanceGone();
Error superseded();
Error noCodeInTime();
Error shuttingDown();

}  // namespace pombo
