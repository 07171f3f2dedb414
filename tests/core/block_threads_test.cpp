#include "block/block_threads.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <thread>

#include "gate.hpp"
#include "observe/logger.hpp"
#include "observe/request_scope.hpp"
#include "observe/waiting.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class BlockThreadsTest : public ::testing::Test {
 protected:
  BlockCall call(std::function<Json()> run, std::chrono::milliseconds budget = 1h) {
    return {.standing = standing_, .log = &log_, .what = "x", .budget = budget, .run = run};
  }
  // One that is not back before the gate is opened.
  BlockCall stalled() {
    return call(
        [wait = gate_.wait()]() -> Json {
          wait();
          return "too late";
        },
        1ms);
  }
  void untilAllAreBack() {
    while (standing_->missing() != 0) std::this_thread::yield();
  }

  Log log_{"off"};
  const std::shared_ptr<Standing> standing_ = std::make_shared<Standing>("slow");
  BlockThreads threads_;
  Gate gate_;  // after the threads: opened before they are waited for
};

TEST_F(BlockThreadsTest, CallsRunInOrderOnOneThreadThatIsNotTheCallers) {
  std::vector<std::thread::id> ran;
  std::vector<BlockCall> calls;
  for (int i = 0; i < 3; ++i)
    calls.push_back(call([&ran, i]() -> Json {
      ran.push_back(std::this_thread::get_id());
      return i;
    }));
  threads_.run(calls);
  ASSERT_EQ(ran.size(), 3u);
  EXPECT_NE(ran[0], std::this_thread::get_id());
  EXPECT_EQ(std::vector(3, ran[0]), ran);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(calls[std::size_t(i)].result, Json(i));
    EXPECT_EQ(calls[std::size_t(i)].failure, nullptr);
  }
}

TEST_F(BlockThreadsTest, WhatIsTrustedRunsOnTheCallersThreadInItsPlaceAmongTheOthers) {
  std::vector<std::thread::id> ran;
  std::vector<BlockCall> calls;
  for (int i = 0; i < 3; ++i)
    calls.push_back(call([&ran]() -> Json {
      ran.push_back(std::this_thread::get_id());
      throw Error(Code::invalid, "no");
    }));
  calls[1].inPlace = true;
  threads_.run(calls);
  ASSERT_EQ(ran.size(), 3u);
  EXPECT_NE(ran[0], std::this_thread::get_id());
  EXPECT_EQ(ran[1], std::this_thread::get_id());
  EXPECT_NE(ran[2], std::this_thread::get_id());
  for (const auto& each : calls) EXPECT_STREQ(each.failure->what(), "no");
}

TEST_F(BlockThreadsTest, NoCallsAreNothing) {
  std::vector<BlockCall> none;
  threads_.run(none);
  EXPECT_EQ(standing_->writtenOff(), 0);
}

TEST_F(BlockThreadsTest, AFailureIsItsCallsOwn) {
  std::vector<BlockCall> calls{call([]() -> Json { throw Error(Code::rateLimited, "Slower", 7s); }),
                               call([]() -> Json { throw std::runtime_error("secret"); }),
                               call([]() -> Json { throw 42; }),
                               call([]() -> Json { return "fine"; })};
  threads_.run(calls);
  ASSERT_NE(calls[0].failure, nullptr);
  EXPECT_EQ(calls[0].failure->code, Code::rateLimited);
  EXPECT_STREQ(calls[0].failure->what(), "Slower");
  EXPECT_EQ(calls[0].failure->retryAfter, 7s);
  EXPECT_STREQ(calls[1].failure->what(), "internal error");
  EXPECT_STREQ(calls[2].failure->what(), "internal error");
  EXPECT_EQ(calls[3].result, Json("fine"));
}

TEST_F(BlockThreadsTest, WhatDoesNotComeBackIsLeftBehindAndTheRestGoesOn) {
  std::vector<BlockCall> calls{call([]() -> Json { return "before"; }), stalled(),
                               call([]() -> Json { return "after"; })};
  threads_.run(calls);
  EXPECT_EQ(calls[0].result, Json("before"));
  ASSERT_NE(calls[1].failure, nullptr);
  EXPECT_EQ(calls[1].failure->code, Code::timedOut);
  EXPECT_STREQ(calls[1].failure->what(), "The slow block did not answer in time");
  EXPECT_EQ(calls[1].result, Json());
  EXPECT_EQ(calls[2].result, Json("after"));
  EXPECT_EQ(standing_->writtenOff(), 1);
  EXPECT_EQ(standing_->missing(), 1);
  gate_.open();
  untilAllAreBack();
  EXPECT_EQ(calls[1].result, Json()) << "nobody wants it any longer";
  EXPECT_EQ(standing_->writtenOff(), 1);
}

