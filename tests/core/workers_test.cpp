#include "http/workers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>

namespace pombo {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

void never() { ADD_FAILURE() << "it was within its budget"; }

TEST(WorkersTest, RunsEveryTaskOnce) {
  std::atomic<int> ran{0};
  std::latch all(500);
  Workers workers(4, 1'000);
  for (int i = 0; i < 500; ++i)
    EXPECT_TRUE(workers.post(
        [&] {
          ++ran;
          all.count_down();
        },
        hours(1), never));
  all.wait();
  EXPECT_EQ(ran, 500);
  EXPECT_EQ(workers.writtenOff(), 0);
}

TEST(WorkersTest, TakesTasksFromManyThreads) {
  std::atomic<int> ran{0};
  {
    Workers workers(4, 10'000);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) EXPECT_TRUE(workers.post([&] { ++ran; }, hours(1), never));
      });
    threads.clear();
  }
  EXPECT_EQ(ran, 1'600);
}

TEST(WorkersTest, ThoseThatWaitForOneAnotherAllGetAThread) {
  constexpr int kThreads = 8;
  std::barrier together(kThreads);
  std::latch all(kThreads);
  Workers workers(kThreads, 100);
  for (int i = 0; i < kThreads; ++i)
    workers.post(
        [&] {
          together.arrive_and_wait();
          all.count_down();
        },
        hours(1), never);
  all.wait();
  EXPECT_EQ(workers.writtenOff(), 0);
}

// A task that has begun and does not end before release(), whose budget is up. One that the queue
// has kept for too long never begins: then another is posted.
class Stuck {
 public:
  explicit Stuck(Workers& workers) {
    while (!shared_->begun) {
      workers.post([shared = shared_] { shared->run(); }, milliseconds(5),
                   [shared = shared_] { shared->overrun(); });
      ++posted_;
      shared_->answered.acquire();
    }
  }
  void release() { shared_->released.count_down(); }
  int unexpectedAnswers() const { return shared_->answers - posted_; }
  std::thread::id thread() const { return shared_->thread; }
  std::thread::id watch() const { return shared_->watch; }

 private:
  struct Shared {  // with the task, which outlives the workers, and perhaps the test
    std::atomic<bool> begun{false};
    std::atomic<int> answers{0};
    std::latch released{1};
    std::counting_semaphore<> answered{0};
    std::thread::id thread, watch;

    void run() {
      thread = std::this_thread::get_id();
      begun = true;
      released.wait();
    }
    void overrun() {
      watch = std::this_thread::get_id();
      ++answers;
      answered.release();
    }
  };
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  int posted_ = 0;
};

TEST(WorkersTest, AnOverrunIsAnsweredForOnceAndItsThreadReplaced) {
  std::latch next{1};
  std::thread::id fresh;
  Workers workers(1, 8);
  Stuck stuck(workers);
  EXPECT_EQ(workers.writtenOff(), 1);
  EXPECT_EQ(workers.strays(), 1);
  EXPECT_TRUE(workers.post(
      [&] {
        fresh = std::this_thread::get_id();
        next.count_down();
      },
      hours(1), never));
  next.wait();
  EXPECT_NE(fresh, stuck.thread());
  EXPECT_NE(fresh, stuck.watch());
  stuck.release();
  while (workers.strays() > 0) std::this_thread::yield();
  EXPECT_EQ(stuck.unexpectedAnswers(), 0);
  EXPECT_EQ(workers.writtenOff(), 1);
}

TEST(WorkersTest, ManyThatAreStuckHoldUpNobody) {
  Workers workers(2, 100);
  std::vector<std::unique_ptr<Stuck>> all;
  for (int i = 0; i < 6; ++i) all.push_back(std::make_unique<Stuck>(workers));
  EXPECT_EQ(workers.writtenOff(), 6);
  EXPECT_EQ(workers.strays(), 6);
  std::latch served{1};
  workers.post([&] { served.count_down(); }, hours(1), never);
  served.wait();
  for (const auto& each : all) each->release();
  while (workers.strays() > 0) std::this_thread::yield();
  for (const auto& each : all) EXPECT_EQ(each->unexpectedAnswers(), 0);
}

TEST(WorkersTest, ATaskThatHasNotBegunInTimeNeverDoes) {
  std::latch started{1}, release{1}, answered{1};
  std::atomic<int> ran{0};
  {
    Workers workers(1, 8);
    workers.post(
        [&] {
          started.count_down();
          release.wait();
        },
        hours(1), never);
    started.wait();
    EXPECT_TRUE(workers.post([&] { ++ran; }, milliseconds(1), [&] { answered.count_down(); }));
    answered.wait();
    EXPECT_EQ(workers.writtenOff(), 0) << "no thread was lost";
    release.count_down();
  }
  EXPECT_EQ(ran, 0);
}

TEST(WorkersTest, AFullQueueTakesNoMore) {
  std::latch started{1}, release{1};
  std::atomic<int> ran{0};
  {
    Workers workers(1, 2);
    EXPECT_TRUE(workers.post(
        [&] {
          started.count_down();
          release.wait();
          ++ran;
        },
        hours(1), never));
    started.wait();
    EXPECT_TRUE(workers.post([&] { ++ran; }, hours(1), never));
    EXPECT_TRUE(workers.post([&] { ++ran; }, hours(1), never));
    EXPECT_FALSE(workers.post([&] { ran = 100; }, hours(1), never));
    release.count_down();
  }
  EXPECT_EQ(ran, 3);
}

TEST(WorkersTest, WithoutAQueueATaskFindsAThreadOrIsNotTaken) {
  std::latch started{3}, release{1};
  std::atomic<int> ran{0};
  {
    Workers workers(3, 0);
    const auto wait = [&] {
      started.count_down();
      release.wait();
      ++ran;
    };
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(workers.post(wait, hours(1), never));
    EXPECT_FALSE(workers.post(wait, hours(1), never));
    started.wait();
    EXPECT_FALSE(workers.post(wait, hours(1), never));
    release.count_down();
  }
  EXPECT_EQ(ran, 3);
}

TEST(WorkersTest, ATaskThatHasWaitedTooLongHasNoneBehindIt) {
  std::latch started{1}, release{1};
  std::atomic<int> ran{0};
  {
    Workers workers(1, 100, milliseconds(0));
    EXPECT_TRUE(workers.post(
        [&] {
          started.count_down();
          release.wait();
          ++ran;
        },
        hours(1), never));
    started.wait();
    EXPECT_TRUE(workers.post([&] { ++ran; }, hours(1), never));
    EXPECT_FALSE(workers.post([&] { ran = 100; }, hours(1), never));
    release.count_down();
  }
  EXPECT_EQ(ran, 2);
}

TEST(WorkersTest, DestructionWaitsForWhatIsQueued) {
  std::atomic<int> ran{0};
  {
    Workers workers(2, 1'000);
    for (int i = 0; i < 300; ++i) workers.post([&] { ++ran; }, hours(1), never);
  }
  EXPECT_EQ(ran, 300);
}

TEST(WorkersTest, DestructionDoesNotWaitForWhatIsOverItsBudget) {
  auto workers = std::make_unique<Workers>(2, 8);
  Stuck stuck(*workers);
  workers = nullptr;
  EXPECT_EQ(stuck.unexpectedAnswers(), 0);
  stuck.release();
}

TEST(WorkersTest, WhatATaskHoldsMayPostAgainWhenItGoes) {
  std::latch gone{1};
  Workers workers(2, 8);
  struct Poster {
    Workers& workers;
    std::latch& gone;
    ~Poster() {
      workers.post([&latch = gone] { latch.count_down(); }, hours(1), never);
    }
  };
  auto poster = std::make_shared<Poster>(workers, gone);
  workers.post([poster] {}, hours(1), never);
  poster = nullptr;
  gone.wait();
}

}  // namespace
}  // namespace pombo
