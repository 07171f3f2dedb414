// The description of everything that is served, as OpenAPI 3.1: written from what routes and fields
// declare. Pure.
#pragma once

#include <string>

#include "block/block_list.hpp"
#include "block/route_table.hpp"
#include "event/catalogue_shape.hpp"

namespace pombo {

struct ApiInfo {
  std::string version;
  std::string url;  // how clients reach the server; empty: where they found the document
  MessageShape messageShape = MessageShape::live;
};

// Of a table that is closed. Every operation has "x-pombo-block" ("core" for core's own) and
// "x-pombo-access" (open, instance, account, admin); its tag is its block, or what of core it is
// about. `reply` of a route may refer to "#/components/schemas/Instance" and "ListedInstance"; a
// "contentMediaType" in it is the media type of an answer that is not JSON.
Json openApiOf(const RouteTable&, const BlockList&, const ApiInfo&);

}  // namespace pombo
