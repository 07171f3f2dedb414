// Which route a request is for. Pistache's parser and router do the matching, in process; nothing
// of theirs touches a socket.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "block/route_table.hpp"

namespace pombo {

struct Match {
  const ServedRoute* route = nullptr;         // null: no such path, or not with this method
  std::map<std::string, std::string> params;  // decoded
  std::vector<std::string> allowed;           // methods of the path, when the method was wrong
};

// Thread-safe once constructed.
class Dispatcher {
 public:
  explicit Dispatcher(const RouteTable&);
  ~Dispatcher();

  // `path` as it came, without the query.
  Match find(const std::string& method, const std::string& path) const;

 private:
  class Trees;
  std::unique_ptr<Trees> trees_;
};

// One percent-decoding; "+" stays. Nothing for "%" without two hexadecimal digits.
std::optional<std::string> percentDecoded(const std::string& text);

}  // namespace pombo
