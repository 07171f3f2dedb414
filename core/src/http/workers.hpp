// The threads that run handlers, each call within its budget.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace pombo {

// Thread-safe.
class Workers {
 public:
  using Task = std::function<void()>;

  Workers(int threads, std::size_t longestQueue);
  ~Workers();  // waits for tasks that are within their budget

  // False when the queue is full. `task` must not throw. When its budget, counted from here, is
  // over before it has ended, `overrun` is called, once and on another thread. A task that has not
  // begun by then never does; the thread of one that has is written off, replaced, and ends when
  // the task does.
  bool post(Task task, std::chrono::milliseconds budget, Task overrun);

  int writtenOff() const;  // threads, so far
  int strays() const;      // of those, the ones whose task has not ended

 private:
  class Pool;
  std::shared_ptr<Pool> pool_;
};

}  // namespace pombo
