// How many files and sockets the process may have open, and what of that is for connections.
#pragma once

#include <cstddef>

namespace pombo {

// The soft limit becomes the hard one. Returns what is in force then.
std::size_t raiseDescriptorLimit();

// Of `limit` descriptors `own` are kept for the database, blocks and what is dialled; half of them
// all when that is less.
std::size_t connectionsWithin(std::size_t limit, std::size_t own, std::size_t wanted);

}  // namespace pombo
