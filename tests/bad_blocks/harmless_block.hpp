// A block that does no harm. Each of this folder is one, but for one thing.
#pragma once

#include <pombo/block.hpp>

class HarmlessBlock : public pombo::IBlockConfigurator {
 public:
  void start(pombo::IHost& host) override { host_ = &host; }
  pombo::Json summary(const pombo::Instance& instance) override {
    return host_->settings().load(instance.id).value_or(pombo::Json{{"enabled", false}});
  }

 protected:
  pombo::IHost* host_ = nullptr;
};
