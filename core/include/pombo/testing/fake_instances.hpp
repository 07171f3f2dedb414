// The instances of a gateway in memory.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "pombo/instance.hpp"

namespace pombo {

class FakeInstances : public IInstances {
 public:
  std::vector<Instance> known;
  std::map<std::string, InstanceId> tokens;  // which instance a token opens

 private:
  std::optional<Instance> find(const InstanceId& id) const override {
    return firstOf([&](const Instance& each) { return each.id == id; });
  }
  std::optional<Instance> findByName(const AccountId& account,
                                     const std::string& name) const override {
    return firstOf(
        [&](const Instance& each) { return each.account == account && each.name == name; });
  }
  std::vector<Instance> list(const AccountId& account) const override {
    std::vector<Instance> found;
    std::copy_if(known.begin(), known.end(), std::back_inserter(found),
                 [&](const Instance& each) { return each.account == account; });
    std::sort(found.begin(), found.end(),
              [](const Instance& a, const Instance& b) { return a.name < b.name; });
    return found;
  }
  Instance admit(const std::string& token, const std::string& instanceName) override {
    const auto it = tokens.find(token);
    const auto instance = it == tokens.end() ? std::nullopt : find(it->second);
    if (!instance) throw Error(Code::unauthorized, "Invalid token");
    if (instance->name != instanceName)
      throw Error(Code::forbidden, "Instance token does not match the requested instance");
    return *instance;
  }

  template <class Wanted>
  std::optional<Instance> firstOf(Wanted wanted) const {
    const auto it = std::find_if(known.begin(), known.end(), wanted);
    return it == known.end() ? std::nullopt : std::optional(*it);
  }
};

}  // namespace pombo
