// Sealing everything with a new master key, beside a running server or without one.
#pragma once

#include <string>

#include "storage/store.hpp"

namespace pombo {

struct Rotated {
  std::string keyId;
  int values = 0;  // sealed again
};

// With a key file: makes a key, and takes the old ones out of the file when nothing needs them any
// more. With POMBO_MASTER_KEY: goes over to the first key there; throws std::runtime_error when
// that one seals already. Interrupted, it can be run again.
Rotated rotate(Store&);

}  // namespace pombo
