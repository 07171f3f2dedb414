// Jobs of instances that share threads.
#include "event/sink_lane.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>

#include "asleep.hpp"
#include "gate.hpp"

namespace pombo {
namespace {

using Names = std::vector<std::string>;

constexpr std::size_t kMany = 1000;

TEST(SinkLane, OneInstancesJobsRunOneAfterAnotherAndThoseOfOthersMeanwhile) {
  Names done;  // of the one instance
  std::latch other(1), all(3);
  SinkLane lane(4, kMany);
  Gate gate;
  lane.push(InstanceId{"i-1"}, [&, hold = gate.wait()] {
    hold();
    done.push_back("first");  // without a lock: nobody else may be here
    all.count_down();
  });
  for (const auto* name : {"second", "third"})
    lane.push(InstanceId{"i-1"}, [&, name] {
      done.push_back(name);
      all.count_down();
    });
  lane.push(InstanceId{"i-2"}, [&] { other.count_down(); });
  other.wait();
  gate.open();
  all.wait();
  EXPECT_EQ(done, (Names{"first", "second", "third"}));
}

TEST(SinkLane, NoMoreThanAskedForAreInsideAtOnce) {
  std::atomic<int> inside{0};
  std::atomic<bool> wasCrowded{false};
  std::latch all(kMany);
  SinkLane lane(4, kMany);
  for (std::size_t i = 0; i < kMany; ++i)
    lane.push(InstanceId{"i-1"}, [&] {
      if (++inside > 1) wasCrowded = true;
      std::this_thread::yield();
      --inside;
      all.count_down();
    });
  all.wait();
  EXPECT_FALSE(wasCrowded);
}

TEST(SinkLane, WhoeverComesWhenItIsFullIsToldSo) {
  SinkLane lane(1, 2);
  Gate gate;
  EXPECT_TRUE(lane.push(InstanceId{"i-1"}, gate.wait()));
  EXPECT_TRUE(lane.push(InstanceId{"i-2"}, [] {}));
  EXPECT_FALSE(lane.push(InstanceId{"i-3"}, [] {}));
}

// They are destroyed when the lane is, and that is too late for what they refer to.
TEST(SinkLane, OnceItHasStoppedItHoldsNothingOfItsJobs) {
  SinkLane lane(1, kMany);
  Gate gate;
  const auto thing = std::make_shared<int>();
  std::latch begun(1);
  lane.push(InstanceId{"i-1"}, [&, hold = gate.wait()] {
    begun.count_down();
    hold();
  });
  for (int i = 0; i < 3; ++i) lane.push(InstanceId{"i-1"}, [thing] {});
  begun.wait();
  std::atomic<pid_t> stopper{0};
  int strays = -1;
  {
    std::jthread stopping([&] {
      stopper = ::gettid();
      strays = lane.stop(Crew::Time::max());
    });
    untilAsleep(stopper);
    gate.open();
  }
  EXPECT_EQ(strays, 0);
  EXPECT_EQ(thing.use_count(), 1);
  EXPECT_TRUE(lane.push(InstanceId{"i-1"}, [thing] {}));
  EXPECT_EQ(thing.use_count(), 1);
}

}  // namespace
}  // namespace pombo
