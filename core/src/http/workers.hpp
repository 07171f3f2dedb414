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

  // How many tasks may wait beside those that have a thread, and how long: while one has waited for
  // longer, there is no room for others behind it.
  Workers(int threads, std::size_t longestQueue,
          std::chrono::milliseconds longestWait = std::chrono::seconds(5));
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
