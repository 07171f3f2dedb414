// Which files a block's process may open: Landlock, as far as this kernel knows it.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>

#include "process/sandbox.hpp"

namespace pombo {
namespace {

// Of kernels that are newer than the headers this may be built with.
constexpr std::uint64_t kTruncate = 1ull << 14, kIoctl = 1ull << 15;
constexpr std::uint64_t kAbstractSockets = 1ull << 0, kSignals = 1ull << 1;
struct Rules {
  std::uint64_t files = 0, network = 0, scoped = 0;
};

constexpr std::uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t kReadFolder = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWriteFile = LANDLOCK_ACCESS_FS_WRITE_FILE;
// Of its own folder. What it writes there it cannot start.
constexpr std::uint64_t kOwn = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                               kWriteFile | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                               LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                               LANDLOCK_ACCESS_FS_MAKE_REG;

// What every C library needs, and nobody keeps a secret in.
constexpr const char* kSystem[] = {"/lib",
                                   "/lib64",
                                   "/usr/lib",
                                   "/usr/lib64",
                                   "/usr/local/lib",
                                   "/usr/share",
                                   "/etc/ld.so.cache",
                                   "/etc/ld.so.conf",
                                   "/etc/ld.so.conf.d",
                                   "/etc/localtime",
                                   "/etc/resolv.conf",
                                   "/etc/hosts",
                                   "/etc/host.conf",
                                   "/etc/gai.conf",
                                   "/etc/nsswitch.conf",
                                   "/etc/services",
                                   "/etc/protocols",
                                   "/etc/ssl/certs",
                                   "/proc/self",
                                   "/dev/null",
                                   "/dev/zero",
                                   "/dev/random",
                                   "/dev/urandom"};

class Ruleset {
 public:
  explicit Ruleset(long version) {
    Rules rules;
    rules.files = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1;  // all of the first version
    if (version >= 2) rules.files |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) rules.files |= kTruncate;
    if (version >= 5) rules.files |= kIoctl;
    handled_ = rules.files;
    if (version >= 6) rules.scoped = kAbstractSockets | kSignals;
    rules_ = Descriptor(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0)));
  }

  explicit operator bool() const { return static_cast<bool>(rules_); }

  // The kernel refuses a rule about what the rules do not handle.
  bool allowOwn(int folder) const { return allow(folder, kOwn | (handled_ & kTruncate)); }

  bool allow(int file, std::uint64_t access) const {
    landlock_path_beneath_attr rule{};
    rule.allowed_access = access;
    rule.parent_fd = file;
    return ::syscall(SYS_landlock_add_rule, rules_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ==
           0;
  }

  bool enforce() const { return ::syscall(SYS_landlock_restrict_self, rules_.get(), 0) == 0; }

 private:
  std::uint64_t handled_ = 0;
  Descriptor rules_;
};

// False when there is no such file.
bool allowReading(const Ruleset& rules, const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) return false;
  struct stat kind {};
  ::fstat(file.get(), &kind);
  return rules.allow(file.get(), S_ISDIR(kind.st_mode) ? kReadFolder : kReadFile);
}

long versionHere() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

}  // namespace

bool knowsLandlock() { return versionHere() >= 1; }

bool restrictFiles(int code, const ProcessLimits& limits) {
  const long version = versionHere();
  if (version < 1) return false;
  const Ruleset rules(version);
  if (!rules || !rules.allow(code, kReadFile)) return false;
  for (const char* path : kSystem) allowReading(rules, path);
  for (const auto& path : limits.mayRead)
    if (!allowReading(rules, path)) throw std::runtime_error("process.mayRead: no " + path);
  if (!limits.folder.empty()) {
    const Descriptor folder(::open(limits.folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder || !rules.allowOwn(folder.get()))
      throw std::runtime_error("process.folder " + limits.folder + " cannot be written to");
  }
  const Descriptor nothing(::open("/dev/null", O_PATH | O_CLOEXEC));
  if (nothing) rules.allow(nothing.get(), kReadFile | kWriteFile);
  return rules.enforce();
}

}  // namespace pombo
