#include "net/names.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>

#include "gate.hpp"

namespace pombo {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const Names::Addresses kOne{*addressOf("192.0.2.1")}, kTwo{*addressOf("2001:db8::2")};

// A resolver that a test answers for, and a clock that it moves.
class NamesTest : public ::testing::Test {
 protected:
  static constexpr int kThreads = 8;  // one of them is for names that have resolved before

  // What is known of it once it has been looked up, if it has to be: an address, or nothing.
  std::string answerFor(const std::string& host) {
    if (const auto known = names_.known(host)) return shown(*known);
    std::unique_lock lock(told_->mutex);
    told_->came.wait(lock, [&] { return told_->hosts.erase(host) > 0; });
    lock.unlock();
    return shown(names_.known(host).value());
  }
  static std::string shown(const Names::Addresses& all) {
    return all.empty() ? "" : textOf(all.front());
  }
  void setAnswer(const Names::Addresses& addresses) {
    const std::lock_guard lock(told_->mutex);
    told_->answer = addresses;
  }
  void advance(std::chrono::milliseconds time) { clock_ = clock_.load() + time.count(); }

  struct Told {
    std::mutex mutex;  // guards the rest
    std::condition_variable came;
    std::multiset<std::string> hosts;
    Names::Addresses answer = kOne;
    std::atomic<int> lookUps = 0;
  };
  const std::shared_ptr<Told> told_ = std::make_shared<Told>();
  Gate gate_;
  std::atomic<std::int64_t> clock_ = 1'000'000'000;  // ms
  Names names_{
      [told = told_, wait = gate_.wait()](const std::string& host) {
        if (host.starts_with("silent")) {
          wait();
          return Names::Addresses();
        }
        ++told->lookUps;
        const std::lock_guard lock(told->mutex);
        return told->answer;
      },
      [told = told_](const std::string& host) {
        const std::lock_guard lock(told->mutex);
        told->hosts.insert(host);
        told->came.notify_all();
      },
      kThreads,
      [this] { return std::chrono::steady_clock::time_point(std::chrono::milliseconds(clock_)); }};
};

TEST_F(NamesTest, AnAnswerHoldsForAMinute) {
  EXPECT_EQ(answerFor("shop.test"), "192.0.2.1");
  setAnswer(kTwo);
  advance(seconds(59));
  EXPECT_EQ(answerFor("shop.test"), "192.0.2.1");
  EXPECT_EQ(told_->lookUps, 1);
  advance(seconds(1));
  EXPECT_EQ(answerFor("shop.test"), "2001:db8::2");
}

TEST_F(NamesTest, AFailureHoldsForFiveSeconds) {
  setAnswer({});
  EXPECT_EQ(answerFor("shop.test"), "");
  setAnswer(kOne);
  advance(seconds(4));
  EXPECT_EQ(answerFor("shop.test"), "");
  advance(seconds(1));
  EXPECT_EQ(answerFor("shop.test"), "192.0.2.1");
}

TEST_F(NamesTest, WhoHadAddressesKeepsThemForTenMinutesWithoutAnAnswer) {
  answerFor("shop.test");
  setAnswer({});
  advance(minutes(10));
  EXPECT_EQ(answerFor("shop.test"), "192.0.2.1");
  advance(minutes(1));
  EXPECT_EQ(answerFor("shop.test"), "");
}

TEST_F(NamesTest, ManyWhoseServersAreSilentKeepNobodyWaitingWhoHasResolvedBefore) {
  answerFor("shop.test");
  advance(minutes(2));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(names_.known("silent" + std::to_string(i)));
  EXPECT_EQ(answerFor("shop.test"), "192.0.2.1");
  EXPECT_EQ(told_->lookUps, 2);
}

TEST_F(NamesTest, ItsEndWaitsForNobody) {
  auto names = std::make_unique<Names>(
      [wait = gate_.wait()](const std::string&) {
        wait();
        return kOne;
      },
      [](const std::string&) { ADD_FAILURE() << "told when there is nobody any more"; });
  EXPECT_FALSE(names->known("silent"));
  names.reset();
  gate_.open();
}

}  // namespace
}  // namespace pombo
