// Says that a thread is about to wait for something else than the processor.
#pragma once

namespace pombo {

// Whoever runs threads and wants to know when one of them waits, so that another may run meanwhile.
class IWaitObserver {
 public:
  virtual ~IWaitObserver() = default;
  virtual void waits() noexcept = 0;  // on the thread that is about to
};

// Of this thread; null on threads that nobody counts.
inline thread_local IWaitObserver* waitObserver = nullptr;

inline void aboutToWait() noexcept {
  if (waitObserver) waitObserver->waits();
}

}  // namespace pombo
