// Throws when it is started, after it has declared what it serves.
#include "harmless_block.hpp"

using namespace pombo;

namespace {

class UnstartableBlock final : public HarmlessBlock {
 public:
  void start(IHost& host) override {
    host.routes().add({.path = "/api/unstartable/:instance", .summary = "Never served"},
                      [](const HttpRequest&) { return HttpReply(); });
    throw Error(Code::unavailable, "Unstartable will not start");
  }
};

}  // namespace

POMBO_BLOCK(UnstartableBlock, "unstartable", "1.0.0")
