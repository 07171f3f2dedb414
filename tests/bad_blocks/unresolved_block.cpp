// Needs a function that nobody has. Were it looked for when it is called, opening the library would
// end the process.
#include <cstdlib>

#include "harmless_block.hpp"

extern "C" int pombo_no_such_function();

[[maybe_unused]] static const bool opened = (std::abort(), true);

namespace {

class UnresolvedBlock final : public HarmlessBlock {
 public:
  std::optional<std::string> health() override { return std::to_string(pombo_no_such_function()); }
};

}  // namespace

POMBO_BLOCK(UnresolvedBlock, "unresolved", "1.0.0")
