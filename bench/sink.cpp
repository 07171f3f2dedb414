// Receives what is posted to it and costs little beside whoever posts: one thread, epoll, HTTP/1.1
// with keep-alive.
//
//   bench_sink [--held] [--ledger FILE [--sync]]
//
// Says {"port": N} when it listens, on a free port of 127.0.0.1. The path says what a request gets:
//
//   /hang...   nothing, ever             /drip...   a byte of an answer every second
//   /500...    500                       /close...  the end of the connection
//   any other  204; with --held not before "release"
//
// What it reads on standard input, a line each, it answers with a line; nanoseconds are those of
// the steady clock, which all processes of the machine share:
//
//   count      {"requests": N, "bodyBytes": N, "firstNs": N, "lastNs": N, "nowNs": N}
//   await N    the same, as soon as N requests have come
//   reset      the same, and counts from nothing
//   release    the same, and answers all that it held, now and from now on
//   hold       the same, and holds again
//
// The ledger has a line for every request: NANOSECONDS WEBHOOK-ID ATTEMPT PATH. With --sync it is
// on the disk before the request is answered. The end of the input is its end.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kDone = "HTTP/1.1 204 No Content\r\n\r\n";
constexpr std::string_view kFailed =
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nsink";
constexpr std::string_view kDripHead = "HTTP/1.1 200 OK\r\nX: ";
constexpr std::size_t kLedgerBuffer = 256 << 10;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_sink: %s\n", what.c_str());
  std::exit(2);
}

long long nowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

std::string_view valueOf(std::string_view head, std::string_view name) {
  const auto at = head.find(name);
  if (at == head.npos) return "-";
  const auto from = at + name.size();
  return head.substr(from, head.find('\r', from) - from);
}

class Ledger {
 public:
  Ledger(const std::string& file, bool sync) : sync_(sync) {
    if (file.empty()) return;
    fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd_ < 0) fail("cannot write " + file);
  }
  ~Ledger() { flush(); }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  void note(std::string_view head, std::string_view path) {
    if (fd_ < 0) return;
    text_ += std::to_string(nowNs());
    for (const auto each :
         {valueOf(head, "\r\nwebhook-id: "), valueOf(head, "\r\nx-pombo-attempt: "), path})
      text_.append(" ").append(each);
    text_ += '\n';
    if (text_.size() > kLedgerBuffer) flush();
  }
  // Before anything is answered that was noted.
  void settle() {
    if (!sync_ || text_.empty()) return;
    flush();
    if (::fdatasync(fd_) != 0) fail("cannot sync the ledger");
  }
  void flush() {
    for (std::size_t at = 0; at < text_.size();) {
      const auto n = ::write(fd_, text_.data() + at, text_.size() - at);
      if (n <= 0) fail("cannot write the ledger");
      at += static_cast<std::size_t>(n);
    }
    text_.clear();
  }

 private:
  const bool sync_;
  int fd_ = -1;
  std::string text_;
};

struct Connection {
  explicit Connection(int descriptor) : fd(descriptor) {}
  ~Connection() { ::close(fd); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const int fd;
  std::string in;
  std::string out;       // answers of this turn
  std::size_t held = 0;  // requests that wait for the release
  bool ends = false;
};

class Sink {
 public:
  Sink(Ledger& ledger, bool held) : ledger_(ledger), isHeld_(held) {}

  void run() {
    listen();
    watch(STDIN_FILENO);
    std::array<epoll_event, 512> events;
    for (bool open = true; open;) {
      const int n = ::epoll_wait(epoll_, events.data(), events.size(), drips_.empty() ? -1 : 1000);
      for (int i = 0; i < n; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == STDIN_FILENO)
          open = obey();
        else if (fd == listener_)
          accept();
        else
          read(fd);
      }
      ledger_.settle();
      for (Connection* each : std::exchange(touched_, {})) answer(*each);
      drip();
      if (awaited_ && requests_ >= awaited_) tell();
    }
  }

