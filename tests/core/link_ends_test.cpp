#include "instance/link_ends.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace pombo {
namespace {

using Clock = LinkEnds::Clock;

const Instance kShop{.id = {"i-1"}, .name = "shop"}, kOther{.id = {"i-2"}, .name = "other"};

class LinkEndsTest : public ::testing::Test {
 protected:
  ~LinkEndsTest() override { ends_.stop(); }

  void show(const Instance& instance) { ends_.show(instance, Clock::now()); }
  void endUnscanned(const std::function<bool(const Instance&)>& tell, bool linking = false) {
    ends_.endUnscanned(
        kShop.id, [=] { return linking; }, tell);
  }
  static bool untold(const Instance&) {
    ADD_FAILURE() << "it is being linked";
    return false;
  }
  // Closes another one: whatever was to be closed before has been.
  std::vector<std::string> closed() {
    const auto done = other_ = std::make_shared<std::promise<void>>();
    ends_.close(kOther, [] { return false; });
    EXPECT_EQ(done->get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
    return closed_;
  }
  // Someone else's call, and whether it has to wait.
  std::future<void> holding() {
    return std::async(std::launch::async, [this] { const LinkEnds::Hold hold(ends_, kShop.id); });
  }
  static bool waits(const std::future<void>& call) {
    return call.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout;
  }

  std::function<void()> meanwhile_ = [] {};
  std::shared_ptr<std::promise<void>> other_;
  std::vector<std::string> closed_;  // by the one thread that closes
  LinkTimer timer_{[](const InstanceId&) {}};
  LinkEnds ends_{timer_, [this](const Instance& instance) {
                   if (instance.id == kOther.id) {
                     const auto done = other_;
                     return done->set_value();
                   }
                   meanwhile_();
                   closed_.push_back(instance.name);
                 }};
};

TEST_F(LinkEndsTest, ACallWaitsForWhatIsBeingToldAndNothingIsClosedThen) {
  show(kShop);
  std::future<void> call;
  endUnscanned([&](const Instance& instance) {
    EXPECT_EQ(instance.id, kShop.id);
    call = holding();
    EXPECT_TRUE(waits(call));
    return true;
  });
  call.get();
  ends_.start();
  EXPECT_EQ(closed(), std::vector<std::string>());
}

TEST_F(LinkEndsTest, ACallWaitsForWhatIsBeingClosed) {
  std::promise<std::future<void>> call;
  meanwhile_ = [&] {
    auto other = holding();
    EXPECT_TRUE(waits(other));
    call.set_value(std::move(other));
  };
  ends_.start();
  ends_.close(kShop, [] { return false; });
  call.get_future().get().get();
  EXPECT_EQ(closed(), std::vector<std::string>{"shop"});
}

TEST_F(LinkEndsTest, WhatACallMakesInTheMeantimeIsClosedAfterIt) {
  {
    const LinkEnds::Hold outer(ends_, kShop.id);
    {
      const LinkEnds::Hold hold(ends_, kShop.id);
      ends_.close(kShop, [] { return false; });
    }
    ends_.start();
    closed();
    EXPECT_TRUE(closed_.empty());
  }
  EXPECT_EQ(closed(), std::vector<std::string>{"shop"});
}

TEST_F(LinkEndsTest, WhatIsPastOrKeptIsNotClosed) {
  ends_.close(kShop, [] { return true; });
  ends_.start();
  {
    const LinkEnds::Hold hold(ends_, kShop.id);
    ends_.close(kShop, [] { return false; });
    ends_.keep(kShop.id);
  }
  EXPECT_EQ(closed(), std::vector<std::string>());
}

TEST_F(LinkEndsTest, WhatIsScannedAtTheLastMomentIsNotClosed) {
  show(kShop);
  endUnscanned([&](const Instance&) {
    ends_.scanned(kShop.id);  // while its end is being told
    return true;
  });
  show(kShop);
  endUnscanned([](const Instance&) { return true; });
  ends_.scanned(kShop.id);  // before it is closed
  ends_.close(kShop, [] { return false; });
  ends_.scanned(kShop.id);
  ends_.start();
  EXPECT_EQ(closed(), std::vector<std::string>());
}

TEST_F(LinkEndsTest, ACodeOutlivesACallThatComesToNothing) {
  show(kShop);
  endUnscanned(untold, true);
  {
    const LinkEnds::Hold hold(ends_, kShop.id);
    endUnscanned(untold);
  }
  EXPECT_TRUE(ends_.isShown(kShop.id));
  ends_.showLater(kShop, Clock::now() + std::chrono::hours(1));
  int told = 0;
  endUnscanned([&](const Instance&) { return ++told > 1; });
  endUnscanned(untold);
  EXPECT_EQ(told, 1);
  ends_.showLater(kShop, Clock::now() + std::chrono::hours(1));
  endUnscanned(untold);
  EXPECT_TRUE(ends_.isShown(kShop.id));
  ends_.takenBack(kShop.id);
  EXPECT_FALSE(ends_.isShown(kShop.id));
}

}  // namespace
}  // namespace pombo
