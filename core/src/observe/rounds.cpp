#include "observe/rounds.hpp"

#include <utility>

namespace pombo {

void Rounds::every(std::chrono::seconds seconds, Level level, const char* sentence, Task task) {
  rounds_.push_back({seconds, level, sentence, std::move(task)});
}

void Rounds::every(std::chrono::seconds seconds, Task task) {
  every(seconds, Level::error, "Housekeeping failed", std::move(task));
}

void Rounds::start() {
  thread_ = std::thread([this] { run(); });
}

void Rounds::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Rounds::run() {
  std::unique_lock lock(mutex_);
  for (std::chrono::seconds second{1}; !wake_.wait_for(lock, second_, [this] { return stopping_; });
       ++second) {
    lock.unlock();
    for (const auto& round : rounds_)
      if (second % round.every == std::chrono::seconds(0)) carryOut(round);
    lock.lock();
  }
}

void Rounds::carryOut(const Round& round) try {
  round.task();
} catch (const std::exception& error) {
  log_.write(round.level, round.sentence, {{"reason", error.what()}});
}

}  // namespace pombo
