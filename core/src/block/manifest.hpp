// Which libraries were built with this server.
#pragma once

#include <string>

namespace pombo {

enum class Origin {
  shipped,  // in the manifest, byte for byte
  changed,  // in the manifest under this name, with other bytes
  foreign,
};

// `manifest` is the file that the build has written: {"<name>.so": "<SHA-256>"}. Without one
// every library is foreign. Throws std::runtime_error when it is there and cannot be read.
Origin originOf(const std::string& library, const std::string& manifest);

}  // namespace pombo
