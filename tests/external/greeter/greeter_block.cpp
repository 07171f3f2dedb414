// Greets whoever asks, by the name that the instance was given.
#include <pombo/block.hpp>

using namespace pombo;

namespace {

class GreeterBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "greeterEnabled", .type = Type::boolean, .fallback = false, .doc = "On."},
            {.name = "greeterName",
             .doc = "Who is greeted.",
             .need = Need::whenEnabled,
             .minLength = 1,
             .maxLength = 40,
             .text = Text::printable},
            {.name = "greeterTone",
             .fallback = "warm",
             .doc = "How it sounds.",
             .choices = {"warm", "formal"}}};
  }

  void start(IHost& host) override {
    host_ = &host;
    host.routes().add({.path = "/api/greeter/:instance", .summary = "A greeting"},
                      [this](const HttpRequest& request) { return greet(*request.instance); });
  }

  void configure(const Instance& instance, const Fields& slice) override {
    host_->settings().save(instance.id, {{"enabled", slice.require<bool>("greeterEnabled")},
                                         {"name", slice.require<std::string>("greeterName")},
                                         {"tone", slice.require<std::string>("greeterTone")}});
  }

  Json summary(const Instance& instance) override {
    const Json nothing{{"enabled", false}, {"name", nullptr}, {"tone", nullptr}};
    return host_->settings().load(instance.id).value_or(nothing);
  }

 private:
  HttpReply greet(const Instance& instance) {
    const Json settings = summary(instance);
    const Fields known(settings);
    if (!known.require<bool>("enabled")) throw Error(Code::notFound, "Greeter is not enabled");
    const bool warm = known.require<std::string>("tone") == "warm";
    const auto greeting = (warm ? "Hi, " : "Good day, ") + known.require<std::string>("name");
    return {.body = {{"success", true}, {"greeting", greeting}}};
  }

  IHost* host_ = nullptr;
};

}  // namespace

POMBO_BLOCK(GreeterBlock, "greeter", "1.0.0")
