#include "net/egress.hpp"

#include <algorithm>
#include <stdexcept>

#include "net/address_class.hpp"

namespace pombo {
namespace {

constexpr const char* kInternalName = "internal host name";
constexpr const char* kNoHost = "not a host";
constexpr const char* kInternalSuffixes[] = {".localhost", ".local", ".internal"};

// Those that an operator of a closed network meets.
std::string withHint(const std::string& reason) {
  const bool common =
      reason == "private address" || reason == "loopback address" || reason == kInternalName;
  return common ? reason + " (operators: egress.allow)" : reason;
}

std::string withoutDot(std::string host) {
  if (host.ends_with('.')) host.pop_back();
  return host;
}

bool isInternalName(const std::string& host) {
  if (host == "localhost") return true;
  return std::any_of(std::begin(kInternalSuffixes), std::end(kInternalSuffixes),
                     [&](const char* suffix) { return host.ends_with(suffix); });
}

}  // namespace

Egress::Egress(const EgressOptions& options, Resolve resolve)
    : proxyPrivate_(options.proxyPrivate), resolve_(std::move(resolve)) {
  for (const auto& entry : options.allow) {
    if (const auto cidr = cidrOf(entry)) {
      allowed_.push_back(*cidr);
      continue;
    }
    const auto host = hostIn(entry);
    if (!host)
      throw std::runtime_error("egress.allow: '" + entry + "' is neither a CIDR nor a host name");
    if (const auto literal = cidrOf(*host))
      allowed_.push_back(*literal);
    else
      allowedNames_.push_back(withoutDot(*host));
  }
}

Egress Egress::asking(Resolve resolve) const {
  Egress copy = *this;
  copy.resolve_ = std::move(resolve);
  return copy;
}

Egress::Refusal Egress::refusal(const Url& url) const {
  if (url.credentials) return "credentials in URL";
  return refusalOfHost(url.host, false, true);
}

Egress::Refusal Egress::refusalAtSight(const Url& url) const {
  if (url.credentials) return "credentials in URL";
  return refusalOfHost(url.host, false, false);
}

Egress::Refusal Egress::refusalOfProxy(const std::string& text) const {
  const auto host = hostIn(text);
  return host ? refusalOfHost(*host, true, true) : kNoHost;
}

Egress::Refusal Egress::refusalOfProxyAtSight(const std::string& text) const {
  const auto host = hostIn(text);
  return host ? refusalOfHost(*host, true, false) : kNoHost;
}

Egress::Refusal Egress::refusalOfHost(const std::string& host, bool proxy, bool resolving) const {
  if (allowsName(host)) return std::nullopt;
  if (isInternalName(withoutDot(host))) return withHint(kInternalName);
  if (const auto literal = addressOf(host)) return refusal(host, *literal, proxy);
  if (resolving)
    for (const auto& address : resolve_(host))
      if (auto reason = refusal(host, address, proxy)) return reason;
  return std::nullopt;
}

Egress::Refusal Egress::refusal(const std::string& name, const Address& dialled, bool proxy) const {
  if (allowsName(name) || allows(dialled)) return std::nullopt;
  const Address address = translated(dialled);
  if (allows(address)) return std::nullopt;
  if (const char* reason = reasonFor(address, proxy)) return withHint(reason);
  // What may be dialled itself may be a tunnel to what may not.
  const auto inside = tunnelled(address);
  const char* reason = inside && !allows(*inside) ? reasonFor(*inside, proxy) : nullptr;
  return reason ? Refusal(withHint(reason)) : std::nullopt;
}

const char* Egress::reasonFor(const Address& address, bool proxy) const {
  const char* reason = classOf(address);
  const auto is = [&](const char* word) { return reason && std::string_view(reason) == word; };
  const bool neighbour = is("private address") || is("reserved address");
  return proxy && proxyPrivate_ && neighbour && !isMetadata(address) ? nullptr : reason;
}

bool Egress::allowsName(const std::string& host) const {
  return std::find(allowedNames_.begin(), allowedNames_.end(), withoutDot(host)) !=
         allowedNames_.end();
}

bool Egress::allows(const Address& address) const {
  return std::any_of(allowed_.begin(), allowed_.end(),
                     [&](const Cidr& each) { return each.contains(address); });
}

}  // namespace pombo
