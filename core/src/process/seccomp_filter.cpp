// Which system calls a block's process may make. A list of what is refused, not of what is allowed:
// a block brings libraries that nobody here knows.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <initializer_list>

#include "process/sandbox.hpp"

namespace pombo {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// Refused whatever their arguments: other programs, other processes, the kernel, the machine, and
// what System V and mqueues keep: no limit of memory sees it, and it outlives the process.
constexpr int kRefused[] = {
    SYS_execve,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_process_madvise,
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsmount,
    SYS_fsconfig,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
    SYS_syslog,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_personality,
    SYS_vhangup,
    SYS_setpriority,
    SYS_sched_setscheduler,
    SYS_sched_setparam,
    SYS_sched_setattr,
    SYS_sched_setaffinity,
    SYS_ioprio_set,
    SYS_migrate_pages,
    SYS_move_pages,
    SYS_fanotify_init,
    SYS_lookup_dcookie,
    SYS_nfsservctl,
    SYS_shmget,
    SYS_shmat,
    SYS_shmctl,
    SYS_semget,
    SYS_semop,
    SYS_semtimedop,
    SYS_semctl,
    SYS_msgget,
    SYS_msgsnd,
    SYS_msgrcv,
    SYS_msgctl,
    SYS_mq_open,
#if defined(__x86_64__)
    SYS_fork,
    SYS_vfork,
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
    SYS_kexec_file_load,
#endif
};

constexpr std::uint32_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                         CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// Statements of the kernel's small machine, in the order they are written.
class Program {
 public:
  void load(std::size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void loadArgument(int which) {  // its lower half
    load(offsetof(seccomp_data, args) + static_cast<std::size_t>(which) * sizeof(std::uint64_t));
  }
  void answer(std::uint32_t with) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, with)); }
  // The next `skip` statements are for what is equal, or has one of these bits.
  void unlessEqual(std::uint32_t value, std::uint8_t skip) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip));
  }
  void unlessAny(std::uint32_t bits, std::uint8_t skip) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, skip));
  }
  void ifEqual(std::uint32_t value, std::uint8_t skip) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0));
  }
  void ifAny(std::uint32_t bits, std::uint8_t skip) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, skip, 0));
  }

  bool install() {
    sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) ==
           0;
  }

 private:
  std::vector<sock_filter> code_;
};

constexpr std::uint32_t kNo = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kYes = SECCOMP_RET_ALLOW;

void whole(Program& program, int call, std::uint32_t with) {
  program.unlessEqual(static_cast<std::uint32_t>(call), 1);
  program.answer(with);
}

// Only when the first argument is this process, or nobody in particular: 0 is oneself.
void towardsItself(Program& program, int call, bool zeroToo) {
  program.unlessEqual(static_cast<std::uint32_t>(call), zeroToo ? 5 : 4);
  program.loadArgument(0);
  if (zeroToo) program.ifEqual(0, 2);
  program.ifEqual(static_cast<std::uint32_t>(::getpid()), 1);
  program.answer(kNo);
  program.answer(kYes);
}

// Anything but what these values of one argument stand for.
void except(Program& program, int call, int argument,
            std::initializer_list<std::uint32_t> refused) {
  const auto all = static_cast<std::uint8_t>(2 * refused.size() + 2);
  program.unlessEqual(static_cast<std::uint32_t>(call), all);
  program.loadArgument(argument);
  for (const auto value : refused) {
    program.unlessEqual(value, 1);
    program.answer(kNo);
  }
  program.answer(kYes);
}

// One program may be started: by whoever knows the number. The kernel does not look at this
// argument, and what is started finds it neither in its memory nor in its registers.
void startingWith(Program& program, const std::optional<std::uint64_t>& pass) {
  if (!pass) return whole(program, SYS_execveat, kNo);
  const auto half = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  constexpr auto at = offsetof(seccomp_data, args) + 5 * sizeof(std::uint64_t);
  program.unlessEqual(static_cast<std::uint32_t>(SYS_execveat), 6);
  program.load(at);
  program.unlessEqual(half(*pass), 3);
  program.load(at + sizeof(std::uint32_t));
  program.unlessEqual(half(*pass >> 32), 1);
  program.answer(kYes);
  program.answer(kNo);
}

}  // namespace

bool knowsSeccomp() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  return kArchitecture && ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool filterSystemCalls(const std::optional<std::uint64_t>& pass) {
  if (!kArchitecture) return false;
  Program program;
  program.load(offsetof(seccomp_data, arch));
  program.ifEqual(kArchitecture, 1);
  program.answer(SECCOMP_RET_KILL_PROCESS);
  program.load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
  program.unlessAny(0x40000000, 1);  // the same calls under other numbers
  program.answer(kNo);
#endif
  for (const int call : kRefused) whole(program, call, kNo);
  startingWith(program, pass);
  // Its arguments are out of sight; the C library takes clone() instead.
  whole(program, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
  for (const int call :
       {SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo})
    towardsItself(program, call, false);
  towardsItself(program, SYS_prlimit64, true);
  // The kernel sends the owner of a descriptor any signal that is asked for, SIGKILL too.
  except(program, SYS_fcntl, 1, {F_SETOWN, F_SETSIG, F_SETOWN_EX});
  except(program, SYS_ioctl, 1, {FIOSETOWN, SIOCSPGRP});
  except(program, SYS_prctl, 0, {PR_SET_PDEATHSIG});  // it ends with the gateway
  // A thread, but neither a process nor a namespace.
  program.unlessEqual(static_cast<std::uint32_t>(SYS_clone), 5);
  program.loadArgument(0);
  program.ifAny(kNewNamespaces, 2);
  program.unlessAny(CLONE_THREAD, 1);
  program.answer(kYes);
  program.answer(kNo);
  // No local servers, which may take the gateway's user for the gateway; TCP and UDP only.
  program.unlessEqual(static_cast<std::uint32_t>(SYS_socket), 5);
  program.loadArgument(0);
  program.ifEqual(AF_INET, 2);
  program.ifEqual(AF_INET6, 1);
  program.answer(kNo);
  program.answer(kYes);
  program.answer(kYes);
  return program.install();
}

}  // namespace pombo
