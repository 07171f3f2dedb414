// Two ends of a pipe, and a patience that no test is long enough for.
#pragma once

#include <sys/socket.h>

#include <cstdlib>

#include "process/peer.hpp"

namespace pombo {

// Of silence: longer than a busy machine may pause, as that ends a conversation too.
inline constexpr auto kLong = std::chrono::hours(24);
inline constexpr Peer::Limits kPatient{8, 64, std::chrono::seconds(5), kLong, kLong};

struct Pair {
  int ours = -1, theirs = -1;
  Pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    ours = ends[0];
    theirs = ends[1];
  }
};

}  // namespace pombo
