#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>

#include "cli.hpp"

int main(int argc, char** argv) {
  // A core dump would hold every key and token in clear.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGPIPE, SIG_IGN);
  return pombo::runCommand({argv + 1, argv + argc});
}
