// One life of a block's process: born in the constructor, dead and buried after the destructor.
#pragma once

#include <sys/types.h>

#include "process/peer.hpp"

namespace pombo {

// What a block's process may use; from the YAML file.
struct ProcessLimits {
  std::int64_t memoryMb = 512;
  std::int64_t openFiles = 256;
  std::int64_t cpuSeconds = 60;           // without a pause; 0: any
  std::vector<std::string> mayRead = {};  // files and folders beside the system's libraries
  std::string folder = {};  // absolute; a program's own, which it may write in; empty: none
  bool operator==(const ProcessLimits&) const = default;
};
BOOST_DESCRIBE_STRUCT(ProcessLimits, (), (memoryMb, openFiles, cpuSeconds, mayRead, folder))

struct ChildOptions {
  std::string program;  // pombo-block-host
  std::string library;  // absolute
  ProcessLimits limits;
};

class Child {
 public:
  // On a thread that outlives the child: the kernel ends a process with the thread that made it.
  // `said` is given what the process writes on its standard output and error, line by line, on the
  // thread that calls peer.serve(), which is the owner's to do.
  Child(const ChildOptions&, std::function<void(const std::string& line)> said);
  ~Child();

  void kill(const std::string& why);  // its calls fail at once; harmless when it is dead
  // Waits for its end: "was killed by signal 11", "exited with status 0", "did not answer in time".
  std::string epitaph();

  Peer peer;

 private:
  struct Born {
    int pipe, output;
    pid_t pid;
  };
  static Born spawn(const ChildOptions&);
  Child(Born, const ChildOptions&, std::function<void(const std::string&)> said);
  void look();
  void listen(int most);
  std::string bury();

  const ProcessLimits limits_;
  const std::function<void(const std::string&)> said_;
  const Descriptor output_;
  std::chrono::nanoseconds usedBefore_{}, usedAtPause_{};
  Peer::Deadline lookedAt_ = Peer::Clock::now();

  std::mutex mutex_;  // guards all below
  pid_t pid_;         // 0: buried
  std::string epitaph_;
  std::string line_;  // of its output, that has not ended yet
};

}  // namespace pombo
