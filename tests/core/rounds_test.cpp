#include "observe/rounds.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>

namespace pombo {
namespace {

using std::chrono::seconds;

TEST(Rounds, AreDoneInTheirOrderAndGoOnAfterAFailure) {
  Log log("off");
  std::string done;  // on the one thread, until that has ended
  std::promise<void> three;
  {
    Rounds rounds(log, std::chrono::milliseconds(1));
    rounds.every(seconds(1), Level::warn, "A was not done", [&] {
      done += 'a';
      throw std::runtime_error("no");
    });
    rounds.every(seconds(2), [&] { done += 'b'; });
    rounds.every(seconds(1), [&] {
      done += 'c';
      if (done == "acabcac") three.set_value();
    });
    rounds.start();
    three.get_future().wait();
    rounds.stop();
  }
  EXPECT_EQ(done.substr(0, 7), "acabcac");
}

TEST(Rounds, ThatWereNeverStartedCanBeStopped) {
  Log log("off");
  Rounds rounds(log);
  rounds.every(seconds(1), [] { FAIL(); });
  rounds.stop();
}

TEST(Rounds, AreOverAtOnceWhenTheyAreStopped) {
  Log log("off");
  std::atomic<int> done{0};
  Rounds rounds(log);
  rounds.every(seconds(3'600), [&] { ++done; });
  rounds.start();
  rounds.stop();
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace pombo
