// A server on loopback that answers what the test says, byte for byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace pombo {

class TinyServer {
 public:
  // What is written back for a request, and nothing more; empty: nothing, and the connection stays
  // open until the peer closes it.
  using Answer = std::function<std::string(const std::string& request)>;

  // `forever` follows the answer again and again until the peer has had enough; empty: nothing
  // follows, and the connection stays open all the same.
  explicit TinyServer(Answer answer, std::optional<std::string> forever = {})
      : answer_(std::move(answer)), forever_(std::move(forever)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, any, &size) != 0)
      throw std::runtime_error("no port on loopback");
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~TinyServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  TinyServer(const TinyServer&) = delete;
  TinyServer& operator=(const TinyServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/", const std::string& host = "127.0.0.1") const {
    return "http://" + host + ":" + std::to_string(port_) + path;
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::uint64_t sent() const { return sent_; }  // bytes, to all

  static std::string reply(int status, const std::string& body, const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  void serve() {
    for (int peer; (peer = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(peer)) {
      const std::string request = read(peer);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      const std::string answer = answer_(request);
      bool open = write(peer, answer);
      while (open && forever_ && !forever_->empty()) open = write(peer, *forever_);
      char more;
      if (answer.empty() || (open && forever_))
        while (::recv(peer, &more, 1, 0) > 0) continue;
    }
  }

  bool write(int peer, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto n = ::send(peer, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return false;
      at += static_cast<std::size_t>(n);
      sent_ += static_cast<std::uint64_t>(n);
    }
    return true;
  }

  // A head, and the body it announces.
  static std::string read(int peer) {
    std::string all;
    char piece[4096];
    for (;;) {
      const auto end = all.find("\r\n\r\n");
      if (end != all.npos) {
        const auto at = all.find("Content-Length: ");
        const auto length = at < end ? std::stoul(all.substr(at + 16)) : 0;
        if (all.size() >= end + 4 + length) return all;
      }
      const auto n = ::recv(peer, piece, sizeof piece, 0);
      if (n <= 0) return all;
      all.append(piece, static_cast<std::size_t>(n));
    }
  }

  const Answer answer_;
  const std::optional<std::string> forever_;
  std::atomic<std::uint64_t> sent_ = 0;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;  // guards requests_
  std::vector<std::string> requests_;
  std::jthread thread_;
};

}  // namespace pombo
