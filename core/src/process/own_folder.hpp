// The users that blocks' processes are, and the folders that programs keep what they keep in.
#pragma once

#include <sys/types.h>

#include <string>

namespace pombo {

// Who a block's process is: a user that owns nothing, another one for each block, where the gateway
// is root; else the gateway's own.
uid_t userOf(const std::string& name);

// Makes the folder, if it is not there, and returns who the process has to be to use it: userOf(),
// or root, where that one cannot reach it (a folder above it is closed), or it is root's with
// something in it. Throws std::runtime_error when it cannot be made, is another's, or is open to
// others.
uid_t makeOwnFolder(const std::string& path, const std::string& name);

}  // namespace pombo
