#include "http/socket_queue.hpp"

#include <utility>

#include "http/sockets.hpp"

namespace pombo {
namespace {

constexpr int kTryAgainLater = 1013;

// Whoever sends a text to many clients does so one after the other: they share its frame.
std::shared_ptr<const SocketFrame> frameOf(const std::shared_ptr<const std::string>& text,
                                           const Sockets& sockets, bool waits) {
  thread_local std::weak_ptr<const SocketFrame> last;
  if (auto frame = last.lock(); frame && frame->text() == text) return frame;
  auto share = sockets.memory().share();
  if (!share.grow(text->size(), true)) {
    if (waits) return nullptr;
    share = sockets.spareMemory().share();
    if (!share.grow(text->size(), true)) return nullptr;
  }
  auto frame = SocketFrame::ofText(text, std::move(share));
  last = frame;
  return frame;
}

}  // namespace

SocketQueue::SocketQueue(std::shared_ptr<Sockets> sockets, SocketOwner owner)
    : sockets_(std::move(sockets)), owner_(std::move(owner)) {}
SocketQueue::~SocketQueue() = default;

void SocketQueue::send(const std::shared_ptr<const std::string>& text) {
  if (!text) return;
  std::unique_lock lock(mutex_);
  if (closed_) return;
  // Nobody pays for the slowness of others: there is memory for those alone that wait for nothing.
  auto frame = frameOf(text, *sockets_, unsentFrames_ > 0);
  const bool fits = frame && hasRoomFor(frame->size());
  if (fits) {
    ++unsentFrames_;
    unsentBytes_ += frame->size();
    frames_.push_back(std::move(frame));
  } else {
    closed_ = true;
    closing_ = {kTryAgainLater, "slow consumer", true};
    frames_ = {};
  }
  wake();
  lock.unlock();
  if (!fits) sockets_->tellSlow(owner_.instance);
}

bool SocketQueue::hasRoomFor(std::size_t bytes) const {
  return unsentFrames_ < kMostFrames && unsentBytes_ + bytes <= kMostBytes;
}

void SocketQueue::close(Closing closing) {
  std::lock_guard lock(mutex_);
  if (std::exchange(closed_, true)) return;
  if (closing.atOnce) frames_ = {};
  closing_ = std::move(closing);
  wake();
}

void SocketQueue::onClosed(std::function<void()> callback) {
  std::unique_lock lock(mutex_);
  if (!ended_) {
    onClosed_ = std::move(callback);
    return;
  }
  lock.unlock();
  callback();
}

void SocketQueue::attach(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  sockets_->countOpened();
  if (!frames_.empty() || closing_) this->wake();
}

void SocketQueue::wake() {
  if (wake_ && !std::exchange(awake_, true)) wake_();
}

std::optional<SocketQueue::Closing> SocketQueue::take(Frames& into) {
  std::lock_guard lock(mutex_);
  awake_ = false;
  if (into.empty())
    into.swap(frames_);
  else
    into.insert(into.end(), frames_.begin(), frames_.end());
  frames_.clear();
  return std::exchange(closing_, std::nullopt);
}

void SocketQueue::written(std::size_t frames, std::size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    unsentFrames_ -= frames;
    unsentBytes_ -= bytes;
  }
  sockets_->countSent(frames);
}

void SocketQueue::end(int code) {
  std::function<void()> tell, wake;  // they go without the mutex
  Frames frames;
  bool opened = false;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    closed_ = true;
    opened = wake_ != nullptr;
    wake.swap(wake_);
    frames.swap(frames_);
    tell.swap(onClosed_);
  }
  sockets_->ended(*this, opened ? std::optional(code) : std::nullopt, std::move(tell));
}

}  // namespace pombo
