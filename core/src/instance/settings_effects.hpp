// What settings do, by way of the instance's connector. One that takes them ("settings.apply") does
// by itself what they ask for. Any other is asked when something happens: calls are rejected,
// messages marked as read, the number shown as online. What of that fails is not tried again: it
// would come too late.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
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

  // Hands all of an instance's to its connector, linked or not. Does not throw.
  void apply(const Instance&, const Json& settings);
  // Others see whether a connected instance is online, unless its connector takes settings.
  void showOnline(const Instance&, bool online);
  // The instance is going.
  void forget(const InstanceId&);

 private:
  // Whether a connector does, as far as it has ever said.
  std::optional<bool> takesSettings(const std::string& connector) const;
  void learn(const std::string& connector, bool takesSettings);
  bool actsItself(const Instance&);
  void reject(const Instance&, const Event&);
  void markRead(const Instance&, const Event&);
  bool ask(const Instance&, const std::string& operation, const Json& arguments);
  void notApplied(const Instance&, const std::string& operation, const Error&);
  // Once for each call, unless it rings on.
  bool isNews(const InstanceId&, const std::string& call);
  void rings(const InstanceId&, const std::string& call);

  IHost& host_;
  mutable std::mutex mutex_;  // guards both below
  std::map<std::string, bool> takesSettings_;
  // The latest that were rejected: of each instance apart, so that nobody's flood hides another's.
  std::map<InstanceId, std::deque<std::string>> calls_;
};

}  // namespace pombo
