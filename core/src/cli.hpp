// The command line: serve, account, plugin, key.
#pragma once

#include <string>
#include <vector>

namespace pombo {

// The exit code: 0 done, 1 it failed, 2 the words were off. Speaks on stdout and stderr.
int runCommand(const std::vector<std::string>& words);

}  // namespace pombo
