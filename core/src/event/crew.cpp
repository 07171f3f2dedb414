#include "event/crew.hpp"

#include <pthread.h>

namespace pombo {

Crew::Crew(const std::string& name, int threads) : running_(threads) {
  for (int i = 0; i < threads; ++i)
    threads_.emplace_back([this, name] {
      ::pthread_setname_np(::pthread_self(), name.c_str());
      work();
    });
}

Crew::~Crew() { stop(Time::max()); }

void Crew::push(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Crew::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (stopping_) break;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
  --running_;
  ended_.notify_all();
}

int Crew::stop(Time deadline) {
  std::deque<Task> dropped;
  std::unique_lock lock(mutex_);
  stopping_ = true;
  dropped.swap(tasks_);
  wake_.notify_all();
  const auto over = [this] { return running_ == 0; };
  if (deadline == Time::max())
    ended_.wait(lock, over);
  else if (!ended_.wait_until(lock, deadline, over))
    return running_;
  lock.unlock();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  return 0;
}

}  // namespace pombo
