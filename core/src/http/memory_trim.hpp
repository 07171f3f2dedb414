// What a crowd of connections or bodies has left, malloc would keep.
#pragma once

#include <cstdint>

#include "http/edge.hpp"

namespace pombo {

class MemoryTrim {
 public:
  // Once a second: gives it back to the system. A crowd may have come and gone since the last look.
  void look(Edge&);

 private:
  std::int64_t mostHeld_ = 0;  // bytes, since memory was given back
  bool going_ = false;         // a crowd, at the last look
};

}  // namespace pombo
