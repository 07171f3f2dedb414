// Never comes back from where it is told to stay.
#include <future>

#include "harmless_block.hpp"

using namespace pombo;

namespace {

void stall() { std::promise<void>().get_future().wait(); }

class StallerBlock final : public HarmlessBlock {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "stallerWhere",
             .doc = "Where it stalls.",
             .need = Need::always,
             .choices = {"configure", "summary", "forget", "route", "nowhere"}}};
  }
  std::vector<Field> options() const override {
    return {{.name = "health",
             .type = Type::boolean,
             .fallback = false,
             .doc = "Whether health() stalls."}};
  }

  void start(IHost& host) override {
    HarmlessBlock::start(host);
    host.routes().add({.path = "/api/staller/:instance", .summary = "Stalls"},
                      [this](const HttpRequest& request) -> HttpReply {
                        stallIn("route", *request.instance);
                        return {.body = {{"success", true}}};
                      });
  }
  void configure(const Instance& instance, const Fields& slice) override {
    host_->settings().save(instance.id, slice.document());
    stallIn("configure", instance);
  }
  Json summary(const Instance& instance) override {
    stallIn("summary", instance);
    return {{"enabled", true}};
  }
  void forget(const Instance& instance) override { stallIn("forget", instance); }
  std::optional<std::string> health() override {
    if (Fields(host_->config()).require<bool>("health")) stall();
    return "ok";
  }

 private:
  void stallIn(const std::string& here, const Instance& instance) {
    const Json told = host_->settings().load(instance.id).value_or(Json());
    if (Fields(told).get<std::string>("stallerWhere", "") == here) stall();
  }
};

}  // namespace

POMBO_BLOCK(StallerBlock, "staller", "1.0.0")
