#include "instance/reconnector.hpp"

#include "observe/request_scope.hpp"

namespace pombo {
namespace {

// A connector answers at once: what comes of it is told by events.
constexpr std::chrono::seconds kLinkTime{10};

}  // namespace

Reconnector::Reconnector(const InstanceStore& instances, Linker& linker, ILogger& log,
                         std::chrono::milliseconds pace)
    : instances_(instances), linker_(linker), log_(log), pace_(pace) {}

void Reconnector::start() {
  const std::lock_guard lock(mutex_);
  stopping_ = false;
  thread_ = std::thread([this] { work(); });
}

void Reconnector::reconnect(const std::string& connector) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  wanted_.insert(connector);
  changed_.notify_one();
}

void Reconnector::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Reconnector::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !wanted_.empty(); });
    if (stopping_) return;
    const std::string connector = wanted_.extract(wanted_.begin()).value();
    lock.unlock();
    std::vector<Instance> linked;
    try {
      linker_.reset(connector);
      linked = instances_.linkedBy(connector);
    } catch (const std::exception& error) {
      log_.write(Level::error, "Instances were not reconnected",
                 {{"connector", connector}, {"reason", error.what()}});
    }
    lock.lock();
    for (const auto& instance : linked) {
      lock.unlock();
      link(instance);
      lock.lock();
      if (!pause(lock)) return;
      if (wanted_.contains(connector)) break;  // it died again: from the beginning
    }
  }
}

bool Reconnector::pause(std::unique_lock<std::mutex>& lock) {
  changed_.wait_for(lock, pace_, [this] { return stopping_; });
  return !stopping_;
}

void Reconnector::link(const Instance& instance) {
  const RequestScope scope("", std::chrono::steady_clock::now() + kLinkTime);
  const auto tell = [&](const std::exception& error) {
    log_.write(Level::warn, "Instance was not reconnected",
               {{"connector", instance.connector},
                {"instance", instance.id.value},
                {"reason", error.what()}});
  };
  try {
    linker_.reconnect(instance);
  } catch (const Error& error) {
    if (error.code != Code::invalid) tell(error);  // else it has no session
  } catch (const std::exception& error) {
    tell(error);
  }
}

}  // namespace pombo
