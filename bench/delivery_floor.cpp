// The least that a delivery can cost: the request of one, by libcurl, on one thread that does
// nothing else. The handles are made once, and connections are kept.
//
//   bench_delivery_floor --port 8080 --paths 64 --clients 64 --bytes 700 --seconds 2
//
// --clients is how many are in flight, --bytes the size of a body. The headers are those of a
// signed webhook, as long as they really are.
#include <curl/curl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Multi = std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)>;
using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

constexpr const char* kHeaders[] = {
    "Expect:",
    "User-Agent: Pombo/0.1.0",
    "authorization: Bearer 0192f1d0111172228333444455556666",
    "content-type: application/json",
    "webhook-id: 0192f1d0-1111-7222-8333-444455556666",
    "webhook-signature: v1,peUPRqp3pB9X4ryKww308em6qaR6wAfBjLUHmLqMvwE=",
    "webhook-timestamp: 1795255200",
    "x-pombo-attempt: 1",
    "x-pombo-event: message.exchange",
    "x-pombo-instance: bench-1",
};

struct Options {
  int port = 0;
  int paths = 64;
  int clients = 64;
  std::size_t bytes = 700;
  double seconds = 2;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_delivery_floor: %s\n", what.c_str());
  std::exit(2);
}

Options optionsFrom(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (++i == argc) fail("a value is missing after " + std::string(name));
    if (name == "--port")
      options.port = std::atoi(argv[i]);
    else if (name == "--paths")
      options.paths = std::atoi(argv[i]);
    else if (name == "--clients")
      options.clients = std::atoi(argv[i]);
    else if (name == "--bytes")
      options.bytes = static_cast<std::size_t>(std::atol(argv[i]));
    else if (name == "--seconds")
      options.seconds = std::atof(argv[i]);
    else
      fail("unknown option " + std::string(name));
  }
  if (options.port == 0) fail("which port?");
  return options;
}

double cpuSeconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) { return size * count; }

class Floor {
 public:
  explicit Floor(const Options& options) : options_(options), body_(options.bytes, 'x') {
    for (const char* each : kHeaders) {
      auto* const longer = curl_slist_append(headers_.get(), each);
      if (!headers_) headers_.reset(longer);
    }
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options.clients) + 8);
  }

  std::uint64_t run() {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(options_.seconds));
    for (int i = 0; i < options_.clients; ++i) send(curl_easy_init());
    for (int running = options_.clients; running > 0;) {
      curl_multi_perform(multi_.get(), &running);
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->data.result != CURLE_OK) fail(curl_easy_strerror(message->data.result));
        CURL* const handle = message->easy_handle;
        curl_multi_remove_handle(multi_.get(), handle);
        ++done_;
        if (Clock::now() < end)
          send(handle), running = 1;
        else
          curl_easy_cleanup(handle);
      }
      if (running > 0) curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr);
    }
    return done_;
  }

 private:
  void send(CURL* handle) {
    const auto path = sent_++ % static_cast<std::uint64_t>(options_.paths);
    const std::string url =
        "http://127.0.0.1:" + std::to_string(options_.port) + "/floor/" + std::to_string(path);
    curl_easy_reset(handle);
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, 15'000L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 5'000L);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body_.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ignore);
    curl_multi_add_handle(multi_.get(), handle);
  }

  const Options& options_;
  const std::string body_;
  List headers_{nullptr, curl_slist_free_all};
  const Multi multi_{curl_multi_init(), curl_multi_cleanup};
  std::uint64_t sent_ = 0, done_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = optionsFrom(argc, argv);
  Floor floor(options);
  const auto start = Clock::now();
  const auto done = static_cast<double>(floor.run());
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("{\"requestsPerSecond\": %.1f, \"requests\": %.0f, \"cpuMicroseconds\": %.2f}\n",
              done / took, done, cpuSeconds() / done * 1e6);
}
