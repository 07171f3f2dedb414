#include "net/resolver.hpp"

#include <netdb.h>
#include <resolv.h>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "observe/waiting.hpp"

namespace pombo {
namespace {

// Shared by whoever waits and the thread that looks up, because either may be the last.
struct Lookup {
  std::mutex mutex;  // guards the rest
  std::condition_variable ended;
  bool isOver = false;
  std::vector<Address> found;
};

}  // namespace

std::vector<Address> lookUp(const std::string& host, int tries, int seconds) {
  // What is set here of the resolver is this thread's.
  if (::res_init() == 0) _res.retry = tries, _res.retrans = seconds;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<Address> found;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return found;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
  for (const addrinfo* each = list; each; each = each->ai_next)
    if (const auto address = addressOf(*each->ai_addr)) found.push_back(*address);
  return found;
}

std::vector<Address> Resolver::operator()(const std::string& host) const {
  const auto leave = [count = underWay_] { count->fetch_sub(1); };
  if (underWay_->fetch_add(1) >= most_) return leave(), std::vector<Address>();
  const auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([lookup, host, leave] {
      // Not two tries of five seconds: nobody waits for more, and the thread is one of a number
      // that is limited.
      auto found = lookUp(host, 1, 1);
      leave();  // before anyone hears of it: the next look-up has its place
      const std::lock_guard lock(lookup->mutex);
      lookup->found = std::move(found);
      lookup->isOver = true;
      lookup->ended.notify_one();
    }).detach();
  } catch (const std::system_error&) {  // no thread is to be had
    leave();
    return {};
  }
  aboutToWait();
  std::unique_lock lock(lookup->mutex);
  lookup->ended.wait_for(lock, patience_, [&] { return lookup->isOver; });
  return lookup->found;
}

}  // namespace pombo
