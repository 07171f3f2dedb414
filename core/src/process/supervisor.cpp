#include "process/supervisor.hpp"

#include <utility>

#include "observe/request_scope.hpp"
#include "observe/waiting.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

// What core needs to say that a block was late, before somebody says it of core.
constexpr auto kToTell = 50ms;

}  // namespace

Supervisor::Supervisor(Isolation isolation, IInhabitant& inhabitant)
    : isolation_(std::move(isolation)), inhabitant_(inhabitant) {}

Supervisor::~Supervisor() { stop(); }

Error Supervisor::unavailable(const std::string& why) const {
  return Error(Code::unavailable, "The " + isolation_.name + " block " + why);
}

void Supervisor::requireFile(const Media& media) const {
  struct stat found {};
  const bool good = ::fstat(media.file.get(), &found) == 0 && S_ISREG(found.st_mode) &&
                    static_cast<std::uint64_t>(found.st_size) >= media.size;
  if (!good) throw unavailable("handed over what is no file of that size");
}

std::shared_ptr<Child> Supervisor::launch() {
  life_ = std::thread([this] { live(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return child_ || state_ != State::starting; });
  if (!child_) throw unavailable(problem_);
  return child_;
}

void Supervisor::up(IHost& host) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::starting) throw unavailable(problem_);  // dead since it has answered
    host_ = &host;
    state_ = State::up;
  }
  changed_.notify_all();
  report(State::up);
}

void Supervisor::stop() noexcept {
  std::unique_lock lock(mutex_);
  const auto child = child_;
  const bool wasUp = std::exchange(state_, State::stopped) == State::up;
  changed_.notify_all();
  lock.unlock();
  try {
    if (wasUp) askOf(*child, deadlineFor(isolation_.call), isolation_.call, "block.stop");
  } catch (const std::exception&) {
    told("It did not stop by itself");
  }
  if (child) child->peer.hangUp("was stopped");
  if (life_.joinable()) life_.join();
}

std::optional<std::string> Supervisor::problem() const {
  const std::lock_guard lock(mutex_);
  if (state_ == State::up || state_ == State::starting) return std::nullopt;
  if (state_ != State::quarantined) return problem_;
  return "in quarantine after " + std::to_string(isolation_.crashes) + " crashes: " + problem_;
}

std::shared_ptr<Child> Supervisor::child() const {
  const std::lock_guard lock(mutex_);
  return child_;
}

Peer::Deadline Supervisor::deadlineFor(std::chrono::milliseconds limit) {
  const auto* request = RequestScope::current();
  if (!request || request->deadline() == Peer::Deadline::max()) return Peer::Clock::now() + limit;
  return request->deadline() - kToTell;
}

std::shared_ptr<Child> Supervisor::current(Peer::Deadline until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] {
    return state_ == State::up ? !child_->peer.gone() : state_ != State::starting;
  });
  if (state_ == State::quarantined) throw unavailable("is in quarantine: it " + problem_);
  if (state_ != State::up || child_->peer.gone()) throw unavailable("is not running");
  return child_;
}

Packed Supervisor::exchange(Child& child, Peer::Deadline until, std::chrono::milliseconds limit,
                            const char* name, Packed arguments) {
  const auto now = Peer::Clock::now();
  if (until <= now)
    throw Error(Code::unavailable, "No time was left for the " + isolation_.name + " block");
  aboutToWait();
  try {
    return child.peer.ask(until, now + limit, name, std::move(arguments));
  } catch (const Peer::Late&) {
    // A thread cannot be stopped, a process can; but a caller in a hurry is no reason to.
    if (child.peer.gone()) child.kill("did not answer in time");
    throw Error(Code::timedOut, "The " + isolation_.name + " block did not answer in time");
  } catch (const Peer::Full&) {
    throw unavailable("has too many calls under way");
  } catch (const Peer::Gone&) {
    throw CutOff(unavailable(child.epitaph()));
  }
}

