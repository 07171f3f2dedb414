// The files behind the page at /docs, inside the binary.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace pombo {

struct ViewerFile {
  std::string_view content;
  const char* type;
};

// By name; none when the build had no viewer to take in.
std::map<std::string, ViewerFile> viewerFiles();

}  // namespace pombo
