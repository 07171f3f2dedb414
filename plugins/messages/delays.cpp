#include "delays.hpp"

#include <utility>

Delays::Delays(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

void Delays::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& each : threads_)
    if (each.joinable()) each.join();
}

void Delays::after(std::chrono::milliseconds time, Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.emplace(Clock::now() + time, std::move(task));
  }
  changed_.notify_one();
}

void Delays::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      changed_.wait(lock);
    } else if (const auto due = tasks_.begin()->first; due > Clock::now()) {
      changed_.wait_until(lock, due);
    } else {
      const Task task = std::move(tasks_.extract(tasks_.begin()).mapped());
      lock.unlock();
      task();
      lock.lock();
    }
  }
}
