#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "cli.hpp"

int main(int argc, char** argv) {
  // A core dump would hold every key and token in clear.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGPIPE, SIG_IGN);
  // What one arena has free is none of another's, and malloc would make eight for each processor.
  ::mallopt(M_ARENA_MAX, 2 * static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  return pombo::runCommand({argv + 1, argv + argc});
}
