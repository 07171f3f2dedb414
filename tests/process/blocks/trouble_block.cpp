// Fails in every way that only a process of its own can contain, and looks where it should not.
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <pombo/block.hpp>
#include <thread>

using namespace pombo;

namespace {

std::atomic<unsigned> turns;

[[noreturn]] void spin() {
  for (;;) ++turns;
}

class TroubleBlock final : public IBlockConfigurator, IConnector {
 public:
  std::vector<Field> fields() const override { return {{.name = "troubleHow"}}; }
  std::vector<Field> options() const override { return {{.name = "onStart", .fallback = ""}}; }

  void start(IHost& host) override {
    host_ = &host;
    host.routes().addSocket(
        {.path = "/trouble/:instance", .summary = "Listens"},
        [this](const HttpRequest&, std::shared_ptr<ISocket> socket) { socket_ = socket; });
    const auto how = Fields(host.config()).get<std::string>("onStart", "");
    if (how == "drift")
      host.routes().add({.path = "/trouble/" + std::to_string(::getpid())},
                        [](const HttpRequest&) { return HttpReply(); });
    make(how);
  }
  void configure(const Instance& instance, const Fields& slice) override {
    const auto how = slice.require<std::string>("troubleHow");
    host_->settings().save(instance.id, {{"how", how}});
    make(how);
  }
  Json summary(const Instance& instance) override {
    return host_->settings().load(instance.id).value_or(Json{{"how", nullptr}});
  }
  IConnector* connector() noexcept override { return this; }

 private:
  void make(const std::string& how) {
    if (how == "segv") ::signal(SIGSEGV, SIG_DFL), ::raise(SIGSEGV);  // not the sanitizer's
    if (how == "abort") std::abort();
    if (how == "exit") ::_exit(0);
    if (how == "loop") spin();
    if (how == "spin") std::thread(spin).detach();
    if (how == "pipe") ::shutdown(3, SHUT_RDWR);
    if (how == "stop") ::raise(SIGSTOP);
    if (how == "throw") throw Error(Code::conflict, "Trouble is trouble");
    if (how == "bug") throw std::logic_error("a secret detail");
    if (how == "foreign") throw 7;
    if (how == "print") (void)!::write(STDERR_FILENO, "a last word\n", 12);
    if (how == "memory") memory();
    if (how == "descriptors") descriptors();
    if (how == "nonsense") nonsense("no frame at all");
    if (how.starts_with("read:"))
      throw Error(Code::conflict,
                  ::open(how.c_str() + 5, O_RDONLY) < 0 ? std::strerror(errno) : "it opens");
  }
  // Until there is no more, and gives it back.
  static void memory() {
    std::vector<std::string> all;
    for (;;) all.emplace_back(std::size_t{16} << 20, 'x');
  }
  static void descriptors() {
    while (::open("/dev/null", O_RDONLY) >= 0) continue;
  }
  static void nonsense(const std::string& text) {
    const std::uint32_t header[]{static_cast<std::uint32_t>(text.size()), 0};
    (void)!::write(3, header, sizeof header);
    (void)!::write(3, text.data(), text.size());
  }

  static Json outcome(long result) { return {{"errno", result < 0 ? errno : 0}}; }

