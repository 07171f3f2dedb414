#include "process/sandbox.hpp"

#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace pombo {
namespace {

// Sanitizers keep their books in memory of the process, far beyond any limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// As many as systemd keeps for users that live as long as a service.
constexpr uid_t kFirstUser = 61184, kUsers = 4336;
constexpr rlim_t kMostThreads = 512;
constexpr std::size_t kStack = 1u << 20;  // of a thread: stacks count as memory

bool limit(__rlimit_resource resource, rlim_t most) {
  rlimit known{};
  ::getrlimit(resource, &known);
  const rlim_t now = std::min(most, known.rlim_max);
  const rlimit wanted{now, now};
  return ::setrlimit(resource, &wanted) == 0;
}

bool limitResources(const ProcessLimits& limits) {
  const auto bytes = static_cast<rlim_t>(limits.memoryMb) << 20;
  bool all = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, static_cast<rlim_t>(limits.openFiles));
  if (!kSanitized) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStack);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    all = limit(RLIMIT_DATA, bytes) && limit(RLIMIT_FSIZE, bytes) && all;
  }
  // The first that goes when the machine has no memory left.
  std::ofstream("/proc/self/oom_score_adj") << 1000;
  return all;
}

// A user that owns nothing, another one for each block; files of the gateway's are not theirs.
bool becomeNobody(const std::string& name) {
  if (::geteuid() != 0) return false;
  uid_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  const uid_t user = kFirstUser + hash % kUsers;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 ||
      ::setresuid(user, user, user) != 0)
    return false;
  limit(RLIMIT_NPROC, kMostThreads);
  return true;
}

}  // namespace

std::vector<std::string> enterSandbox(const std::string& name, int library,
                                      const ProcessLimits& limits) {
  std::vector<std::string> inForce;
  if (::chdir("/") != 0) throw std::runtime_error("there is no /");
  ::umask(077);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const pid_t gateway = ::getppid();
  if (limitResources(limits)) inForce.push_back("limits");
  // The rules name files that only the gateway's user may be able to find.
  const bool files = restrictFiles(library, limits.mayRead);
  if (becomeNobody(name)) inForce.push_back("user");
  if (files) inForce.push_back("landlock");
  // After the change of user, which takes it back.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != gateway) ::_exit(0);
  if (filterSystemCalls()) inForce.push_back("seccomp");
  return inForce;
}

std::vector<std::string> availableProtection() {
  std::vector<std::string> all{"limits"};
  if (::geteuid() == 0) all.push_back("user");
  if (knowsLandlock()) all.push_back("landlock");
  if (knowsSeccomp()) all.push_back("seccomp");
  return all;
}

}  // namespace pombo
