// An instance as clients see it.
#pragma once

#include <string>
#include <vector>

#include "block/registry.hpp"
#include "instance/instance_store.hpp"

namespace pombo {

// The keys before the blocks' objects, and those after them. An empty token is shown as null.
boost::json::object identityOf(const Instance&, const std::string& token, const Promises&);
void addTimes(boost::json::object& shown, const Instance&, TimePoint updatedAt);

// The entries of GET /api/instance/list. Thread-safe.
class InstanceList {
 public:
  InstanceList(BlockStore& blocks, InstanceStore& instances, Registry& registry)
      : blocks_(blocks), instances_(instances), registry_(registry) {}

  Json of(const std::vector<StoredInstance>&, std::vector<std::string>& warnings) const;

 private:
  Json entryOf(const StoredInstance&, std::vector<std::string>& warnings) const;

  BlockStore& blocks_;
  InstanceStore& instances_;
  Registry& registry_;
};

}  // namespace pombo
