#include "block/promises.hpp"

#include <algorithm>

#include "embedded.hpp"
#include "net/method.hpp"

namespace pombo {
namespace {

BlockPromise blockIn(const Json& json) {
  const auto& object = json.as_object();
  BlockPromise promise = Promises::usual(std::string(object.at("name").as_string()));
  promise.empty = promise.failed = object.at("empty");
  promise.fixed = true;
  if (const auto* failed = object.if_contains("failed")) promise.failed = *failed;
  const Fields fields(json);
  promise.notLoaded = fields.get<std::string>("notLoaded", promise.notLoaded);
  promise.routeNotLoaded = fields.get<std::string>("routeNotLoaded", promise.routeNotLoaded);
  promise.neededToDial = fields.get<bool>("neededToDial", false);
  return promise;
}

RoutePromise routeIn(const Json& json) {
  const Fields fields(json);
  const auto on = fields.require<std::string>("on");
  const auto space = on.find(' ');
  const auto method = methodNamed(on.substr(0, space));
  if (!method || space == on.npos) throw std::runtime_error("core/wire: '" + on + "' is no route");
  return {*method, on.substr(space + 1), fields.get<std::string>("block", ""),
          fields.get<std::string>("audit", ""), fields.get<bool>("several", false)};
}

}  // namespace

const BlockPromise* Promises::find(const std::string& block) const {
  const auto it = std::find_if(blocks.begin(), blocks.end(),
                               [&](const auto& each) { return each.name == block; });
  return it == blocks.end() ? nullptr : &*it;
}

BlockPromise Promises::usual(const std::string& block) {
  const std::string sentence = "plugin '" + block + "' is not loaded on this server";
  const Json off{{"enabled", false}};
  return {block, off, off, sentence, sentence, false};
}

Promises readPromises() {
  const Json all = boost::json::parse(embeddedFiles().at("wire/ryze.json"));
  Promises promises;
  promises.defaultConnector = std::string(all.at("defaultConnector").as_string());
  for (const auto& each : all.at("blocks").as_array()) promises.blocks.push_back(blockIn(each));
  for (const auto& each : all.at("routes").as_array()) promises.routes.push_back(routeIn(each));
  return promises;
}

}  // namespace pombo
