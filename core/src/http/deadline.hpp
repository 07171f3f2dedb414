// A time-out that moves with every request. Moving it costs nothing as long as it moves away: the
// timer is left to ring too early, and is then set again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace pombo {

// For one thread. `passed` may not own what owns this.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Deadline(boost::asio::io_context& context) : timer_(context) {}

  // Called when one has passed; it is cleared by then.
  void onPassed(std::function<void()> passed) { passed_ = std::move(passed); }

  void set(Clock::time_point when) {
    when_ = when;
    if (when < armed_) arm();
  }
  void clear() { when_ = Clock::time_point::max(); }

  // For good.
  void stop() {
    clear();
    passed_ = nullptr;
    timer_.cancel();
  }

 private:
  void arm() {
    armed_ = when_;
    timer_.expires_at(armed_);
    timer_.async_wait([this, alive = std::weak_ptr<int>(alive_)](const auto& error) {
      if (!error && !alive.expired()) ring();
    });
  }

  void ring() {
    armed_ = Clock::time_point::max();
    if (when_ == Clock::time_point::max()) return;
    if (when_ > Clock::now()) return arm();
    clear();
    // A copy, which stop() does not take away from under the call.
    if (const auto passed = passed_) passed();
  }

  boost::asio::steady_timer timer_;
  std::function<void()> passed_;
  // A timer that rang just before its owner went is heard afterwards.
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  Clock::time_point when_ = Clock::time_point::max();
  Clock::time_point armed_ = Clock::time_point::max();
};

}  // namespace pombo
