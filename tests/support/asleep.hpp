// To wait for a thread of the same process that waits itself.
#pragma once

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace pombo {

// Returns once the kernel says that the thread sleeps, and goes on saying so.
inline void untilAsleep(const std::atomic<pid_t>& thread) {
  for (int seen = 0; seen < 5; std::this_thread::yield()) {
    if (thread == 0) continue;
    std::ifstream in("/proc/self/task/" + std::to_string(thread) + "/stat");
    const std::string stat{std::istreambuf_iterator<char>(in), {}};
    const auto name = stat.rfind(')');  // the name of a thread may hold anything
    seen = name != stat.npos && stat.size() > name + 2 && stat[name + 2] == 'S' ? seen + 1 : 0;
  }
}

}  // namespace pombo
