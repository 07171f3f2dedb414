// The blocks of the build that are told something by a creation, each made by its own factory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pombo/block.hpp"

#define POMBO_FACTORY(name) extern "C" pombo::IBlockConfigurator* pombo_create_##name()
POMBO_FACTORY(proxy);
POMBO_FACTORY(webhook);
POMBO_FACTORY(websocket);
POMBO_FACTORY(chatwoot);
POMBO_FACTORY(s3);

struct AnyBlock {
  const char* name;
  pombo::IBlockConfigurator* (*create)();
};

inline constexpr AnyBlock kAllBlocks[] = {{"proxy", pombo_create_proxy},
                                          {"webhook", pombo_create_webhook},
                                          {"websocket", pombo_create_websocket},
                                          {"chatwoot", pombo_create_chatwoot},
                                          {"s3", pombo_create_s3}};
