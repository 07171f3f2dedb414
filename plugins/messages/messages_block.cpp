#include <optional>

#include "desk_routes.hpp"
#include "pombo/block.hpp"

namespace {

using namespace pombo;

// What clients ask of an instance's WhatsApp: checked here, done by its connector.
class MessagesBlock final : public IBlockConfigurator {
 public:
  void start(IHost& host) override {
    desk_.emplace(host);
    host.routes().addDialect(kDialect, wordsOfRefusal);
    for (auto& [route, serve] : messageRoutes())
      host.routes().add(route, [this, serve = std::move(serve)](const auto& request) {
        return serve(*desk_, request);
      });
  }

  // There is nothing to say of it: an instance is not told what it may be asked.
  Json summary(const Instance&) override { return nullptr; }

 private:
  std::optional<Desk> desk_;
};

}  // namespace

POMBO_BLOCK(MessagesBlock, "messages", "0.1.0")