 private:
  void listen() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, SOMAXCONN) != 0 ||
        ::getsockname(listener_, any, &size) != 0)
      fail("no port on loopback");
    watch(listener_);
    say("{\"port\": " + std::to_string(ntohs(address.sin_port)) + "}");
  }

  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("cannot watch a descriptor");
  }

  void accept() {
    for (int fd;
         (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (static_cast<std::size_t>(fd) >= connections_.size())
        connections_.resize(static_cast<std::size_t>(fd) + 1);
      connections_[static_cast<std::size_t>(fd)] = std::make_unique<Connection>(fd);
      watch(fd);
    }
  }

  void read(int fd) {
    auto& connection = *connections_[static_cast<std::size_t>(fd)];
    const auto n = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (n <= 0) return end(connection);
    connection.in.append(buffer_.data(), static_cast<std::size_t>(n));
    while (takeRequest(connection)) continue;
    touched_.insert(&connection);
  }

  bool takeRequest(Connection& connection) {
    const std::string_view in = connection.in;
    const auto end = in.find("\r\n\r\n");
    if (end == in.npos) return false;
    const auto head = in.substr(0, end + 2);
    const auto length = std::strtoull(valueOf(head, "\r\nContent-Length: ").data(), nullptr, 10);
    if (in.size() < end + 4 + length) return false;
    const auto from = head.find(' ') + 1;
    const auto path = head.substr(from, head.find(' ', from) - from);
    bodyBytes_ += length;
    lastNs_ = nowNs();
    if (++requests_ == 1) firstNs_ = lastNs_;
    ledger_.note(head, path);
    decide(connection, path);
    connection.in.erase(0, end + 4 + length);
    return true;
  }

  void decide(Connection& connection, std::string_view path) {
    if (path.starts_with("/hang")) return;
    if (path.starts_with("/drip")) {
      connection.out += kDripHead;
      drips_.insert(&connection);
    } else if (path.starts_with("/500")) {
      connection.out += kFailed;
    } else if (path.starts_with("/close")) {
      connection.ends = true;
    } else if (isHeld_) {
      ++connection.held;
      held_.insert(&connection);
    } else {
      connection.out += kDone;
    }
  }

  void drip() {
    if (drips_.empty() || Clock::now() < nextDrip_) return;
    nextDrip_ = Clock::now() + std::chrono::seconds(1);
    for (Connection* each : drips_) ::send(each->fd, "x", 1, MSG_NOSIGNAL);
  }

  void answer(Connection& connection) {
    // An answer is short and the last one was read: it fits into the socket's buffer.
    if (!connection.out.empty())
      ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    connection.out.clear();
    if (connection.ends) end(connection);
  }

  void end(Connection& connection) {
    drips_.erase(&connection);
    held_.erase(&connection);
    touched_.erase(&connection);
    connections_[static_cast<std::size_t>(connection.fd)].reset();
  }

  bool obey() {
    std::array<char, 4096> text;
    const auto n = ::read(STDIN_FILENO, text.data(), text.size());
    if (n <= 0) return false;
    orders_.append(text.data(), static_cast<std::size_t>(n));
    for (std::size_t end; (end = orders_.find('\n')) != orders_.npos; orders_.erase(0, end + 1))
      obey(orders_.substr(0, end));
    return true;
  }

  void obey(const std::string& order) {
    if (order.starts_with("await ")) {
      awaited_ = std::strtoull(order.c_str() + 6, nullptr, 10);
      return;
    }
    tell();
    if (order == "reset") requests_ = bodyBytes_ = 0, firstNs_ = lastNs_ = 0;
    if (order == "hold") isHeld_ = true;
    if (order == "release") release();
  }

  void release() {
    isHeld_ = false;
    for (Connection* each : held_) {
      for (; each->held > 0; --each->held) each->out += kDone;
      touched_.insert(each);
    }
    held_.clear();
  }

  void tell() {
    awaited_ = 0;
    ledger_.flush();
    std::array<char, 256> text;
    std::snprintf(text.data(), text.size(),
                  "{\"requests\": %llu, \"bodyBytes\": %llu, \"firstNs\": %lld, \"lastNs\": %lld, "
                  "\"nowNs\": %lld}",
                  static_cast<unsigned long long>(requests_),
                  static_cast<unsigned long long>(bodyBytes_), firstNs_, lastNs_, nowNs());
    say(text.data());
  }

  static void say(const std::string& text) {
    std::puts(text.c_str());
    std::fflush(stdout);
  }

  Ledger& ledger_;
  bool isHeld_;
  int epoll_ = -1;
  int listener_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::unordered_set<Connection*> touched_, drips_, held_;
  Clock::time_point nextDrip_;
  std::array<char, 64 << 10> buffer_;
  std::string orders_;
  std::uint64_t requests_ = 0, bodyBytes_ = 0, awaited_ = 0;
  long long firstNs_ = 0, lastNs_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  bool held = false, sync = false;
  std::string file;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--held")
      held = true;
    else if (name == "--sync")
      sync = true;
    else if (name == "--ledger" && i + 1 < argc)
      file = argv[++i];
    else
      fail("unknown option " + std::string(name));
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Ledger ledger(file, sync);
  auto sink = std::make_unique<Sink>(ledger, held);
  sink->run();
}
