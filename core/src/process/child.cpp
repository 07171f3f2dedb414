#include "process/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "process/protocol.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

constexpr Peer::Limits kOfAChild{kMostCalls, kMostCallsOfCore, 5s, kLongestSilence, kPingEvery};
constexpr std::size_t kLongestLine = 1024;
constexpr int kMostLines = 20, kMostLastLines = 200;  // at a look, and of a report of its end

struct Ends {
  Descriptor ours, theirs;
};

// Numbers above those that the child will find its own under.
Descriptor aside(int fd) {
  const Descriptor original(fd);
  return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, kPipe + 1));
}

Ends socketPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error(Code::unavailable, "No socket pair");
  return {aside(ends[0]), aside(ends[1])};
}

// The writing end does not wait: a block that prints more than is read loses it.
Ends outputPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw Error(Code::unavailable, "No pipe");
  return {aside(ends[0]), aside(ends[1])};
}

constexpr const char* kPassedOn[] = {
    "LANG",         "LC_ALL",       "TZ",
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS",
#endif
};

// Nothing of ours, which has secrets, but what says how to write dates.
std::vector<std::string> environmentOfAChild() {
  std::vector<std::string> all{"PATH=/usr/bin:/bin"};
  for (const char* name : kPassedOn)
    if (const char* value = std::getenv(name)) all.push_back(std::string(name) + "=" + value);
  return all;
}

std::vector<char*> pointersTo(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

class Actions {
 public:
  Actions(int pipe, int output) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files, pipe, kPipe);
    posix_spawn_file_actions_addclosefrom_np(&files, kPipe + 1);
    posix_spawnattr_init(&attributes);
    // A terminal's Ctrl-C is for the gateway; and what we block or ignore is our own affair.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Actions() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

std::chrono::nanoseconds processorTimeOf(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0ns;
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::int64_t residentBytesOf(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
  std::int64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

Child::Born Child::spawn(const ChildOptions& options) {
  const Ends pipe = socketPair(), output = outputPipe();
  if (!pipe.ours || !pipe.theirs || !output.ours || !output.theirs)
    throw Error(Code::unavailable, "No descriptor is free");
  const Actions actions(pipe.theirs.get(), output.theirs.get());
  std::vector<std::string> arguments{
      options.program, options.library,
      boost::json::serialize(boost::json::value_from(options.limits))};
  auto environment = environmentOfAChild();
  pid_t pid = 0;
  const int failed =
      ::posix_spawn(&pid, options.program.c_str(), &actions.files, &actions.attributes,
                    pointersTo(arguments).data(), pointersTo(environment).data());
  if (failed)
    throw Error(Code::unavailable,
                options.program + ": " + std::generic_category().message(failed));
  return {::fcntl(pipe.ours.get(), F_DUPFD_CLOEXEC, 0),
          ::fcntl(output.ours.get(), F_DUPFD_CLOEXEC, 0), pid};
}

Child::Child(const ChildOptions& options, std::function<void(const std::string&)> said)
    : Child(spawn(options), options, std::move(said)) {}

Child::Child(Born born, const ChildOptions& options, std::function<void(const std::string&)> said)
    : peer(born.pipe, kOfAChild),
      limits_(options.limits),
      said_(std::move(said)),
      output_(born.output),
      pid_(born.pid) {
  peer.look = [this] { look(); };
}

Child::~Child() {
  peer.hangUp("was let go");
  epitaph();
}

void Child::kill(const std::string& why) {
  peer.hangUp(why);
  const std::lock_guard lock(mutex_);
  if (pid_) ::kill(pid_, SIGKILL);
}

std::string Child::epitaph() {
  const std::lock_guard lock(mutex_);
  if (pid_) epitaph_ = bury();
  return epitaph_;
}

// Its pipe is closed: what does not end by itself has no purpose.
std::string Child::bury() {
  const std::string why = peer.why();
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  const bool byItself = why == kClosed && process && ::poll(&ended, 1, 500) > 0;
  if (!byItself) ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = 0;
  listen(kMostLastLines);
  if (!line_.empty()) said_(line_);
  if (!byItself) return why;
  return WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status))
                             : "exited with status " + std::to_string(WEXITSTATUS(status));
}

void Child::look() {
  pid_t pid = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!(pid = pid_)) return;
    listen(kMostLines);
  }
  if (residentBytesOf(pid) > limits_.memoryMb << 20)
    return kill("used more than " + std::to_string(limits_.memoryMb) + " MiB of memory");
  const auto now = Peer::Clock::now();
  const auto used = processorTimeOf(pid);
  // A tenth of a processor is a pause: a loop gets more, also beside others.
  if (used - usedBefore_ < (now - lookedAt_) / 10) usedAtPause_ = used;
  usedBefore_ = used;
  lookedAt_ = now;
  if (limits_.cpuSeconds > 0 && used - usedAtPause_ > std::chrono::seconds(limits_.cpuSeconds))
    kill("used a processor for " + std::to_string(limits_.cpuSeconds) + " s without a pause");
}

void Child::listen(int most) {
  char bytes[4096];
  for (int lines = 0; lines < most;) {
    const auto got = ::read(output_.get(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (const char c : std::string_view(bytes, static_cast<std::size_t>(got))) {
      if (c != '\n' && line_.size() < kLongestLine) line_.push_back(c);
      if (c != '\n' && line_.size() < kLongestLine) continue;
      if (!line_.empty() && lines++ < most) said_(line_);
      line_.clear();
    }
  }
}

}  // namespace pombo
