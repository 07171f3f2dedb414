// What a call into a block costs, inside and in a process of its own, one after the other.
//   bench_call <pombo-block-host> <greeter.so> <calls>
// health(): there and back; summary(): and once back and there, because it loads its settings.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "block/loader.hpp"
#include "pombo/testing/fake_host.hpp"
#include "process/remote_block.hpp"

namespace {

using namespace pombo;
using Clock = std::chrono::steady_clock;

const Instance kShop{{"i-1"}, {"a-1"}, "shop", "none", "disconnected", "", {}};

boost::json::object measured(int calls, const std::function<void()>& call) {
  for (int i = 0; i < calls / 10; ++i) call();
  std::vector<double> all;
  for (int i = 0; i < calls; ++i) {
    const auto begin = Clock::now();
    call();
    all.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  std::sort(all.begin(), all.end());
  return {{"p50", all[all.size() / 2]}, {"p99", all[all.size() * 99 / 100]}};
}

double perSecond(int callers, int calls, const std::function<void()>& call) {
  const auto begin = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < calls / callers; ++j) call();
    });
  for (auto& thread : threads) thread.join();
  return calls / std::chrono::duration<double>(Clock::now() - begin).count();
}

boost::json::object costOf(IBlockConfigurator& block, int calls) {
  boost::json::object cost;
  cost["health"] = measured(calls, [&] { block.health(); });
  cost["summary"] = measured(calls, [&] { block.summary(kShop); });
  cost["healthPerSecond16"] = perSecond(16, calls, [&] { block.health(); });
  return cost;
}

// What is nobody else's, and the share of what is others' too, in KiB.
boost::json::object memoryOf(std::int64_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::int64_t pss = 0, dirty = 0;
  for (std::string word; in >> word;) {
    if (word == "Pss:") in >> pss;
    if (word == "Private_Dirty:") in >> dirty;
  }
  return {{"pssKiB", pss}, {"privateDirtyKiB", dirty}};
}

std::int64_t onlyChild() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream in(task.path() / "children");
    if (std::int64_t pid = 0; in >> pid) return pid;
  }
  throw std::runtime_error("there is no process to look at");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string program = argv[1], library = argv[2];
  const int calls = std::stoi(argv[3]);
  const auto metadata = inspect(library);
  boost::json::object report;
  {
    FakeHost host;
    const auto block = load(library);
    block->start(host);
    report["inside"] = costOf(*block, calls);
    block->stop();
  }
  FakeHost host;
  Isolation isolation;
  isolation.name = metadata.name;
  isolation.version = metadata.version;
  isolation.child = {.program = program, .library = library, .limits = {}};
  RemoteBlock block(isolation, nullptr);
  block.start(host);
  report["idle"] = memoryOf(onlyChild());
  report["process"] = costOf(block, calls);
  block.stop();
  std::cout << boost::json::serialize(report) << '\n';
}
