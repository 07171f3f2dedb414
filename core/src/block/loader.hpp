// Opening a block's library. The only place that does.
#pragma once

#include <memory>
#include <string>

#include "pombo/block.hpp"

namespace pombo {

bool isBlockName(const std::string& name);  // [a-z][a-z0-9]*

// What the library says of itself, read from the file: none of its code runs. Throws
// std::runtime_error naming the file and what is wrong with it; where something differs, both
// values.
BlockMetadata inspect(const std::string& path);

// The program that is the block's process: the file beside the library that the library names,
// which may not be there; empty when the library is the block. Throws std::runtime_error for what
// is no name of a file.
std::string programOf(const std::string& library);

// inspect(), of a library under its own name: a block is called as its file is.
BlockMetadata identify(const std::string& path);

// `reason`, with the library's path before it unless it stands there.
std::string naming(const std::string& path, const std::string& reason);

// inspect() first; throws for a program. The library stays open for the life of the process.
std::unique_ptr<IBlockConfigurator> load(const std::string& path);

}  // namespace pombo
