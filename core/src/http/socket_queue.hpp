// What waits for one WebSocket client: between the block that sends, on any thread, and the one
// thread that writes.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/socket_frame.hpp"
#include "pombo/http.hpp"
#include "pombo/instance.hpp"

namespace pombo {

class Sockets;

// Whose client it is, and by what token.
struct SocketOwner {
  InstanceId instance = {};    // empty: of none
  std::string tokenHash = {};  // empty: the route is open, or the admin's
  auto operator<=>(const SocketOwner&) const = default;
};

// Thread-safe. Ends once: whoever holds it when it is no more to become a WebSocket says end().
class SocketQueue {
 public:
  static constexpr std::size_t kMostFrames = 1024, kMostBytes = 8 << 20;
  static constexpr std::size_t kBacklog = 64 << 10;  // bytes; no client is slow for having them

  using Frames = std::vector<std::shared_ptr<const SocketFrame>>;
  struct Closing {
    int code = 0;
    std::string reason = {};
    bool atOnce = false;  // what waits is not sent any more
  };

  // `deflates`: so the client has agreed to.
  SocketQueue(std::shared_ptr<Sockets>, SocketOwner, bool deflates);
  ~SocketQueue();
  SocketQueue(const SocketQueue&) = delete;
  SocketQueue& operator=(const SocketQueue&) = delete;

  const SocketOwner& owner() const { return owner_; }
  // What reads the client's messages may take of this; null: none is deflated.
  const BodyMemory* inflating() const;

  // As ISocket says.
  void send(const std::shared_ptr<const std::string>& text);
  void close(int code, const std::string& reason) { close(Closing{code, reason}); }
  void close(Closing);
  void onClosed(std::function<void()> callback);

  // For the writing side. `wake` is called when there is something to take, on any thread, with a
  // lock held: it only leaves a note.
  void attach(std::function<void()> wake);
  // What came since the last time goes to the end of `into`; a closing comes once.
  std::optional<Closing> take(Frames& into);
  void written(std::size_t frames, std::size_t bytes);
  void end(int code);  // what it was closed with; 0: it was cut

 private:
  void wake();
  bool hasRoomFor(std::size_t bytes) const;

  const std::shared_ptr<Sockets> sockets_;
  const SocketOwner owner_;
  const bool deflates_;
  std::mutex mutex_;  // guards all below
  Frames frames_;
  std::size_t unsentFrames_ = 0, unsentBytes_ = 0;  // those that were taken among them
  std::optional<Closing> closing_;
  bool closed_ = false;  // nothing more may be sent
  bool ended_ = false;
  bool awake_ = false;  // the writing side knows that there is something
  std::function<void()> wake_, onClosed_;
};

// What the block holds. When it lets go, there is nobody left who could send.
class ClientSocket final : public ISocket {
 public:
  explicit ClientSocket(std::shared_ptr<SocketQueue> queue) : queue_(std::move(queue)) {}
  ~ClientSocket() override { queue_->close(kNormal, ""); }

  void send(const std::shared_ptr<const std::string>& text) override { queue_->send(text); }
  void close(int code, const std::string& reason) override { queue_->close(code, reason); }
  void onClosed(std::function<void()> callback) override { queue_->onClosed(std::move(callback)); }

 private:
  static constexpr int kNormal = 1000;

  const std::shared_ptr<SocketQueue> queue_;
};

// A client on its way from the route that has accepted it to the edge. One that never arrives has
// ended.
class Upgrade {
 public:
  explicit Upgrade(std::shared_ptr<SocketQueue> queue) : queue_(std::move(queue)) {}
  ~Upgrade() {
    if (queue_) queue_->end(0);
  }
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  std::shared_ptr<SocketQueue> take() { return std::exchange(queue_, nullptr); }

 private:
  std::shared_ptr<SocketQueue> queue_;
};

}  // namespace pombo
