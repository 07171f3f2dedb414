// Takes its process down, in the way that it is told.
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "harmless_block.hpp"

using namespace pombo;

namespace {

constexpr int kFirstOwn = 3;  // descriptor after the standard ones

int descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65536));
}

void lie(const std::string& bytes) {
  for (int fd = kFirstOwn; fd < descriptors(); ++fd)
    [[maybe_unused]] const auto written = ::write(fd, bytes.data(), bytes.size());
}

void exhaustMemory() {
  for (std::vector<std::string> all;;) {
    all.emplace_back(std::size_t{16} << 20, 'x');
    std::memset(all.back().data(), 'y', all.back().size());
  }
}

void end(const std::string& how) {
  // Past any handler that a sanitizer has put up.
  if (how == "segv") std::signal(SIGSEGV, SIG_DFL), std::raise(SIGSEGV);
  if (how == "exit") std::exit(0);
  if (how == "memory") exhaustMemory();
  if (how == "garbage") lie("\xff\xff\xff\xff garbage");
  if (how == "zeros") lie(std::string(64, '\0'));
  if (how == "pipe")
    for (int fd = kFirstOwn; fd < descriptors(); ++fd) ::close(fd);
  if (how == "descriptors")
    while (::dup(STDIN_FILENO) >= 0) continue;
  for (volatile bool on = how == "loop"; on;) continue;
}

class KillerBlock final : public HarmlessBlock, private IEventSink {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "killerHow",
             .doc = "How it ends.",
             .need = Need::always,
             .choices = {"segv", "loop", "exit", "memory", "descriptors", "pipe", "garbage",
                         "zeros", "well"}}};
  }
  void start(IHost& host) override {
    HarmlessBlock::start(host);
    try {
      host.events().subscribe(*this, {.timeout = std::chrono::seconds(1)});
    } catch (const Error& error) {
      // It does not need events to do harm.
      if (error.code != Code::unsupported) throw;
    }
  }
  void configure(const Instance& instance, const Fields& slice) override {
    host_->settings().save(instance.id, {{"enabled", true}});
    end(slice.require<std::string>("killerHow"));
  }

 private:
  std::vector<std::string> route(const Event&) override { return {"victim"}; }
  Verdict deliver(const Event& event, const std::string&) override {
    end(Fields(event.data).require<std::string>("how"));
    return {};
  }
};

}  // namespace

POMBO_BLOCK(KillerBlock, "killer", "1.0.0")
