// Throws when it is made.
#include "harmless_block.hpp"

namespace {

class StillbornBlock final : public HarmlessBlock {
 public:
  StillbornBlock() { throw pombo::Error(pombo::Code::unavailable, "Stillborn cannot be made"); }
};

}  // namespace

POMBO_BLOCK(StillbornBlock, "stillborn", "1.0.0")