  Json perform(const Instance&, const std::string& operation, const Json& arguments) override {
    const Fields given(arguments);
    const auto path = given.get<std::string>("path", "");
    if (operation == "read") return outcome(::open(path.c_str(), O_RDONLY));
    if (operation == "write") return outcome(::open(path.c_str(), O_WRONLY | O_CREAT, 0600));
    if (operation == "list") return outcome(::open(path.c_str(), O_RDONLY | O_DIRECTORY));
    if (operation == "run") return outcome(::execl("/bin/true", "true", nullptr));
    if (operation == "fork") return outcome(forked());
    if (operation == "kill") return outcome(::kill(::getppid(), 0));
    if (operation == "trace") return outcome(::ptrace(PTRACE_ATTACH, ::getppid(), 0, 0));
    if (operation == "unix") return outcome(::socket(AF_UNIX, SOCK_STREAM, 0));
    if (operation == "tcp") return outcome(::socket(AF_INET, SOCK_STREAM, 0));
    if (operation == "user") return {{"uid", ::getuid()}, {"pid", ::getpid()}};
    if (operation == "environment") return environment();
    if (const auto attempt = attempts().find(operation); attempt != attempts().end())
      return outcome(attempt->second());
    throw Error(Code::unsupported, "No " + operation);
  }
  // What has no arguments: those that the kernel would take, or that it would refuse otherwise.
  static const std::map<std::string, long (*)()>& attempts() {
    static const std::map<std::string, long (*)()> all{
        {"shmget", [] { return ::syscall(SYS_shmget, IPC_PRIVATE, 4096, 0600); }},
        {"shmat", [] { return ::syscall(SYS_shmat, -1, nullptr, 0); }},
        {"shmctl", [] { return ::syscall(SYS_shmctl, -1, IPC_RMID, nullptr); }},
        {"semget", [] { return ::syscall(SYS_semget, IPC_PRIVATE, 1, 0600); }},
        {"semop", [] { return ::syscall(SYS_semop, -1, nullptr, 0); }},
        {"semtimedop", [] { return ::syscall(SYS_semtimedop, -1, nullptr, 0, nullptr); }},
        {"semctl", [] { return ::syscall(SYS_semctl, -1, 0, IPC_RMID, 0); }},
        {"msgget", [] { return ::syscall(SYS_msgget, IPC_PRIVATE, 0600); }},
        {"msgsnd", [] { return ::syscall(SYS_msgsnd, -1, nullptr, 0, 0); }},
        {"msgrcv", [] { return ::syscall(SYS_msgrcv, -1, nullptr, 0, 0, 0); }},
        {"msgctl", [] { return ::syscall(SYS_msgctl, -1, IPC_RMID, nullptr); }},
        {"mq_open", [] { return ::syscall(SYS_mq_open, "none", O_RDONLY, 0, nullptr); }},
        {"F_SETOWN", [] { return long{::fcntl(3, F_SETOWN, ::getppid())}; }},
        {"F_SETOWN_EX",
         [] {
           const f_owner_ex gateway{F_OWNER_PID, ::getppid()};
           return long{::fcntl(3, F_SETOWN_EX, &gateway)};
         }},
        {"F_SETSIG", [] { return long{::fcntl(3, F_SETSIG, SIGKILL)}; }},
        {"FIOSETOWN", [] { return owned(FIOSETOWN); }},
        {"SIOCSPGRP", [] { return owned(SIOCSPGRP); }},
        {"F_GETFL", [] { return ::fcntl(3, F_GETFL) < 0 ? -1L : 0L; }},
        {"FIONBIO",
         [] {
           int off = 0;
           return long{::ioctl(3, FIONBIO, &off)};
         }},
        {"PR_SET_PDEATHSIG", [] { return long{::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)}; }},
    };
    return all;
  }
  static long owned(unsigned long request) {
    const pid_t gateway = ::getppid();
    return ::ioctl(3, request, &gateway);
  }
  static pid_t forked() {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    return pid;
  }
  static Json environment() {
    boost::json::array all;
    for (char** each = environ; *each; ++each) all.emplace_back(*each);
    return all;
  }

  Link connect(const Instance&, const LinkRequest&) override { return {}; }
  void reconnect(const Instance& instance, const std::optional<Proxy>&) override {
    host_->settings().save(instance.id, {{"how", "reconnected"}});
  }
  void disconnect(const Instance&) override {}
  void logout(const Instance&) override {}
  Profile profile(const Instance&) override { return {}; }
  Media media(const Instance&, const std::string&) override { throw Error(Code::notFound, "None"); }

  IHost* host_ = nullptr;
  std::shared_ptr<ISocket> socket_;
};

}  // namespace

POMBO_BLOCK(TroubleBlock, "trouble", "1.0.0")
