// Many instances in one process that some of them end, a while after they were asked for.
#include <gtest/gtest.h>

#include <set>

#include "processes.hpp"

namespace pombo {
namespace {

constexpr int kAll = 24, kLater = 14;  // calls until the end: others are at work by then

std::string nameOf(int number) { return "i-" + std::to_string(number); }

// Asks for each, in turn, and from the first again after each end, as a gateway links them, until
// all who are to blame are given up and all others are served.
class Search {
 public:
  Search(Processes& processes, std::set<std::string> bad)
      : processes_(processes), bad_(std::move(bad)) {}

  void run() {
    for (int round = 0; round < 2000; ++round)
      if (askAll() && processes_.host.counter("told_quarantined") == isize(bad_)) return;
    ADD_FAILURE() << "not all of them were found";
  }
  int ends() const { return ends_; }

 private:
  static double isize(const std::set<std::string>& set) { return static_cast<double>(set.size()); }

  // False when a process has ended, or somebody was not served.
  bool askAll() {
    bool good = true;
    for (int i = 0; i < kAll; ++i) {
      const std::string name = nameOf(i);
      const bool isBad = bad_.contains(name);
      const auto failure = errorOf([&] {
        processes_.shards.connector()->perform(instanceNamed(name), isBad ? "doom" : "state",
                                               {{"path", std::to_string(kLater)}});
      });
      if (Processes::isEnd(failure)) return waitForNext();
      good = good && (isBad || failure.empty());
    }
    return good;
  }
  bool waitForNext() {
    auto& host = processes_.host;
    ++ends_;
    EXPECT_TRUE(host.waitForTheSum("told_ended", "told_quarantined", ends_));
    EXPECT_TRUE(host.waitForCounter("told_revived", host.counter("told_ended")));
    return false;
  }

  Processes& processes_;
  const std::set<std::string> bad_;
  int ends_ = 0;
};

class ShardsSearch : public testing::TestWithParam<std::set<std::string>> {};

TEST_P(ShardsSearch, ExactlyThoseWhoEndItAreGivenUp) {
  Processes processes(1);
  processes.shards.start(processes.host);
  const auto& bad = GetParam();
  Search search(processes, bad);
  search.run();
  std::set<int> givenUp;
  for (const auto& [fate, process, its] : processes.told()) {
    if (fate != RemoteBlock::Fate::quarantined) continue;
    givenUp.insert(process);
    for (int i = 0; i < kAll; ++i)
      EXPECT_TRUE(!its({nameOf(i)}) || bad.contains(nameOf(i))) << i << " in " << process;
  }
  EXPECT_EQ(givenUp.size(), bad.size());
  for (int i = 0; i < kAll; ++i) {
    const auto failure = errorOf([&] { processes.processOf(nameOf(i)); });
    EXPECT_EQ(failure.empty(), !bad.contains(nameOf(i))) << failure;
  }
  // Each is halved out of 24 in five ends, or six, and given up after five more.
  EXPECT_LE(search.ends(), 1 + static_cast<int>(bad.size()) * 11);
}

INSTANTIATE_TEST_SUITE_P(, ShardsSearch,
                         testing::Values(std::set<std::string>{"i-5"}, std::set<std::string>{"i-0"},
                                         std::set<std::string>{"i-23"},
                                         std::set<std::string>{"i-5", "i-17"}));

}  // namespace
}  // namespace pombo
