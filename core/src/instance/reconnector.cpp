#include "instance/reconnector.hpp"

#include <algorithm>

#include "observe/request_scope.hpp"

namespace pombo {
namespace {

// A connector answers at once: what comes of it is told by events.
constexpr std::chrono::seconds kLinkTime{10};

// Without a session there is nothing to link, and what is linked or gone need not be.
bool isHarmless(const Error& error) {
  return error.code == Code::invalid || error.code == Code::conflict ||
         error.code == Code::notFound;
}

}  // namespace

Reconnector::Reconnector(Linker& linker, ILogger& log, const ReconnectPace& pace)
    : linker_(linker), log_(log), pace_(pace) {}

void Reconnector::start(const std::vector<InstanceId>& first) {
  const std::lock_guard lock(mutex_);
  stopping_ = false;
  for (const auto& id : first) line_.push_back({id});
  thread_ = std::thread([this] { work(); });
}

void Reconnector::ended(const LinkProcess& process, bool forGood) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool done = tryEnd(process, forGood);
    lock.lock();
    if (done) return;
    changed_.wait_for(lock, pace_.away, [this] { return stopping_; });
  }
}

// False: the database is away.
bool Reconnector::tryEnd(const LinkProcess& process, bool forGood) {
  std::string problem;
  bool isAway = true;
  try {
    const auto all = forGood ? linker_.lose(process) : linker_.reset(process);
    const std::lock_guard lock(mutex_);
    takeOff({all.begin(), all.end()});
    const std::pair which(process.connector, process.number);
    // Whoever has got another process since this one ended before need not wait for this one.
    if (const auto before = lost_.extract(which))
      for (const auto& id : before.mapped())
        if (std::find(all.begin(), all.end(), id) == all.end()) line_.push_back({id});
    if (!forGood) lost_.emplace(which, all);
    return true;
  } catch (const StorageError& error) {
    problem = error.what();
  } catch (const Error& error) {
    isAway = error.code == Code::unavailable;
    problem = error.what();
  } catch (const std::exception& error) {
    isAway = false;
    problem = error.what();
  }
  log_.write(Level::error, "Links of a connector that ended were not taken back",
             {{"connector", process.connector}, {"reason", problem}});
  return !isAway;
}

void Reconnector::takeOff(const std::set<InstanceId>& its) {
  std::erase_if(line_, [&](const Turn& each) { return its.contains(each.id); });
  std::erase_if(later_, [&](const auto& each) { return its.contains(each.second.id); });
  std::erase_if(underWay_, [&](const auto& each) { return its.contains(each.first); });
  changed_.notify_all();
}

void Reconnector::revived(const LinkProcess& process) {
  const std::lock_guard lock(mutex_);
  const auto lost = lost_.extract({process.connector, process.number});
  if (!lost) return;
  for (const auto& id : lost.mapped()) line_.push_back({id});
  changed_.notify_all();
}

void Reconnector::heard(const std::vector<Event>& events) {
  const std::lock_guard lock(mutex_);
  if (underWay_.empty() && later_.empty()) return;
  for (const auto& event : events) {
    if (event.type != "instance.state") continue;
    const auto status = statusAfter(event.data);
    if (!status || status == kConnecting) continue;
    std::erase_if(later_, [&](const auto& each) { return each.second.id == event.instance; });
    if (underWay_.erase(event.instance) > 0) changed_.notify_all();
  }
}

void Reconnector::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Reconnector::mayGoOn() const { return !line_.empty() && underWay_.size() < pace_.underWay; }

void Reconnector::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = Clock::now();
    std::erase_if(underWay_, [&](const auto& each) { return each.second <= now; });
    for (; !later_.empty() && later_.begin()->first <= now; later_.erase(later_.begin()))
      line_.push_back(later_.begin()->second);
    if (!mayGoOn()) {
      waitForTurn(lock);
      continue;
    }
    const Turn turn = line_.front();
    line_.pop_front();
    underWay_.insert_or_assign(turn.id, now + pace_.patience);
    lock.unlock();
    const auto pause = link({turn.id, turn.tries + 1});
    lock.lock();
    changed_.wait_for(lock, pause, [this] { return stopping_; });
  }
}

void Reconnector::waitForTurn(std::unique_lock<std::mutex>& lock) {
  auto until = later_.empty() ? Clock::time_point::max() : later_.begin()->first;
  if (!line_.empty())
    for (const auto& each : underWay_) until = std::min(until, each.second);
  if (until == Clock::time_point::max())
    changed_.wait(lock);
  else
    changed_.wait_until(lock, until);
}

std::chrono::milliseconds Reconnector::pauseAfter(int tries) const {
  auto pause = pace_.again;
  for (int i = 1; i < tries && pause < pace_.longest; ++i) pause *= 2;
  return std::min(pause, pace_.longest);
}

std::chrono::milliseconds Reconnector::link(Turn turn) {
  const RequestScope scope("", Clock::now() + kLinkTime);
  const bool isLast = turn.tries >= pace_.tries;
  std::string problem;
  bool isAway = false, isPassing = false;
  try {
    linker_.resume(turn.id, isLast);
    return pace_.pause;
  } catch (const Error& error) {
    isPassing = !isLast && Linker::isPassing(error);
    if (!isHarmless(error)) problem = error.what();
  } catch (const StorageError& error) {
    isAway = true;
    problem = error.what();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  if (!problem.empty())
    log_.write(Level::warn, "Instance was not reconnected",
               {{"instance", turn.id.value}, {"reason", problem}});
  const std::lock_guard lock(mutex_);
  const bool isOurs = underWay_.erase(turn.id) > 0;  // and nobody has spoken of it meanwhile
  if (isOurs && isAway) line_.push_back({turn.id, turn.tries - 1});
  if (isOurs && isPassing) later_.emplace(Clock::now() + pauseAfter(turn.tries), turn);
  return isAway ? pace_.away : pace_.pause;
}

}  // namespace pombo
