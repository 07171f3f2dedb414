// Holds threads until a test lets them go; they may outlive whatever holds them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

namespace pombo {

class Gate {
 public:
  // Opens it when the test is over, however it ends: before the end of whatever waits for those who
  // are held, when that was declared before it.
  ~Gate() { open(); }

  // For the code that is to be held: a copy stays good when the gate has gone.
  auto wait() const {
    return [held = held_] {
      std::unique_lock lock(held->mutex);
      held->wake.wait(lock, [&] { return held->open; });
    };
  }
  void open() {
    std::lock_guard lock(held_->mutex);
    held_->open = true;
    held_->wake.notify_all();
  }

 private:
  struct Held {
    std::mutex mutex;  // guards open
    std::condition_variable wake;
    bool open = false;
  };
  const std::shared_ptr<Held> held_ = std::make_shared<Held>();
};

}  // namespace pombo
