// A server on loopback for thousands of connections at once, which does what the path says:
//   /silent...  never answers            /drip...      a byte of an answer now and then
//   /500...     500                      /redirect...  302 to /elsewhere
//   /long...    200 and 100,000 bytes    /half...      200 and the first half of what it promises
//   any other   200 and the path
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace pombo {

class CrowdServer {
 public:
  CrowdServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, SOMAXCONN) != 0 ||
        ::getsockname(listener_, any, &size) != 0 || ::pipe2(end_, O_CLOEXEC) != 0)
      throw std::runtime_error("no port on loopback");
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { run(); });
  }
  ~CrowdServer() {
    ::close(end_[1]);
    thread_.join();
    ::close(end_[0]);
    ::close(listener_);
  }
  CrowdServer(const CrowdServer&) = delete;
  CrowdServer& operator=(const CrowdServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path, const std::string& host = "127.0.0.1") const {
    return "http://" + host + ":" + std::to_string(port_) + path;
  }

  // What stood in each request line behind the method, in the order in which they came.
  std::vector<std::string> targets() const {
    const std::lock_guard lock(mutex_);
    return targets_;
  }
  std::size_t connections() const {  // that were ever opened
    const std::lock_guard lock(mutex_);
    return opened_;
  }
  // Returns when so many requests have come.
  void await(std::size_t requests) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return targets_.size() >= requests; });
  }

 private:
  struct Peer {
    std::string in;
    bool drips = false;
  };

  void run() {
    for (;;) {
      std::vector<pollfd> all{{end_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const auto& [fd, peer] : peers_) all.push_back({fd, POLLIN, 0});
      ::poll(all.data(), all.size(), 10);
      if (all[0].revents) break;
      if (all[1].revents) accept();
      for (std::size_t i = 2; i < all.size(); ++i)
        if (all[i].revents) read(all[i].fd);
      for (const auto& [fd, peer] : peers_)
        if (peer.drips) send(fd, "x");
    }
    for (const auto& [fd, peer] : peers_) ::close(fd);
  }

  void accept() {
    for (int fd; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      peers_[fd];
      const std::lock_guard lock(mutex_);
      ++opened_;
    }
  }

  void read(int fd) {
    char piece[4096];
    const auto n = ::recv(fd, piece, sizeof piece, 0);
    auto& peer = peers_[fd];
    if (n > 0) peer.in.append(piece, static_cast<std::size_t>(n));
    const auto end = peer.in.find("\r\n\r\n");
    if (n <= 0) {
      ::close(fd);
      peers_.erase(fd);
    } else if (end != peer.in.npos) {
      const auto at = peer.in.find("Content-Length: ");
      const auto length = at < end ? std::stoul(peer.in.substr(at + 16)) : 0;
      if (peer.in.size() < end + 4 + length) return;
      const auto from = peer.in.find(' ') + 1;
      const auto target = peer.in.substr(from, peer.in.find(' ', from) - from);
      peer.in.erase(0, end + 4 + length);
      note(target);  // whoever has the answer looks at once
      answer(fd, target);
    }
  }

  void note(const std::string& target) {
    const std::lock_guard lock(mutex_);
    targets_.push_back(target);
    came_.notify_all();
  }

  void answer(int fd, const std::string& target) {
    const auto reply = [&](const std::string& head, const std::string& body) {
      const std::string text = "HTTP/1.1 " + head +
                               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                               body;
      send(fd, text);
    };
    if (target.starts_with("/drip")) {
      send(fd, "HTTP/1.1 200 OK\r\nX: ");
      peers_[fd].drips = true;
    } else if (target.starts_with("/500")) {
      reply("500 No", "why");
    } else if (target.starts_with("/redirect")) {
      reply("302 Found\r\nLocation: /elsewhere", "");
    } else if (target.starts_with("/long")) {
      reply("200 OK", std::string(100'000, 'x'));
    } else if (target.starts_with("/half")) {
      send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    } else if (!target.starts_with("/silent")) {
      reply("200 OK", target);
    }
  }

  static void send(int fd, const std::string& text) {
    ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  }

  int listener_ = -1;
  int end_[2] = {-1, -1};  // closed by whoever wants the end
  std::uint16_t port_ = 0;
  std::map<int, Peer> peers_;  // by descriptor, of the thread
  mutable std::mutex mutex_;   // guards the next two
  std::vector<std::string> targets_;
  std::size_t opened_ = 0;
  std::condition_variable came_;
  std::jthread thread_;
};

}  // namespace pombo
