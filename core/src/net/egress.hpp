// Where the server may dial to on a client's behalf: never to itself or its neighbours, unless the
// operator says so.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/address.hpp"
#include "net/resolver.hpp"
#include "net/url.hpp"

namespace pombo {

struct EgressOptions {
  std::vector<std::string> allow;  // CIDRs and host names
  bool proxyPrivate = true;        // proxies may have private and reserved addresses
};

// What it says is what follows "URL is not allowed: "; nothing when it may be dialled. It never
// changes, so a connection that was allowed may be kept.
class Egress {
 public:
  using Refusal = std::optional<std::string>;
  using Resolve = std::function<std::vector<Address>(const std::string& host)>;

  // Throws std::runtime_error naming an entry that is neither a CIDR nor a host.
  explicit Egress(const EgressOptions&, Resolve resolve = Resolver());

  // The same, but asking another for the addresses of names.
  Egress asking(Resolve) const;

  // When something is configured: resolves a name, for at most a second; one that does not resolve
  // is allowed.
  Refusal refusal(const Url&) const;
  Refusal refusalOfProxy(const std::string& host) const;  // as a client writes it

  // When it is about to be dialled: first what can be told without resolving, ...
  Refusal refusalAtSight(const Url&) const;
  Refusal refusalOfProxyAtSight(const std::string& host) const;
  // ... then each address. `name` is the host that led to it, as in Url.
  Refusal refusal(const std::string& name, const Address&, bool proxy) const;

 private:
  Refusal refusalOfHost(const std::string& host, bool proxy, bool resolving) const;
  bool allowsName(const std::string& host) const;
  bool allows(const Address&) const;
  const char* reasonFor(const Address&, bool proxy) const;

  std::vector<Cidr> allowed_;
  std::vector<std::string> allowedNames_;  // as in Url, without the dot at the end
  bool proxyPrivate_;
  Resolve resolve_;
};

}  // namespace pombo
