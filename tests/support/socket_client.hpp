// A client that sends bytes, not requests: what it tests is often not one.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

namespace pombo {

class SocketClient {
 public:
  struct Answer {
    int status = 0;
    std::map<std::string, std::string> headers;  // keys in lower case
    std::string body;
  };

  // `source`: the address that it comes from, 127.0.0.<source>.
  explicit SocketClient(std::uint16_t port, std::uint8_t source = 1)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = local(port);
    const timeval patience{kPatience, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    auto from = local(0);
    from.sin_addr.s_addr = htonl((127u << 24) | source);
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close();
      throw std::runtime_error("connection refused");
    }
  }
  ~SocketClient() { close(); }
  SocketClient(SocketClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), read_(std::move(other.read_)) {}
  SocketClient& operator=(SocketClient&&) = delete;

  static bool canConnect(std::uint16_t port) {
    try {
      return SocketClient(port).fd_ >= 0;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  // Stops where the peer does: whoever refuses a request need not read it.
  void send(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const auto n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return;
      at += static_cast<std::size_t>(n);
    }
  }

  // The next one; of status 0 when the connection ends first.
  Answer answer(bool withBody = true) {
    Answer answer;
    std::size_t end = 0;
    while ((end = read_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return answer;
    }
    answer = parsed(read_.substr(0, end + 2));
    read_.erase(0, end + 4);
    if (!withBody || !answer.headers.contains("content-length")) return answer;
    const auto length = std::stoull(answer.headers.at("content-length"));
    while (read_.size() < length && more()) continue;
    answer.body = read_.substr(0, length);
    read_.erase(0, length);
    return answer;
  }

  // All there is until the peer closes.
  std::string rest() {
    while (more()) continue;
    return timedOut_ ? "<no end>" : std::exchange(read_, {});
  }

  // The next bytes; fewer when the peer closes before.
  std::string take(std::size_t count) {
    while (read_.size() < count && more()) continue;
    std::string taken = read_.substr(0, count);
    read_.erase(0, taken.size());
    return taken;
  }

  // Reads nothing meanwhile.
  bool waitUntilReset() {
    pollfd poll{fd_, 0, 0};
    return ::poll(&poll, 1, kPatience * 1000) == 1;
  }

  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  static constexpr int kPatience = 30;  // seconds; only a failing test waits for them

  static sockaddr_in local(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  static Answer parsed(const std::string& head) {
    Answer answer;
    answer.status = std::atoi(head.substr(9, 3).c_str());
    for (auto at = head.find("\r\n") + 2; at < head.size();) {
      const auto end = head.find("\r\n", at);
      const auto colon = head.find(": ", at);
      auto name = head.substr(at, colon - at);
      for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      answer.headers[name] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    return answer;
  }

  bool more() {
    std::array<char, 65536> piece;
    const auto n = ::recv(fd_, piece.data(), piece.size(), 0);
    if (n < 0 && errno == EAGAIN) timedOut_ = true;
    if (n <= 0) return false;
    read_.append(piece.data(), static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  std::string read_;
  bool timedOut_ = false;
};

}  // namespace pombo
