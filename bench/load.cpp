// A load that costs little beside the server it measures: one thread, epoll, keep-alive
// connections with one request in flight each.
//
//   bench_load get    --port 8080 --path /hello --token T --clients 64 --seconds 2
//   bench_load create --port 8080 --token T --body body.json --prefix run1 --count 10000
//   bench_load create --port 8080 --token T --body event.json --path /to/shop-@I@ --spread 64 ...
//
//   bench_load get    --port 8080 --path /hello --token T --clients 2000 --rate 50000 --seconds 5
//
// With --rate so many requests are due every second whether or not the server keeps up, and each is
// timed from when it was due; --clients is how many may be under way.
//
// In the body of `create`, @N@ becomes a number that no other request of this run has, after the
// prefix, and @C@ one of a thousand; in the path, @I@ becomes 0 to --spread in turn. Ends after
// --seconds or --count requests, whichever is first.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  bool create = false;
  int port = 0;
  std::string path = "/api/instance/new";
  std::string token;
  std::string body;
  std::string prefix = "bench";
  int clients = 64;
  double seconds = 3600;
  double rate = 0;  // 0: as many as the clients get answers to
  std::uint64_t count = UINT64_MAX;
  std::uint64_t spread = 1;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_load: %s\n", what.c_str());
  std::exit(2);
}

std::string contentsOf(const std::string& file) {
  std::ifstream in(file);
  if (!in) fail("cannot read " + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

Options optionsFrom(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode != "get" && mode != "create") fail("say get or create");
  Options options;
  options.create = mode == "create";
  for (int i = 2; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (++i == argc) fail("a value is missing after " + std::string(name));
    if (name == "--port")
      options.port = std::atoi(argv[i]);
    else if (name == "--path")
      options.path = argv[i];
    else if (name == "--token")
      options.token = argv[i];
    else if (name == "--body")
      options.body = contentsOf(argv[i]);
    else if (name == "--spread")
      options.spread = std::strtoull(argv[i], nullptr, 10);
    else if (name == "--prefix")
      options.prefix = argv[i];
    else if (name == "--clients")
      options.clients = std::atoi(argv[i]);
    else if (name == "--seconds")
      options.seconds = std::atof(argv[i]);
    else if (name == "--rate")
      options.rate = std::atof(argv[i]);
    else if (name == "--count")
      options.count = std::strtoull(argv[i], nullptr, 10);
    else
      fail("unknown option " + std::string(name));
  }
  if (options.port == 0) fail("which port?");
  if (options.create && options.body.empty()) fail("create needs a body");
  if (options.spread == 0) fail("--spread is at least 1");
  return options;
}

// Makes requests; a GET is the same bytes each time.
class Requests {
 public:
  explicit Requests(const Options& options) : options_(options) {
    head_ = (options.create ? "POST " : "GET ") + options.path +
            " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) + "\r\n";
    if (!options.token.empty()) head_ += "token: " + options.token + "\r\n";
    if (options.create)
      head_ += "Content-Type: application/json\r\n";
    else
      head_ += "\r\n";
  }

  bool next(std::string& request) {
    if (made_ == options_.count) return false;
    ++made_;
    request = head_;
    if (!options_.create) return true;
    replace(request, "@I@", std::to_string(made_ % options_.spread));
    std::string body = options_.body;
    replace(body, "@N@", options_.prefix + "-" + std::to_string(made_));
    replace(body, "@C@", std::to_string(1000 + made_ / options_.spread % 1000));
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return true;
  }

 private:
  static void replace(std::string& text, std::string_view mark, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += by.size())
      text.replace(at, mark.size(), by);
  }

  const Options& options_;
  std::string head_;
  std::uint64_t made_ = 0;
};

struct Connection {
  int fd = -1;
  std::string out;
  std::string in;
  Clock::time_point start;
};

