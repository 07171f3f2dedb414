// A sink that takes its process down while it delivers: a retry for the lane, and nothing else.
#include <gtest/gtest.h>

#include "mirror.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

class Delivering : public ::testing::Test {
 protected:
  Delivering() {
    Isolation isolation = isolated("killer");
    isolation.pause = 1ms;
    isolation.call = 1s;
    block_ = std::make_unique<RemoteBlock>(isolation, nullptr);
    block_->start(host_);
  }
  ~Delivering() override { block_->stop(); }

  static Event event(const std::string& how) {
    return {
        .id = "event-1", .type = "message.exchange", .instance = kShop.id, .data = {{"how", how}}};
  }
  std::string deliver(const std::string& how) {
    return errorOf([&] { EXPECT_EQ(host_.eventSink->deliver(event(how), "victim"), Verdict()); });
  }

  SharedHost host_;
  std::unique_ptr<RemoteBlock> block_;
};

TEST_F(Delivering, ThatEndsTheProcessFailsAndTheNextFindsItAlive) {
  const std::pair<std::string, std::string> deaths[] = {
      {"segv", "unavailable: The killer block was killed by signal 11"},
      {"loop", "timedOut: The killer block did not answer in time"}};
  double died = 0;
  for (const auto& [how, error] : deaths) {
    EXPECT_EQ(deliver(how), error);
    EXPECT_TRUE(host_.waitForCounter("restarts", ++died));
    EXPECT_EQ(host_.eventSink->route(event("well")), std::vector<std::string>{"victim"});
    EXPECT_EQ(deliver("well"), "");
  }
  EXPECT_EQ(host_.counter("crashes"), died);
}

}  // namespace
}  // namespace pombo
