// The seven settings of an instance: core's own, in the shape of a block.
#pragma once

#include "pombo/block.hpp"

namespace pombo {

class SettingsBlock final : public IBlockConfigurator {
 public:
  static constexpr auto kName = "settings";

  std::vector<Field> fields() const override;
  void start(IHost& host) override { host_ = &host; }
  void configure(const Instance&, const Fields&) override;
  Json summary(const Instance&) override;

 private:
  IHost* host_ = nullptr;
};

}  // namespace pombo