int connectedTo(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail(std::string("cannot connect: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// Length of the whole answer in `in`, 0 while its head is not complete.
std::size_t lengthOf(std::string_view in) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  static constexpr std::string_view kName = "\r\ncontent-length:";
  for (auto at = in.find("\r\n"); at < end; at = in.find("\r\n", at + 2)) {
    if (end - at < kName.size()) continue;
    const bool same =
        std::equal(kName.begin(), kName.end(), in.begin() + static_cast<long>(at),
                   [](char a, char b) { return a == b || (b >= 'A' && b <= 'Z' && a == b + 32); });
    if (same)
      return end + 4 +
             static_cast<std::size_t>(std::strtoull(in.data() + at + kName.size(), nullptr, 10));
  }
  fail("an answer without Content-Length: " + std::string(in.substr(0, end)));
}

class Load {
 public:
  explicit Load(const Options& options) : options_(options), requests_(options) {}

  void run() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    connections_.resize(static_cast<std::size_t>(options_.clients));
    for (auto& each : connections_) each.fd = connectedTo(options_.port);
    start_ = next_ = Clock::now();
    end_ = start_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(options_.seconds));
    for (auto& each : connections_) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &each;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, each.fd, &event);
      if (options_.rate > 0)
        idle_.push_back(&each);
      else
        begin(each, Clock::now());
    }
    std::array<epoll_event, 256> events{};
    while (inFlight_ > 0 || beginDue()) {
      const bool more = beginDue();
      const int n =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), more ? 1 : 60'000);
      if (n == 0 && !more) fail("no answer for a minute");
      for (int i = 0; i < n; ++i)
        read(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
    took_ = std::chrono::duration<double>(Clock::now() - start_).count();
    for (auto& each : connections_) ::close(each.fd);
  }

  void print() {
    std::string statuses, slowest;
    std::vector<std::uint32_t> all;
    for (auto& [status, times] : times_) {
      const std::string name = (statuses.empty() ? "\"" : ", \"") + std::to_string(status) + "\": ";
      statuses += name + std::to_string(times.size());
      slowest += name + std::to_string(percentile(times, 0.99));
      all.insert(all.end(), times.begin(), times.end());
    }
    const auto p50 = percentile(all, 0.50);
    const auto p99 = percentile(all, 0.99);
    std::printf(
        "{\"requestsPerSecond\": %.1f, \"requests\": %zu, \"statuses\": {%s}, \"p50\": %u, "
        "\"p99\": %u, \"p99ByStatus\": {%s}, \"neverSent\": %zu}\n",
        static_cast<double>(all.size()) / took_, all.size(), statuses.c_str(), p50, p99,
        slowest.c_str(), due_.size());
  }

 private:
  // With a rate: what is due, as far as there are clients for it. False when nothing more will be.
  bool beginDue() {
    if (options_.rate <= 0) return false;
    const auto now = Clock::now();
    while (next_ <= std::min(now, end_)) {
      due_.push_back(next_);
      next_ += std::chrono::duration_cast<Clock::duration>(
          std::chrono::duration<double>(1 / options_.rate));
    }
    for (; !due_.empty() && !idle_.empty() && now < end_; due_.pop_front()) {
      begin(*idle_.back(), due_.front());
      idle_.pop_back();
    }
    return now < end_;
  }

  void begin(Connection& connection, Clock::time_point start) {
    connection.start = start;
    if (Clock::now() >= end_ || !requests_.next(connection.out)) return;
    ++inFlight_;
    connection.in.clear();
    // A request is smaller than a socket's buffer, and the one before has been answered.
    const auto sent =
        ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(connection.out.size())) fail("cannot send");
  }

  void read(Connection& connection) {
    const auto n = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (n <= 0) fail("the server closed a connection");
    connection.in.append(buffer_.data(), static_cast<std::size_t>(n));
    const auto length = lengthOf(connection.in);
    if (length == 0 || connection.in.size() < length) return;
    if (connection.in.size() > length) fail("more than one answer to one request");
    times_[std::atoi(connection.in.c_str() + std::strlen("HTTP/1.1 "))].push_back(
        static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.start)
                .count()));
    --inFlight_;
    if (options_.rate > 0)
      idle_.push_back(&connection);
    else
      begin(connection, Clock::now());
  }

  static std::uint32_t percentile(std::vector<std::uint32_t>& times, double part) {
    if (times.empty()) return 0;
    const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(times.size() - 1));
    std::nth_element(times.begin(), times.begin() + at, times.end());
    return times[static_cast<std::size_t>(at)];
  }

  const Options& options_;
  Requests requests_;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::size_t inFlight_ = 0;
  Clock::time_point start_;
  Clock::time_point end_;
  double took_ = 1;
  std::map<int, std::vector<std::uint32_t>> times_;  // microseconds, by status
  std::vector<Connection*> idle_;                    // with a rate
  std::deque<Clock::time_point> due_;
  Clock::time_point next_;
  std::array<char, 65536> buffer_{};
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = optionsFrom(argc, argv);
  Load load(options);
  load.run();
  load.print();
}
