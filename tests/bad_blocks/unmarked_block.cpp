// Has a factory and does not say what it is. Opening it would end the process.
#include <cstdlib>

#include "harmless_block.hpp"

[[maybe_unused]] static const bool opened = (std::abort(), true);

pombo::IBlockConfigurator* pombo_create() { return new HarmlessBlock; }
