#include "process/life.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace pombo {
namespace {

TEST(Life, WhatIsAtWorkIsDoneBeforeTheEnd) {
  Life life;
  std::promise<void> begun, goOn, ending;
  std::atomic<bool> done{false};
  std::thread call([&] {
    life.within([&] {
      begun.set_value();
      goOn.get_future().wait();
      done = true;
    });
  });
  begun.get_future().wait();
  auto ended = std::async(std::launch::async, [&] {
    ending.set_value();
    life.end();
    return done.load();
  });
  ending.get_future().wait();
  EXPECT_EQ(ended.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout)
      << "the end did not wait";
  goOn.set_value();
  EXPECT_TRUE(ended.get());
  call.join();
}

TEST(Life, NothingIsDoneAfterTheEnd) {
  Life life;
  EXPECT_EQ(life.within([] { return 7; }), 7);
  life.end();
  try {
    life.within([] { ADD_FAILURE(); });
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::unavailable);
  }
}

}  // namespace
}  // namespace pombo
