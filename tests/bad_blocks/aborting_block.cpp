// Everything about it is right, and it ends whatever process opens it.
#include <cstdlib>

#include "harmless_block.hpp"

[[maybe_unused]] static const bool opened = (std::abort(), true);

POMBO_BLOCK(HarmlessBlock, "aborting", "1.0.0")
