// Has another name than its file. Opening it would end the process.
#include <cstdlib>

#include "harmless_block.hpp"

[[maybe_unused]] static const bool opened = (std::abort(), true);

POMBO_BLOCK(HarmlessBlock, "othername", "1.0.0")
