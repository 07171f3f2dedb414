// A connector, or one of its processes: whose links end, and are made again, together.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "pombo/instance.hpp"

namespace pombo {

struct LinkProcess {
  // NOLINTNEXTLINE: a connector's name is all of it
  LinkProcess(std::string name, int process = 0, std::function<bool(const InstanceId&)> its = {})
      : connector(std::move(name)), number(process), links(std::move(its)) {}

  std::string connector;
  int number;                                    // from 0
  std::function<bool(const InstanceId&)> links;  // which of the connector's instances; empty: all

  bool has(const InstanceId& id) const { return !links || links(id); }
};

}  // namespace pombo
