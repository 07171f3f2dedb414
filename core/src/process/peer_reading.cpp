// Who reads the pipe, and where what was read goes.
#include <utility>

#include "process/peer.hpp"
#include "process/protocol.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 1s;
// For so long nobody takes the reading over from a thread that will probably want it again.
constexpr auto kTick = 1ms;
// Smaller frames are counted, not weighed.
constexpr std::size_t kLarge = 64u << 10;

}  // namespace

void Peer::serve() {
  Lock lock(mutex_);
  for (auto next = Clock::now() + kLook; !gone_;) {
    readInTurn(lock, next);
    if (gone_ || Clock::now() < next) continue;
    inspect(lock);
    next = Clock::now() + kLook;
  }
}

void Peer::readInTurn(Lock& lock, Deadline until) {
  if (leading_) {
    const auto turn = turns_;
    free_.wait_for(lock, kTick, [this] { return gone_; });
    if (!leading_ || turn != turns_) return;
    resting_ = true;
    free_.wait_until(lock, until, [this] { return gone_ || !leading_; });
    resting_ = false;
  } else if (std::exchange(recent_, false)) {
    free_.wait_for(lock, kTick, [this] { return gone_; });
  } else {
    lead(lock, nullptr, until, false);
  }
}

void Peer::inspect(Lock& lock) {
  const auto now = Clock::now();
  for (const auto& [id, fatal] : overdue_)
    if (fatal <= now) return end("did not answer in time");
  if (now - heard_ > limits_.silence) return end("does not answer");
  const bool ping = now - pinged_ >= limits_.ping;
  if (ping) pinged_ = now;
  lock.unlock();
  if (ping) channel_.trySend({.call = "ping", .packed = pack()});
  if (look) look();
  lock.lock();
}

// Reads until there is something for `reader`; without one, until something went to another thread.
void Peer::lead(Lock& lock, const Waiter* reader, Deadline until, bool worker) {
  leading_ = true;
  ++turns_;
  bool done = false;
  while (!gone_ && !done) {
    lock.unlock();
    std::optional<Frame> frame;
    std::string fault;
    try {
      frame = channel_.receive(until);
    } catch (const Malformed& malformed) {
      fault = std::string("sent what is no frame: ") + malformed.what();
    } catch (const std::exception& error) {
      fault = error.what();
    }
    lock.lock();
    if (!fault.empty()) end(fault);
    if (gone_ || !frame) break;
    heard_ = Clock::now();
    const bool passedOn = place(lock, std::move(*frame), worker);
    done = (reader ? !reader->inbox.empty() : passedOn) || heard_ >= until;
  }
  leading_ = false;
  recent_ = true;
  if (resting_) free_.notify_one();
  for (const auto& [id, waiter] : waiting_)
    if (waiter != reader && waiter->inbox.empty()) return waiter->arrived.notify_one();
}

// Whether it went to another thread, or is work for this one.
bool Peer::place(Lock& lock, Frame frame, bool worker) try {
  weigh(frame);
  if (frame.call.empty() || (frame.id && frame.in)) return deliver(std::move(frame));
  if (frame.id) {
    if (++serving_ > limits_.calls) throw Malformed("has too many calls under way");
    enqueue(
        [this, frame = std::move(frame)] {
          const Frame reply = replyTo(frame);
          {
            const Lock guard(mutex_);
            --serving_;
          }
          answer(reply);
        },
        worker);
    return true;
  }
  lock.unlock();
  servePost(frame);
  lock.lock();
  return false;
} catch (const std::exception& fault) {
  if (!lock) lock.lock();
  end(fault.what());
  return false;
}

void Peer::servePost(const Frame& frame) {
  if (frame.call == "ping") return channel_.trySend({.call = "pong", .packed = pack()});
  const auto handler = posts.find(frame.call);
  if (handler == posts.end()) return;
  try {
    handler->second(frame.packed);
  } catch (const Mistyped& mistyped) {
    throw Malformed("sent what " + frame.call + " does not take: " + mistyped.what());
  }
}

bool Peer::deliver(Frame frame) {
  const bool nested = !frame.call.empty();
  const auto found = waiting_.find(nested ? frame.in : frame.id);
  if (found == waiting_.end()) {
    // What is done for a call must not outlive it: its draft, for one, is gone.
    if (nested)
      refuse(frame.id);
    else
      overdue_.erase(frame.id);
    if (refusing_ > limits_.ours) throw Malformed("asks for calls that are over");
    return false;
  }
  Waiter& waiter = *found->second;
  if (waiter.answered || waiter.inbox.size() > 1)
    throw Malformed("sent more than its call can take");
  waiter.answered = !nested;
  waiter.inbox.push_back(std::move(frame));
  waiter.arrived.notify_one();
  return true;
}

void Peer::weigh(Frame& frame) {
  if (frame.size < kLarge) return;
  if (weight_ + frame.size > kMostBytes) throw Malformed("has too much under way");
  weight_ += frame.size;
  frame.weight = std::shared_ptr<const void>(
      nullptr, [this, size = frame.size](const void*) { weight_ -= size; });
}

}  // namespace pombo
