// A connector whose every answer can be asked for, by the number that connects: to see what the
// gateway makes of each.
#include <condition_variable>
#include <map>
#include <mutex>
#include <pombo/block.hpp>

using namespace pombo;

namespace {

const std::map<std::string, Error>& failures() {
  static const std::map<std::string, Error> all{
      {"400", Error(Code::invalid, "Number is not registered on WhatsApp")},
      {"401", Error(Code::unauthorized, "WhatsApp knows no such client")},
      {"429", Error(Code::rateLimited, "Rate limited by WhatsApp. Try again later.",
                    std::chrono::seconds(7))},
      {"501", Error(Code::unsupported, "no codes here")},
      {"502", Error(Code::refused, "the proxy said 407")},
      {"504", Error(Code::timedOut, "silence")}};
  return all;
}

class HandsetBlock final : public IBlockConfigurator, private IConnector {
 public:
  void start(IHost&) override {}
  Json summary(const Instance&) override { return boost::json::object(); }
  IConnector* connector() noexcept override { return this; }

 private:
  // "...000" waits for a newer call, "...999" is linked at once, and a status fails like that.
  Link connect(const Instance& instance, const LinkRequest& request) override {
    const auto turn = begin(instance.id);
    if (request.number.empty()) return {Link::Kind::qr, codeOf(request)};
    const std::string wanted = request.number.substr(request.number.size() - 3);
    if (wanted == "999") return {Link::Kind::connected};
    if (wanted == "000") waitForANewer(instance.id, turn);
    if (const auto it = failures().find(wanted); it != failures().end())
      throw Error(it->second.code, it->second.what(), it->second.retryAfter);
    return {Link::Kind::pairing, "ABCD" + request.number.substr(0, 4)};
  }
  void reconnect(const Instance&, const std::optional<Proxy>&) override {
    throw Error(Code::invalid, "There is no session");
  }
  void disconnect(const Instance&) override {}
  void logout(const Instance&) override {}
  Profile profile(const Instance&) override { return {}; }
  Json perform(const Instance&, const std::string&, const Json&) override { return nullptr; }
  Media media(const Instance&, const std::string&) override { return {}; }

  static std::string codeOf(const LinkRequest& request) {
    return "2@" + (request.proxy ? request.proxy->host : "direct") + "," +
           std::to_string(request.historyDays.value_or(0));
  }
  int begin(const InstanceId& id) {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
    return ++turns_[id];
  }
  void waitForANewer(const InstanceId& id, int turn) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turns_[id] > turn; });
    throw Error(Code::conflict, "A newer call has come");
  }

  std::mutex mutex_;  // guards turns_
  std::condition_variable changed_;
  std::map<InstanceId, int> turns_;
};

}  // namespace

POMBO_BLOCK(HandsetBlock, "handset", "1.0.0")
