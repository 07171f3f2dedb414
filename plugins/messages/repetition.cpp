#include "repetition.hpp"

#include <utility>

Repetition::Repetition(std::chrono::milliseconds pause, std::function<void()> run)
    : pause_(pause), run_(std::move(run)), thread_([this] { work(); }) {}

void Repetition::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Repetition::work() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, pause_, [this] { return stopping_; })) {
    lock.unlock();
    run_();
    lock.lock();
  }
}
