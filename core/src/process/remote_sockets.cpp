#include "process/remote_sockets.hpp"

namespace pombo {
namespace {

constexpr int kServiceRestart = 1012;

}  // namespace

void RemoteSockets::open(const std::string& path, const HttpRequest& request,
                         std::shared_ptr<ISocket> socket) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_;
    sockets_[id] = socket;
  }
  std::shared_ptr<Child> born;
  try {
    born = supervisor_.askWho("socket.open", path, request, id);
  } catch (...) {
    forget(id);
    throw;
  }
  // The callback may not hold the socket, nor the child that may outlive all others.
  socket->onClosed([this, id, child = std::weak_ptr<Child>(born)] { closed(id, child); });
  if (born->peer.gone()) socket->close(kServiceRestart, "service restart");
}

void RemoteSockets::closed(std::uint64_t id, const std::weak_ptr<Child>& born) {
  forget(id);
  // Whoever closes it serves others too, and does not wait for a block that does not read.
  if (const auto child = born.lock()) child->peer.postLater("socket.closed", pack(id));
}

Handlers RemoteSockets::posts() {
  return {
      {"socket.send", unpacked<std::uint64_t, std::shared_ptr<const std::string>>(
                          [this](std::uint64_t id, const std::shared_ptr<const std::string>& text) {
                            if (const auto to = find(id); to && text) to->send(text);
                          })},
      {"socket.close", unpacked<std::uint64_t, int, std::string>(
                           [this](std::uint64_t id, int code, const std::string& reason) {
                             if (const auto to = find(id)) to->close(code, reason);
                           })},
      {"socket.release", unpacked<std::uint64_t>([this](std::uint64_t id) { forget(id); })},
  };
}

std::shared_ptr<ISocket> RemoteSockets::find(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? nullptr : found->second;
}

void RemoteSockets::forget(std::uint64_t id) {
  std::shared_ptr<ISocket> last;  // goes without the mutex
  const std::lock_guard lock(mutex_);
  if (const auto entry = sockets_.extract(id)) last = entry.mapped();
}

void RemoteSockets::closeAll() {
  std::map<std::uint64_t, std::shared_ptr<ISocket>> orphans;
  {
    const std::lock_guard lock(mutex_);
    orphans.swap(sockets_);
  }
  for (const auto& [id, socket] : orphans) socket->close(kServiceRestart, "service restart");
}

}  // namespace pombo
