// Throws a foreign type when it is asked what fields it has.
#include "harmless_block.hpp"

namespace {

class UndeclaredBlock final : public HarmlessBlock {
 public:
  std::vector<pombo::Field> fields() const override { throw 7; }
};

}  // namespace

POMBO_BLOCK(UndeclaredBlock, "undeclared", "1.0.0")
