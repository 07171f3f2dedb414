// Clients that listen to WebSockets and cost little beside whoever sends: one thread, epoll.
//
//   bench_listeners PORT COUNT PATH [HEADER...]
//
// Opens COUNT of them, one after the other, says {"open": COUNT}, and answers PINGs. A line on
// standard input is answered with one; nanoseconds are those of the steady clock:
//
//   await N    {"texts": N, "bytes": N, "firstNs": N, "lastNs": N}, as soon as N texts have come;
//              then it counts from nothing
//
// It fails when a connection ends. The end of the input is its end.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::uint64_t kInput = ~0ull;  // standard input, among the numbers of clients

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_listeners: %s\n", what.c_str());
  std::exit(2);
}

long long nowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Counts {
  long long texts = 0, bytes = 0, firstNs = 0, lastNs = 0;
};

// Between two reads it keeps a head that was cut, and how much of a payload is still to come.
struct Client {
  int fd = -1;
  std::string head = {};
  std::uint64_t left = 0;
  std::uint8_t opcode = 0;
};

void sendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) fail("cannot send");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

int opened(std::uint16_t port, const std::string& request) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("cannot connect");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sendAll(fd, request);
  std::string head;
  for (char c = 0; !head.ends_with("\r\n\r\n"); head += c)
    if (::recv(fd, &c, 1, 0) != 1) fail("no answer: " + head);
  if (!head.starts_with("HTTP/1.1 101 ")) fail("no WebSocket: " + head);
  return fd;
}

void onHead(Client& client, Counts& counts) {
  const auto* byte = reinterpret_cast<const std::uint8_t*>(client.head.data());
  client.opcode = byte[0] & 0x0f;
  client.left = byte[1];
  if (byte[1] >= 126)
    for (std::size_t i = client.left = 0; i < client.head.size() - 2; ++i)
      client.left = client.left << 8 | byte[2 + i];
  client.head.clear();
  if (client.opcode == 9 && client.left == 0)
    sendAll(client.fd, std::string_view("\x8a\x80mask", 6));
  if (client.opcode == 8) fail("it was closed");
  counts.bytes += static_cast<long long>(client.left);
}

void onBytes(Client& client, std::string_view bytes, Counts& counts) {
  while (!bytes.empty() || (client.left == 0 && client.opcode == 1)) {
    if (client.left == 0 && client.opcode == 1) {
      client.opcode = 0;
      ++counts.texts;
      counts.lastNs = nowNs();
      if (counts.firstNs == 0) counts.firstNs = counts.lastNs;
      continue;
    }
    if (client.left > 0) {
      const auto used = std::min<std::uint64_t>(client.left, bytes.size());
      client.left -= used;
      bytes.remove_prefix(used);
      continue;
    }
    client.head += bytes.front();
    bytes.remove_prefix(1);
    const int length = client.head.size() < 2 ? 0 : client.head[1] & 0x7f;
    const std::size_t size = length < 126 ? 2 : length == 126 ? 4 : 10;
    if (client.head.size() == size) onHead(client, counts);
  }
}

class Listeners {
 public:
  Listeners(std::uint16_t port, std::size_t count, const std::string& request)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), clients_(count) {
    for (std::size_t i = 0; i < count; ++i) watch(clients_[i].fd = opened(port, request), i);
    watch(STDIN_FILENO, kInput);
  }

  void run() {
    std::array<epoll_event, 256> events;
    std::vector<char> scratch(256 << 10);
    while (true) {
      const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < n; ++i) {
        const auto number = events[static_cast<std::size_t>(i)].data.u64;
        if (number == kInput && !readCommand()) return;
        if (number != kInput) read(clients_[number], scratch);
      }
      if (wanted_ > 0 && counts_.texts >= wanted_) tell();
    }
  }

 private:
  void watch(int fd, std::uint64_t number) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = number;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void read(Client& client, std::vector<char>& scratch) {
    const auto n = ::recv(client.fd, scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (n <= 0) fail("a connection has ended");
    onBytes(client, {scratch.data(), static_cast<std::size_t>(n)}, counts_);
  }

  bool readCommand() {
    std::array<char, 256> line{};
    const auto n = ::read(STDIN_FILENO, line.data(), line.size() - 1);
    if (n <= 0) return false;
    if (std::sscanf(line.data(), "await %lld", &wanted_) != 1) fail("unknown command");
    return true;
  }

  void tell() {
    std::printf("{\"texts\": %lld, \"bytes\": %lld, \"firstNs\": %lld, \"lastNs\": %lld}\n",
                counts_.texts, counts_.bytes, counts_.firstNs, counts_.lastNs);
    std::fflush(stdout);
    counts_ = {};
    wanted_ = 0;
  }

  const int epoll_;
  std::vector<Client> clients_;
  Counts counts_;
  long long wanted_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) fail("bench_listeners PORT COUNT PATH [HEADER...]");
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::string request = std::string("GET ") + argv[3] +
                        " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  for (int i = 4; i < argc; ++i) request += std::string(argv[i]) + "\r\n";
  const auto count = std::strtoul(argv[2], nullptr, 10);
  Listeners listeners(static_cast<std::uint16_t>(std::atoi(argv[1])), count, request + "\r\n");
  std::printf("{\"open\": %lu}\n", count);
  std::fflush(stdout);
  listeners.run();
}
