// What settings do when something happens, by way of the instance's connector: calls are rejected,
// messages marked as read, the number shown as online. What of it fails is not tried again: it
// would come too late.
#pragma once

#include <deque>
#include <mutex>
#include <string>

#include "pombo/host.hpp"

namespace pombo {

// Thread-safe.
class SettingsEffects final : public IEventSink {
 public:
  explicit SettingsEffects(IHost& host) : host_(host) {}

  // IEventSink
  std::vector<std::string> route(const Event&) override;
  Verdict deliver(const Event&, const std::string& effect) override;

  // Others see whether a connected instance is online.
  void showOnline(const Instance&, bool online);

 private:
  void reject(const Instance&, const Event&);
  void markRead(const Instance&, const Event&);
  bool ask(const Instance&, const std::string& operation, const Json& arguments);
  // Once for each call.
  bool isNews(const Event&);

  IHost& host_;
  std::mutex mutex_;               // guards calls_
  std::deque<std::string> calls_;  // the latest that were rejected
};

}  // namespace pombo
