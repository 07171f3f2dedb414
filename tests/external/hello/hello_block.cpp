// One route and nothing around it: what a call costs before anybody does anything.
#include <pombo/block.hpp>

using namespace pombo;

namespace {

class HelloBlock final : public IBlockConfigurator {
 public:
  void start(IHost& host) override {
    host.routes().add(
        {.path = "/hello", .access = Access::open, .summary = "Says hello", .bucket = Bucket::none},
        [](const HttpRequest&) {
          return HttpReply{.body = {{"message", "hello"}}};
        });
  }
  Json summary(const Instance&) override { return boost::json::object(); }
};

}  // namespace

POMBO_BLOCK(HelloBlock, "hello", "1.0.0")
