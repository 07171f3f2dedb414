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
    changed_.wait(lock, [this] { return stopping_ || !wanted_.empty() || !line_.empty(); });
    if (stopping_) return;
    // One that died is told so at once, however many others wait to be linked.
    while (!wanted_.empty()) {
      const std::string connector = wanted_.extract(wanted_.begin()).value();
      lock.unlock();
      enlist(connector);
      lock.lock();
    }
    if (line_.empty()) continue;
    lock.unlock();
    link(line_.front());
    line_.pop_front();
    lock.lock();
    changed_.wait_for(lock, pace_, [this] { return stopping_; });
  }
}

void Reconnector::enlist(const std::string& connector) try {
  std::erase_if(line_, [&](const Wanted& each) { return each.instance.connector == connector; });
  const TimePoint since = linker_.reset(connector);
  for (auto& instance : instances_.linkedBy(connector))
    line_.push_back({std::move(instance), since});
} catch (const std::exception& error) {
  log_.write(Level::error, "Instances were not reconnected",
             {{"connector", connector}, {"reason", error.what()}});
}

void Reconnector::link(const Wanted& wanted) {
  const Instance& instance = wanted.instance;
  const RequestScope scope("", std::chrono::steady_clock::now() + kLinkTime);
  const auto tell = [&](const std::exception& error) {
    log_.write(Level::warn, "Instance was not reconnected",
               {{"connector", instance.connector},
                {"instance", instance.id.value},
                {"reason", error.what()}});
  };
  try {
    linker_.resume(instance, wanted.since);
  } catch (const Error& error) {
    // Without a session there is nothing to link, and what is linked need not be.
    if (error.code != Code::invalid && error.code != Code::conflict) tell(error);
  } catch (const std::exception& error) {
    tell(error);
  }
}

}  // namespace pombo
