#include "process/peer.hpp"

#include <utility>

#include "process/protocol.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

// The call of the other side that this thread is serving.
struct Served {
  const Peer* peer = nullptr;
  std::uint64_t id = 0;
  Peer::Deadline deadline = Peer::Deadline::max();
};
thread_local Served served;

}  // namespace

Peer::Peer(int fd, const Limits& limits)
    : limits_(limits), channel_(fd, limits.writing), heard_(Clock::now()), pinged_(heard_) {}

Peer::~Peer() {
  hangUp("was let go");
  settle();
}

void Peer::hangUp(const std::string& why) {
  const Lock lock(mutex_);
  end(why);
}

void Peer::end(const std::string& why) {
  if (std::exchange(gone_, true)) return;
  why_ = why;
  channel_.close();
  for (const auto& [id, waiter] : waiting_) waiter->arrived.notify_one();
  free_.notify_all();
  ready_.notify_all();
}

bool Peer::gone() const {
  const Lock lock(mutex_);
  return gone_;
}

std::string Peer::why() const {
  const Lock lock(mutex_);
  return why_;
}

std::optional<Peer::Deadline> Peer::deadlineOfServed() {
  return served.peer ? std::optional(served.deadline) : std::nullopt;
}

Packed Peer::ask(Deadline deadline, Deadline fatal, const std::string& name, Packed arguments) {
  Frame call{.call = name, .packed = std::move(arguments)};
  if (served.peer == this) call.in = served.id;
  if (deadline != Deadline::max())
    call.within = std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count());

  Waiter me;
  Lock lock(mutex_);
  if (gone_) throw Gone{};
  if (waiting_.size() + overdue_.size() >= limits_.ours) throw Full{};
  const auto id = call.id = ++last_;
  waiting_[id] = &me;
  const auto leave = [this, id](Waiter* waiter) {
    waiting_.erase(id);
    for (const auto& frame : waiter->inbox)
      if (!frame.call.empty()) refuse(frame.id);
  };
  const std::unique_ptr<Waiter, decltype(leave)> entry(&me, leave);  // with the mutex held
  try {
    lock.unlock();
    send(call);  // where it could not be, the last of what the other side has said is read below
    lock.lock();
    for (;;) {
      Frame frame = await(lock, me, deadline);
      if (frame.call.empty()) {
        if (frame.failure) raise(*frame.failure);
        return std::move(frame.packed);
      }
      lock.unlock();
      answer(replyTo(frame));
      lock.lock();
    }
  } catch (const Late&) {
    overdue_[id] = fatal;
    if (fatal <= Clock::now()) end("did not answer in time");
    throw;
  } catch (...) {
    if (!lock) lock.lock();
    throw;
  }
}

Frame Peer::await(Lock& lock, Waiter& me, Deadline deadline) {
  for (;;) {
    if (!me.inbox.empty()) {
      const bool answered = me.inbox.front().call.empty();
      if (!answered && Clock::now() >= deadline) throw Late{};  // it asks on and on
      Frame frame = std::move(me.inbox.front());
      me.inbox.pop_front();
      return frame;
    }
    if (gone_) throw Gone{};
    if (Clock::now() >= deadline) throw Late{};
    if (leading_)
      me.arrived.wait_until(lock, deadline,
                            [&] { return gone_ || !leading_ || !me.inbox.empty(); });
    else
      lead(lock, &me, deadline, false);
  }
}

void Peer::post(const std::string& name, Packed arguments) {
  if (!send({.call = name, .packed = std::move(arguments)})) throw Gone{};
}

void Peer::postLater(const std::string& name, Packed arguments) {
  const Lock lock(mutex_);
  if (gone_) return;
  outbox_.push_back({.call = name, .packed = std::move(arguments)});
  if (!std::exchange(posting_, true)) enqueue([this] { postAll(); }, false);
}

void Peer::postAll() {
  Lock lock(mutex_);
  while (!gone_ && !outbox_.empty()) {
    const Frame frame = std::move(outbox_.front());
    outbox_.pop_front();
    lock.unlock();
    try {
      if (!send(frame)) return;  // and nothing is posted any more
    } catch (const Error& tooLarge) {
      hangUp(tooLarge.what());
    }
    lock.lock();
  }
  posting_ = false;
}

// Whether it was written. An end that is closed may have said why before: it is for whoever reads
// to find it, after all that came from there.
bool Peer::send(const Frame& frame) {
  try {
    channel_.send(frame);
    return true;
  } catch (const Closed& closed) {
    if (closed.what() == std::string_view(kClosed))
      channel_.close();
    else
      hangUp(closed.what());
    return false;
  }
}

Frame Peer::replyTo(const Frame& frame) {
  constexpr std::int64_t kLongest = 24 * 3600 * 1000;
  auto deadline = Deadline::max();
  if (frame.within)
    deadline = Clock::now() +
               std::chrono::milliseconds(std::clamp<std::int64_t>(*frame.within, 0, kLongest));
  const auto outer = std::exchange(served, {this, frame.id, deadline});
  Frame reply{.id = frame.id};
  try {
    const auto handler = calls.find(frame.call);
    if (handler == calls.end()) throw Error(Code::unsupported, "No such call: " + frame.call);
    reply.packed = handler->second(frame.packed);
  } catch (const Mistyped& mistyped) {
    reply.failure = caught();
    hangUp("sent what " + frame.call + " does not take: " + mistyped.what());
  } catch (...) {
    reply.failure = caught();
  }
  served = outer;
  return reply;
}

void Peer::answer(const Frame& reply) {
  try {
    send(reply);
  } catch (const Error& error) {
    send({.id = reply.id, .failure = Thrown{error.code, error.what(), {}}});
  }
}

void Peer::refuse(std::uint64_t id) {
  ++refusing_;
  enqueue(
      [this, id] {
        answer({.id = id, .failure = Thrown{Code::unavailable, "Its call is over", {}}});
        const Lock lock(mutex_);
        --refusing_;
      },
      false);
}

void Peer::later(std::function<void()> job) {
  const Lock lock(mutex_);
  enqueue(std::move(job), false);
}

void Peer::enqueue(std::function<void()> job, bool mine) {
  if (ending_) return;
  jobs_.push_back(std::move(job));
  if (mine) return;  // this thread is going to look
  ready_.notify_one();
  if (jobs_.size() <= idle_) return;
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (threads_.empty()) end("found no thread to serve it");  // else one of those will
  }
}

// A thread's life. Whoever has just served a call looks whether there is another before it rests.
void Peer::work() {
  Lock lock(mutex_);
  for (bool warm = false; !ending_;) {
    if (!jobs_.empty()) {
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      ++running_;
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
      --running_;
      warm = true;
    } else if (std::exchange(warm, false) && !leading_ && !gone_) {
      lead(lock, nullptr, Clock::now() + 2ms, true);
    } else {
      ++idle_;
      ready_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      --idle_;
    }
  }
}

bool Peer::settled() const {
  const Lock lock(mutex_);
  return running_ == 0;
}

void Peer::settle() {
  std::vector<std::thread> threads;
  {
    const Lock lock(mutex_);
    ending_ = true;
    jobs_.clear();
    threads.swap(threads_);
    ready_.notify_all();
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace pombo
