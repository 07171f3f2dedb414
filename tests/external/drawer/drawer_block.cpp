// Takes media of up to 64 MiB, and says how many letters they had.
#include <pombo/block.hpp>

using namespace pombo;

namespace {

class DrawerBlock final : public IBlockConfigurator {
 public:
  void start(IHost& host) override {
    host.routes().add({.method = Method::post,
                       .path = "/api/drawer/:instance",
                       .summary = "Puts something in",
                       .body = {{.name = "media", .doc = "In Base64.", .need = Need::always}},
                       .bodyLimit = 64 << 20},
                      [](const HttpRequest& request) -> HttpReply {
                        const auto media = Fields(request.fields).require<std::string>("media");
                        return {.body = {{"success", true}, {"letters", media.size()}}};
                      });
  }

  void configure(const Instance&, const Fields&) override {}
  Json summary(const Instance&) override { return boost::json::object(); }
};

}  // namespace

POMBO_BLOCK(DrawerBlock, "drawer", "1.0.0")
