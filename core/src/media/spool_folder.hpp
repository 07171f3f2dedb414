// The folder of the spool, and what is done to the files in it.
#pragma once

#include <sys/stat.h>

#include <string>

#include "pombo/instance.hpp"
#include "pombo/media.hpp"

namespace pombo {

// Makes it, 0700, where there is none. Throws std::runtime_error for the operator, also when it
// belongs to somebody else or is open to others: what is in there is private, and is removed.
void makeOwnFolder(const std::string& path);

// Without following a link; empty with errno otherwise.
Descriptor openedAt(const std::string& path, int flags);

// Throws std::system_error when it is not sure that a name in it will still be there after a crash.
void syncFolder(const std::string& path);

// The time of a file's last change is how old it is. Throws std::system_error.
void stamp(const Descriptor&, TimePoint now);
TimePoint stampOf(const struct stat&);

// With all in it. What could not be removed is looked for again at the next start.
void clearAway(const std::string& path);

}  // namespace pombo