// One process after another, until stop(). The kernel ends a process together with the thread that
// made it, so that this is where they are made.
void Supervisor::live() {
  while (spawn()) {
    const auto child = this->child();
    child->peer.serve();
    const std::string epitaph = child->epitaph();
    departed_.push_back(child);
    std::erase_if(departed_, [](const auto& each) { return each->peer.settled(); });
    if (!outlive(epitaph)) break;
  }
  departed_.clear();
}

bool Supervisor::spawn() {
  birth_ = Peer::Clock::now();
  std::shared_ptr<Child> next;
  try {
    next =
        std::make_shared<Child>(isolation_.child, [this](const std::string& line) { told(line); });
    inhabitant_.furnish(next->peer);
  } catch (const std::exception& failure) {
    return outlive(std::string("could not be started: ") + failure.what()) && spawn();
  }
  const std::lock_guard lock(mutex_);
  if (state_ == State::stopped) return false;
  child_ = next;
  changed_.notify_all();
  if (host_) next->peer.later([this, child = next.get()] { revive(*child); });
  return true;
}

// After a death: whether there is to be another life. Waits for its time.
bool Supervisor::outlive(const std::string& epitaph) {
  std::unique_lock lock(mutex_);
  if (state_ == State::stopped) return false;
  const auto now = Peer::Clock::now();
  crashes_.push_back(now);
  while (now - crashes_.front() > isolation_.within) crashes_.pop_front();
  if (now - birth_ > isolation_.settled || pause_ == 0ms)
    pause_ = isolation_.pause;
  else
    pause_ = std::min(pause_ * 2, isolation_.longestPause);
  const bool first = pause_ == isolation_.pause;
  IHost* const host = host_;
  problem_ = epitaph;
  if (!host || crashes_.size() >= isolation_.crashes)
    state_ = host ? State::quarantined : State::down;
  else
    state_ = first ? State::starting : State::down;
  const State state = state_;
  changed_.notify_all();
  lock.unlock();
  if (!host) return false;
  const auto pause = pause_;
  const std::string next = state == State::quarantined
                               ? "quarantine"
                               : "restart in " + std::to_string(pause.count()) + " ms";
  log(Level::error, "The process of the block ended", {{"reason", epitaph}, {"next", next}});
  host->metrics().count("crashes", 1);
  report(state);
  inhabitant_.mourn(state == State::quarantined);
  if (state == State::quarantined) return false;
  lock.lock();
  if (changed_.wait_for(lock, pause, [this] { return state_ == State::stopped; })) return false;
  state_ = State::starting;
  return true;
}

void Supervisor::pardon() {
  crashes_.clear();
  pause_ = 0ms;
}

void Supervisor::revive(Child& child) {
  try {
    inhabitant_.revive(child);
    {
      const std::lock_guard lock(mutex_);
      if (state_ != State::starting) return;
      state_ = State::up;
    }
    changed_.notify_all();
    host_.load()->metrics().count("restarts", 1);
    report(State::up);
    inhabitant_.revived();
  } catch (const std::exception& failure) {
    child.peer.hangUp(std::string("did not start: ") + failure.what());
  }
}

void Supervisor::told(const std::string& line) const {
  log(Level::warn, "The block's process says", {{"line", line}});
}

void Supervisor::log(Level level, const std::string& message, const Json& fields) const {
  boost::json::object all = fields.as_object();
  if (isolation_.process > 0) all["process"] = isolation_.process;
  if (isolation_.log) return isolation_.log->write(level, message, all);
  if (IHost* const host = host_) host->log().write(level, message, all);
}

void Supervisor::report(State state) const {
  IHost* const host = host_;
  if (!host) return;
  host->metrics().observe("up", state == State::up ? 1 : 0);
  host->metrics().observe("quarantined", state == State::quarantined ? 1 : 0);
}

}  // namespace pombo
