// Where the server may dial to on a client's behalf: never to itself or its neighbours, unless the
// operator says so.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/url.hpp"

namespace pombo {

// An IPv4 address is kept as ::ffff:a.b.c.d.
using Address = in6_addr;
std::optional<Address> addressOf(const std::string& text);  // no names, no zone

// A block of addresses: "10.0.0.0/8", "::1", "fd00::/8".
struct Cidr {
  Address first{};
  int bits = 128;
  bool contains(const Address&) const;
};
std::optional<Cidr> cidrOf(const std::string& text);

struct EgressOptions {
  std::vector<std::string> allow;  // CIDRs and host names
  bool proxyPrivate = true;        // proxies may have private and reserved addresses
};

class Egress {
 public:
  using Resolve = std::function<std::vector<Address>(const std::string& host)>;

  // Throws std::runtime_error naming an entry that is neither a CIDR nor a host.
  explicit Egress(const EgressOptions&, Resolve resolve = resolveWithin);

  // What follows "URL is not allowed: "; nothing when it may be dialled. `host` as in
  // Url. Resolves names, for at most a second; one that does not resolve is allowed.
  std::optional<std::string> refusal(const Url&) const;
  std::optional<std::string> refusalOfProxy(const std::string& host) const;
  // The same for one address, at the moment of dialling. `name` is the host that led to it.
  std::optional<std::string> refusal(const std::string& name, const Address&, bool proxy) const;

  static std::vector<Address> resolveWithin(const std::string& host);  // a second

 private:
  std::optional<std::string> refusalOfHost(const std::string& host, bool proxy) const;
  bool allowsName(const std::string& host) const;

  std::vector<Cidr> allowed_;
  std::vector<std::string> allowedNames_;
  bool proxyPrivate_;
  Resolve resolve_;
};

}  // namespace pombo
