#include "process/life.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace pombo {
namespace {

TEST(Life, WhatIsAtWorkIsDoneBeforeTheEnd) {
  Life life;
  std::promise<void> begun, goOn;
  std::atomic<bool> done{false};
  std::thread call([&] {
    life.within([&] {
      begun.set_value();
      goOn.get_future().wait();
      done = true;
    });
  });
  begun.get_future().wait();
  std::promise<bool> ended;
  std::thread end([&] {
    life.end();
    ended.set_value(done);
  });
  goOn.set_value();
  EXPECT_TRUE(ended.get_future().get()) << "the end did not wait";
  call.join();
  end.join();
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
