#include "instance/reconnector.hpp"

#include <algorithm>

#include "observe/request_scope.hpp"

namespace pombo {
namespace {

// A connector answers at once: what comes of it is told by events.
constexpr std::chrono::seconds kLinkTime{10};

}  // namespace

Reconnector::Reconnector(Linker& linker, ILogger& log, const ReconnectPace& pace)
    : linker_(linker), log_(log), pace_(pace) {}

void Reconnector::start(const std::vector<InstanceId>& first) {
  const std::lock_guard lock(mutex_);
  stopping_ = false;
  line_.assign(first.begin(), first.end());
  thread_ = std::thread([this] { work(); });
}

void Reconnector::reconnect(const std::string& connector) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  wanted_.insert(connector);
  changed_.notify_one();
}

void Reconnector::heard(const std::vector<Event>& events) {
  const std::lock_guard lock(mutex_);
  if (underWay_.empty()) return;
  for (const auto& event : events) {
    if (event.type != "instance.state") continue;
    const auto status = statusAfter(event.data);
    if (status && status != kConnecting && underWay_.erase(event.instance) > 0)
      changed_.notify_one();
  }
}

void Reconnector::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Reconnector::mayGoOn() const { return !line_.empty() && underWay_.size() < pace_.underWay; }

Reconnector::Clock::time_point Reconnector::patienceEnds() const {
  auto first = Clock::time_point::max();
  for (const auto& each : underWay_) first = std::min(first, each.second);
  return first;
}

void Reconnector::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    // A connector that died is told so at once, however many others wait to be linked.
    if (!wanted_.empty()) {
      const std::string connector = wanted_.extract(wanted_.begin()).value();
      lock.unlock();
      enlist(connector);
      lock.lock();
      continue;
    }
    std::erase_if(underWay_, [](const auto& each) { return each.second <= Clock::now(); });
    if (!mayGoOn()) {
      const auto isDue = [this] { return stopping_ || !wanted_.empty() || mayGoOn(); };
      if (line_.empty())
        changed_.wait(lock, isDue);
      else
        changed_.wait_until(lock, patienceEnds(), isDue);
      continue;
    }
    const InstanceId id = line_.front();
    line_.pop_front();
    underWay_.insert_or_assign(id, Clock::now() + pace_.patience);
    lock.unlock();
    const auto pause = link(id) ? pace_.pause : pace_.away;
    lock.lock();
    changed_.wait_for(lock, pause, [this] { return stopping_ || !wanted_.empty(); });
  }
}

void Reconnector::enlist(const std::string& connector) try {
  const auto again = linker_.reset(connector);
  const std::set<InstanceId> its(again.begin(), again.end());
  const std::lock_guard lock(mutex_);
  std::erase_if(line_, [&](const InstanceId& each) { return its.contains(each); });
  std::erase_if(underWay_, [&](const auto& each) { return its.contains(each.first); });
  line_.insert(line_.end(), again.begin(), again.end());
} catch (const std::exception& error) {
  log_.write(Level::error, "Instances were not reconnected",
             {{"connector", connector}, {"reason", error.what()}});
}

bool Reconnector::link(const InstanceId& id) {
  const RequestScope scope("", Clock::now() + kLinkTime);
  std::string problem;
  bool away = false;
  try {
    linker_.resume(id);
    return true;
  } catch (const Error& error) {
    // Without a session there is nothing to link, and what is linked or gone need not be.
    const auto harmless = {Code::invalid, Code::conflict, Code::notFound};
    if (std::find(harmless.begin(), harmless.end(), error.code) == harmless.end())
      problem = error.what();
  } catch (const StorageError& error) {
    away = true;
    problem = error.what();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  if (!problem.empty())
    log_.write(Level::warn, "Instance was not reconnected",
               {{"instance", id.value}, {"reason", problem}});
  const std::lock_guard lock(mutex_);
  underWay_.erase(id);
  if (away) line_.push_back(id);
  return !away;
}

}  // namespace pombo
