#include "http/socket_queue.hpp"

#include <utility>

#include "http/deflate.hpp"
#include "http/sockets.hpp"

namespace pombo {
namespace {

constexpr int kTryAgainLater = 1013;

// Shorter ones hardly become smaller; larger ones are media in base64, of which a quarter would be
// saved at the cost of others' time.
constexpr std::size_t kLeastDeflated = 256, kMostDeflated = 256 << 10;

// What was made of the last text of this thread: whoever sends one to many clients does so one
// after the other.
struct LastText {
  std::weak_ptr<const std::string> text = {};
  std::weak_ptr<const SocketFrame> plain = {}, small = {};
  bool tried = false;
  std::shared_ptr<const std::string> deflated = {};
};

std::shared_ptr<const SocketFrame> framed(std::weak_ptr<const SocketFrame>& last,
                                          const std::shared_ptr<const std::string>& payload,
                                          const Sockets& sockets, bool isSlow, bool isDeflated) {
  if (auto frame = last.lock()) return frame;
  auto share = sockets.memory().share();
  if (!share.grow(payload->size(), true)) {
    if (isSlow) return nullptr;
    share = sockets.spareMemory().share();
    if (!share.grow(payload->size(), true)) return nullptr;
  }
  auto frame = SocketFrame::ofText(payload, std::move(share), isDeflated);
  last = frame;
  return frame;
}

// Without a lock: to deflate may take milliseconds.
LastText& madeOf(const std::shared_ptr<const std::string>& text, bool deflates) {
  thread_local LastText last;
  if (last.text.lock() != text) last = {.text = text};
  if (deflates && !std::exchange(last.tried, true) && text->size() >= kLeastDeflated &&
      text->size() <= kMostDeflated)
    if (auto small = deflated(*text))
      last.deflated = std::make_shared<const std::string>(std::move(*small));
  return last;
}

}  // namespace

SocketQueue::SocketQueue(std::shared_ptr<Sockets> sockets, SocketOwner owner, bool deflates)
    : sockets_(std::move(sockets)), owner_(std::move(owner)), deflates_(deflates) {}
SocketQueue::~SocketQueue() = default;

const BodyMemory* SocketQueue::inflating() const {
  return deflates_ ? &sockets_->inflating() : nullptr;
}

void SocketQueue::send(const std::shared_ptr<const std::string>& text) {
  if (!text) return;
  LastText& made = madeOf(text, deflates_);
  std::unique_lock lock(mutex_);
  if (closed_) return;
  // Nobody pays for the slowness of others: there is memory for those alone that are not slow.
  const bool isSlow = unsentBytes_ > kBacklog;
  auto frame = deflates_ && made.deflated
                   ? framed(made.small, made.deflated, *sockets_, isSlow, true)
                   : framed(made.plain, text, *sockets_, isSlow, false);
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
