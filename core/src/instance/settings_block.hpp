// The seven settings of an instance: core's own, in the shape of a block.
#pragma once

#include <array>
#include <mutex>
#include <optional>

#include "instance/settings_effects.hpp"
#include "pombo/block.hpp"

namespace pombo {

class SettingsBlock final : public IBlockConfigurator {
 public:
  static constexpr auto kName = "settings";

  std::vector<Field> fields() const override;
  void start(IHost&) override;
  void configure(const Instance&, const Fields&) override;
  Json summary(const Instance&) override;
  void forget(const Instance&) override;

  // Tells its connector of all of them: before that links it, and when they were changed. Does not
  // throw.
  void apply(const Instance&);

 private:
  HttpReply get(const HttpRequest&);
  HttpReply update(const HttpRequest&);

  IHost* host_ = nullptr;
  std::optional<SettingsEffects> effects_;
  // Each guards the settings of the instances that fall to it, from reading them to writing.
  std::array<std::mutex, 16> locks_;
};

}  // namespace pombo
