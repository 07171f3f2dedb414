// The door that a block's own tests come in by, with the block in a process of its own behind it.
#include "mirror.hpp"

pombo::IBlockConfigurator* pombo_create() {
  return pombo::opened(POMBO_BLOCK_NAME, true).release();
}
