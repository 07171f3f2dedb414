// Throws what it is told, where it is told.
#include <stdexcept>

#include "harmless_block.hpp"

using namespace pombo;

namespace {

struct TypeOfItsOwn {};

void raise(const std::string& what) {
  if (what == "error") throw Error(Code::conflict, "Thrower has thrown");
  if (what == "bug") throw std::logic_error("a secret detail");
  if (what == "int") throw 7;
  if (what == "own") throw TypeOfItsOwn();
}

class ThrowerBlock final : public HarmlessBlock {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "throwerWhere",
             .doc = "Where it throws.",
             .need = Need::always,
             .choices = {"configure", "summary", "forget", "route", "nowhere"}},
            {.name = "throwerWhat",
             .doc = "What it throws.",
             .need = Need::always,
             .choices = {"error", "bug", "int", "own"}}};
  }
  std::vector<Field> options() const override {
    return {{.name = "health", .fallback = "", .doc = "What health() throws."}};
  }

  void start(IHost& host) override {
    HarmlessBlock::start(host);
    host.routes().add({.path = "/api/thrower/:instance", .summary = "Throws"},
                      [this](const HttpRequest& request) -> HttpReply {
                        throwIn("route", *request.instance);
                        return {.body = {{"success", true}}};
                      });
  }
  void configure(const Instance& instance, const Fields& slice) override {
    // Must not outlive what follows.
    host_->settings().save(instance.id, slice.document());
    throwIn("configure", instance);
  }
  Json summary(const Instance& instance) override {
    throwIn("summary", instance);
    return {{"enabled", true}};
  }
  void forget(const Instance& instance) override { throwIn("forget", instance); }
  std::optional<std::string> health() override {
    raise(Fields(host_->config()).require<std::string>("health"));
    return "ok";
  }

 private:
  void throwIn(const std::string& here, const Instance& instance) {
    const Json told = host_->settings().load(instance.id).value_or(Json());
    const Fields known(told);
    if (known.get<std::string>("throwerWhere", "") == here)
      raise(known.require<std::string>("throwerWhat"));
  }
};

}  // namespace

POMBO_BLOCK(ThrowerBlock, "thrower", "1.0.0")
