// Logs as many lines as it is told, of the length that it is told.
#include "harmless_block.hpp"

using namespace pombo;

namespace {

class FlooderBlock final : public HarmlessBlock {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "flooderLines", .type = Type::integer, .fallback = 0, .doc = "How many."},
            {.name = "flooderLength", .type = Type::integer, .fallback = 10, .doc = "How long."}};
  }
  void configure(const Instance&, const Fields& slice) override {
    const std::string line(slice.require<std::uint32_t>("flooderLength"), 'x');
    for (auto left = slice.require<std::int64_t>("flooderLines"); left > 0; --left)
      host_->log().write(Level::error, line, {});
  }
};

}  // namespace

POMBO_BLOCK(FlooderBlock, "flooder", "1.0.0")
