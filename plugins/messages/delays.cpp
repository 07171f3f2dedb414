#include "delays.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

Delays::Delays(const Limits& limits) : limits_(limits) {
  const std::lock_guard lock(mutex_);
  addThread();
}

void Delays::addThread() {
  threads_.emplace_back([this] { work(); });
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

bool Delays::after(std::chrono::milliseconds time, Task task) {
  constexpr std::size_t kLanesFull = 16, kLanesLarge = 4;
  {
    const std::lock_guard lock(mutex_);
    const auto it = lanes_.find(task.lane);
    const Load lane = it == lanes_.end() ? Load() : it->second;
    if (lane.tasks >= limits_.waiting || lane.bytes + task.bytes > limits_.bytes ||
        all_.tasks >= kLanesFull * limits_.waiting ||
        all_.bytes + task.bytes > kLanesLarge * limits_.bytes)
      return false;
    for (Load* load : {&all_, &lanes_[task.lane]}) {
      ++load->tasks;
      load->bytes += task.bytes;
    }
    tasks_.emplace(Clock::now() + time, std::move(task));
  }
  changed_.notify_one();
  return true;
}

// Somebody for the others, as long as the machine has threads: else they wait for this one.
void Delays::stayAwake() try {
  if (busy_ == threads_.size() && busy_ < limits_.threads) addThread();
} catch (const std::system_error&) {
  return;
}

void Delays::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = Clock::now();
    const auto it = next(now);
    if (it == tasks_.end()) {
      waitForMore(lock, now);
      continue;
    }
    Task task = std::move(tasks_.extract(it).mapped());
    ++lanes_[task.lane].running;
    ++busy_;
    stayAwake();
    lock.unlock();
    // Whoever was told of this task may have been told of one more.
    changed_.notify_one();
    std::exchange(task.run, nullptr)();
    lock.lock();
    --busy_;
    end(task.lane, task.bytes);
  }
}

// The first that is due and of whose lane one more may run.
Delays::Tasks::iterator Delays::next(Clock::time_point now) {
  const auto due = tasks_.upper_bound(now);
  const auto it = std::find_if(tasks_.begin(), due, [this](const auto& each) {
    return lanes_[each.second.lane].running < limits_.together;
  });
  return it == due ? tasks_.end() : it;
}

// What is due and has to wait for its lane is looked for again when one of that ends.
void Delays::waitForMore(std::unique_lock<std::mutex>& lock, Clock::time_point now) {
  const auto later = tasks_.upper_bound(now);
  if (later == tasks_.end())
    changed_.wait(lock);
  else
    changed_.wait_until(lock, Clock::time_point(later->first));
}

void Delays::end(const std::string& lane, std::uint64_t bytes) {
  for (Load* load : {&all_, &lanes_[lane]}) {
    --load->tasks;
    load->bytes -= bytes;
  }
  Load& own = lanes_[lane];
  --own.running;
  if (own.tasks == 0) lanes_.erase(lane);
}
