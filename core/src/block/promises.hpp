// What the wire promises of blocks that are not there, and of routes that nobody serves yet: data,
// so that core need not know any block.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pombo/http.hpp"

namespace pombo {

struct BlockPromise {
  std::string name;
  Json empty;                  // its object while the instance does not use it
  Json failed;                 // what stays of it when it fails, before "status" and "error"
  std::string notLoaded;       // the reason in a 201
  std::string routeNotLoaded;  // the sentence of a 503
  bool fixed = false;          // the wire says which keys its object has, whoever serves it
  bool neededToDial =
      false;  // nothing is dialled for an instance that it keeps anything of without it
};

struct RoutePromise {
  Method method;
  std::string path;
  std::string block;     // whose it is; empty: core's own
  std::string audit;     // what the audit log calls it, whoever serves it; empty: it is not told
  bool several = false;  // ":instance" may be a list of names
};

struct Promises {
  std::string defaultConnector;      // of an instance that names none
  std::vector<BlockPromise> blocks;  // in the order of the wire
  std::vector<RoutePromise> routes;

  const BlockPromise* find(const std::string& block) const;
  // Of a block that the wire knows nothing of: the usual ones.
  static BlockPromise usual(const std::string& block);
};

// From core/wire/ryze.json; throws std::runtime_error when that is not as it should be.
Promises readPromises();

}  // namespace pombo
