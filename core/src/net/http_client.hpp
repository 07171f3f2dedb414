// The client that everything which dials out over HTTP uses.
#pragma once

#include <functional>
#include <optional>

#include "net/egress.hpp"
#include "pombo/connector.hpp"

namespace pombo {

// Thread-safe; a call holds its thread until the answer is there or its time is up.
class HttpClient final : public IHttpClient {
 public:
  using ProxyOf = std::function<std::optional<Proxy>(const InstanceId&)>;

  HttpClient(const Egress& egress, std::string userAgent, ProxyOf proxyOf)
      : egress_(egress), userAgent_(std::move(userAgent)), proxyOf_(std::move(proxyOf)) {}

  IncomingReply send(const OutgoingRequest&) override;
  void requireAllowed(const std::string& url) override;
  void requireAllowedProxy(const std::string& host) override;

 private:
  const Egress& egress_;
  const std::string userAgent_;
  const ProxyOf proxyOf_;
};

}  // namespace pombo
