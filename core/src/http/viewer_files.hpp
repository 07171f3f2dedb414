// The files behind the page at /docs, inside the binary.
#pragma once

#include <string>
#include <string_view>

namespace pombo {

struct ViewerFile {
  std::string_view content;
  const char* type;
};

// Null for a name that is none, and for all of them when the build had no viewer to take in.
const ViewerFile* viewerFile(const std::string& name);

}  // namespace pombo
