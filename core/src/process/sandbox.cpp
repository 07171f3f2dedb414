#include "process/sandbox.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "process/own_folder.hpp"

namespace pombo {
namespace {

// Sanitizers keep their books in memory of the process, far beyond any limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr rlim_t kMostThreads = 512;  // of all processes of that user
constexpr rlim_t kMostOfPrograms = 4096;
constexpr std::size_t kStack = 1u << 20;  // of a thread: stacks count as memory
// What runtimes of other languages set aside without using it; what is used is looked at.
constexpr rlim_t kSetAside = 4, kSetAsideAtOnce = 256u << 20;
constexpr rlim_t kLargestFile = 4ull << 30;  // in a folder of its own

bool limit(__rlimit_resource resource, rlim_t most) {
  rlimit known{};
  ::getrlimit(resource, &known);
  const rlim_t now = std::min(most, known.rlim_max);
  const rlimit wanted{now, now};
  return ::setrlimit(resource, &wanted) == 0;
}

bool limitResources(const ProcessLimits& limits, bool isProgram) {
  const auto bytes = static_cast<rlim_t>(limits.memoryMb) << 20;
  bool all = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, static_cast<rlim_t>(limits.openFiles));
  if (!kSanitized) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStack);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    all = limit(RLIMIT_DATA, isProgram ? bytes * kSetAside + kSetAsideAtOnce : bytes) && all;
    // A file that has no name is memory; a folder's is not.
    all = limit(RLIMIT_FSIZE, limits.folder.empty() ? bytes : kLargestFile) && all;
  }
  // The first that goes when the machine has no memory left.
  std::ofstream("/proc/self/oom_score_adj") << 1000;
  return all;
}

// Files of the gateway's are not theirs.
bool becomeUser(uid_t user, rlim_t threads) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 ||
      ::setresuid(user, user, user) != 0)
    return false;
  limit(RLIMIT_NPROC, threads);
  return true;
}

// The gateway's user, root, without what makes it one: where another could not reach its folder.
void giveUpCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) != 0)
    throw std::runtime_error("it could not give up its capabilities");
}

}  // namespace

std::vector<std::string> enterSandbox(const std::string& name, int code,
                                      const ProcessLimits& limits,
                                      std::optional<std::uint64_t> pass) {
  std::vector<std::string> inForce;
  if (::chdir("/") != 0) throw std::runtime_error("there is no /");
  ::umask(077);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const pid_t gateway = ::getppid();
  const uid_t user = limits.folder.empty() ? userOf(name) : makeOwnFolder(limits.folder, name);
  if (limitResources(limits, pass.has_value())) inForce.push_back("limits");
  // The rules name files that only the gateway's user may be able to find.
  const bool files = restrictFiles(code, limits);
  const bool isOther = user != ::geteuid();
  if (isOther && becomeUser(user, pass ? kMostOfPrograms : kMostThreads))
    inForce.push_back("user");
  else if (isOther && pass)
    throw std::runtime_error("it could not become a user of its own");
  else if (user == 0 && !files)
    throw std::runtime_error("process.folder " + limits.folder +
                             " can be reached by root alone, and this kernel has no Landlock: let "
                             "everybody pass the folders above it");
  else if (user == 0)
    giveUpCapabilities();
  if (files) inForce.push_back("landlock");
  // After the change of user, which takes it back.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != gateway) ::_exit(0);
  if (filterSystemCalls(pass)) inForce.push_back("seccomp");
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
