// Fails in every way that a gateway contains, as its field says.
#include <pombo/block.hpp>
#include <stdexcept>

using namespace pombo;

namespace {

class ClumsyBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "clumsyHow",
             .doc = "How configure() ends.",
             .need = Need::always,
             .choices = {"throw", "foreign", "bug", "well"}}};
  }
  void start(IHost& host) override { host_ = &host; }
  void configure(const Instance& instance, const Fields& slice) override {
    const auto how = slice.require<std::string>("clumsyHow");
    // Whatever follows, this must not outlive a failure.
    host_->settings().save(instance.id, {{"how", how}});
    if (how == "throw") throw Error(Code::conflict, "Clumsy has tripped");
    if (how == "foreign") throw 7;
    if (how == "bug") throw std::logic_error("a secret detail");
  }
  Json summary(const Instance& instance) override {
    return host_->settings().load(instance.id).value_or(Json{{"how", nullptr}});
  }

 private:
  IHost* host_ = nullptr;
};

}  // namespace

POMBO_BLOCK(ClumsyBlock, "clumsy", "1.0.0")
