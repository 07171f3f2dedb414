// A connector that does what the test says; by default it shows a code, and all else goes well.
#pragma once

#include <functional>

#include "pombo/connector.hpp"

namespace pombo {

class ScriptedConnector final : public IConnector {
 public:
  std::function<Link(const Instance&, const LinkRequest&)> onConnect = [](const Instance&,
                                                                          const LinkRequest&) {
    return Link{Link::Kind::qr, "2@code"};
  };
  std::function<void(const Instance&)> onReconnect = [](const Instance&) {};
  std::function<void(const Instance&)> onDisconnect = [](const Instance&) {};
  std::function<void(const Instance&)> onLogout = [](const Instance&) {};

  Link connect(const Instance& instance, const LinkRequest& request) override {
    return onConnect(instance, request);
  }
  void reconnect(const Instance& instance, const std::optional<Proxy>&) override {
    onReconnect(instance);
  }
  void disconnect(const Instance& instance) override { onDisconnect(instance); }
  void logout(const Instance& instance) override { onLogout(instance); }
  Profile profile(const Instance&) override { return {}; }
  Json perform(const Instance&, const std::string&, const Json&) override { return nullptr; }
  Media media(const Instance&, const std::string&) override { return {}; }
};

}  // namespace pombo