TEST_F(BlockThreadsTest, AShortBudgetAfterALongOneIsKept) {
  // Were the second call waited for as long as the first may take, this would not end.
  std::vector<BlockCall> calls{call([]() -> Json { return "before"; }, 1000h), stalled()};
  threads_.run(calls);
  EXPECT_EQ(calls[0].result, Json("before"));
  EXPECT_EQ(calls[1].failure->code, Code::timedOut);
}

TEST_F(BlockThreadsTest, ABlockThatKeepsFourIsAskedNothingUntilOneIsBack) {
  for (int i = 0; i < kMostMissing; ++i) {
    EXPECT_FALSE(standing_->quarantined());
    std::vector<BlockCall> calls{stalled()};
    threads_.run(calls);
  }
  EXPECT_TRUE(standing_->quarantined());
  bool asked = false;
  const auto ask = [&] {
    std::vector<BlockCall> calls{call([&]() -> Json {
      asked = true;
      return nullptr;
    })};
    threads_.run(calls);
    return calls[0].failure;
  };
  const Failure refused = ask();
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->code, Code::unavailable);
  EXPECT_STREQ(refused->what(), "The slow block is in quarantine: 4 of its calls have not ended");
  EXPECT_FALSE(asked);
  gate_.open();
  untilAllAreBack();
  EXPECT_EQ(ask(), nullptr);
  EXPECT_TRUE(asked);
}

TEST_F(BlockThreadsTest, ACallHasItsRequestAndThreeQuartersOfItsTimeAtMost) {
  const auto end = Clock::now() + 1h;
  bool open = true;
  const RequestScope scope("r-1", end, [&] { return open; });
  std::vector<BlockCall> calls{call(
      [&]() -> Json {
        const auto* mine = RequestScope::current();
        EXPECT_EQ(mine->id(), "r-1");
        EXPECT_LE(mine->deadline(), Clock::now() + 45min);
        EXPECT_GT(mine->deadline(), Clock::now() + 40min);
        EXPECT_TRUE(mine->claim());
        open = false;
        EXPECT_FALSE(mine->claim());
        return nullptr;
      },
      10h)};
  threads_.run(calls);
  EXPECT_EQ(calls[0].failure, nullptr);
}

TEST_F(BlockThreadsTest, ACallThatWasGivenUpClaimsNothing) {
  std::promise<bool> claimed;
  const RequestScope scope("r-1", Clock::now() + 1h, [] { return true; });
  std::vector<BlockCall> calls{call(
      [&claimed, wait = gate_.wait()]() -> Json {
        wait();
        claimed.set_value(RequestScope::current()->claim());
        return nullptr;
      },
      1ms)};
  threads_.run(calls);
  gate_.open();
  EXPECT_FALSE(claimed.get_future().get());
  untilAllAreBack();
}

struct Waits final : IWaitObserver {
  std::atomic<int> count{0};
  void waits() noexcept override { ++count; }
};

TEST_F(BlockThreadsTest, ACallGivesTheCallersTurnAwayUntilItIsGivenUp) {
  Waits waits;
  waitObserver = &waits;
  std::vector<BlockCall> calls{call([]() -> Json {
                                 aboutToWait();
                                 return nullptr;
                               }),
                               call(
                                   [wait = gate_.wait()]() -> Json {
                                     wait();
                                     aboutToWait();
                                     return nullptr;
                                   },
                                   1ms)};
  threads_.run(calls);
  waitObserver = nullptr;
  EXPECT_EQ(waits.count, 1);
  gate_.open();
  untilAllAreBack();
  EXPECT_EQ(waits.count, 1);
}

TEST_F(BlockThreadsTest, ManyAtOnceDoNotWaitForEachOther) {
  constexpr int kMany = 16;
  std::latch together(kMany);
  std::vector<std::jthread> callers;
  for (int i = 0; i < kMany; ++i)
    callers.emplace_back([&] {
      std::vector<BlockCall> calls{call([&]() -> Json {
        together.arrive_and_wait();
        return nullptr;
      })};
      threads_.run(calls);
      EXPECT_EQ(calls[0].failure, nullptr);
    });
}

TEST_F(BlockThreadsTest, ACallMayAskForMoreCalls) {
  std::vector<BlockCall> calls{call([this]() -> Json {
    std::vector<BlockCall> inner{call([]() -> Json { return "inner"; })};
    threads_.run(inner);
    return inner[0].result;
  })};
  threads_.run(calls);
  EXPECT_EQ(calls[0].result, Json("inner"));
}

}  // namespace
}  // namespace pombo
