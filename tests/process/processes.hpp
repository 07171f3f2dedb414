// A program in several processes, tests/process/blocks/caged_program.py, and what is told of them.
#pragma once

#include "caged.hpp"
#include "process/shards.hpp"

namespace pombo {

using Fate = RemoteBlock::Fate;

inline Instance instanceNamed(const std::string& name) {
  Instance instance = kShop;
  instance.id = {name};
  return instance;
}

class Processes {
 public:
  explicit Processes(
      int count, const std::function<void(Isolation&)>& adjust = [](Isolation&) {})
      : shards(
            [&] {
              Isolation isolation = cagedIn(around.folder());
              adjust(isolation);
              return isolation;
            }(),
            count,
            [this](Fate fate, int process, const Shards::Its& its) { tell(fate, process, its); }) {}
  ~Processes() { shards.stop(); }

  struct Told {
    Fate fate;
    int process;
    Shards::Its its;
  };

  Json perform(const std::string& instance, const std::string& operation,
               const std::string& path = "/") {
    auto& block = static_cast<IBlockConfigurator&>(shards);
    return block.connector()->perform(instanceNamed(instance), operation, {{"path", path}});
  }
  std::int64_t processOf(const std::string& instance) {
    return perform(instance, "state").at("process").as_int64();
  }
  // Whether this is what a call fails with that the process has ended in.
  static bool isEnd(const std::string& failure) {
    return failure.ends_with(": The caged block exited with status 7");
  }
  // Ends the process that has it; returns when there is another.
  void end(const std::string& instance) {
    const double before = host.counter("told_revived");
    EXPECT_TRUE(isEnd(errorOf([&] { perform(instance, "exit"); })));
    EXPECT_TRUE(host.waitForCounter("told_revived", before + 1));
  }
  std::vector<Told> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

  Around around;
  SharedHost host;
  // Called by whoever tells, before it counts; set while nobody does.
  std::function<void(Fate)> meanwhile;

 private:
  void tell(Fate fate, int process, const Shards::Its& its) {
    {
      const std::lock_guard lock(mutex_);
      told_.push_back({fate, process, its});
    }
    if (meanwhile) meanwhile(fate);
    host.metrics().count(std::string("told_") + nameOf(fate), 1);
  }
  static const char* nameOf(Fate fate) {
    return fate == Fate::ended ? "ended" : fate == Fate::revived ? "revived" : "quarantined";
  }

  std::mutex mutex_;  // guards the one below
  std::vector<Told> told_;

 public:
  Shards shards;
};

}  // namespace pombo
