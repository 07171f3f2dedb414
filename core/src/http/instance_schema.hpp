// JSON Schema of what makes an instance, and of an instance as clients see it.
#pragma once

#include "block/block_list.hpp"

namespace pombo {

// The flat body: core's own fields and those of every block that runs.
Json creationSchema(const BlockList&);

// With the object of every block, on the wire or loaded: as it is while the block works, or as one
// that failed. The second is an entry of a list.
Json instanceSchema(const BlockList&);
Json listedInstanceSchema();

}  // namespace pombo
