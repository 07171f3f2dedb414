#include "net/egress.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "observe/waiting.hpp"

namespace pombo {
namespace {

struct Class {
  const char* cidr;
  const char* reason;
};

// The first that contains the address decides. IPv4-mapped and NAT64 forms are unwrapped before.
constexpr Class kClasses[] = {
    {"0.0.0.0/32", "unspecified address"},
    {"::/128", "unspecified address"},
    {"127.0.0.0/8", "loopback address"},
    {"::1/128", "loopback address"},
    {"169.254.0.0/16", "link-local address"},
    {"fe80::/10", "link-local address"},
    {"10.0.0.0/8", "private address"},
    {"172.16.0.0/12", "private address"},
    {"192.168.0.0/16", "private address"},
    {"fc00::/7", "private address"},  // fd00:ec2::254, a metadata service, among them
    {"224.0.0.0/4", "multicast address"},
    {"ff00::/8", "multicast address"},
    {"0.0.0.0/8", "reserved address"},
    {"100.64.0.0/10", "reserved address"},
    {"168.63.129.16/32", "reserved address"},  // the metadata service of one cloud
    {"192.0.0.0/24", "reserved address"},
    {"192.0.2.0/24", "reserved address"},
    {"192.88.99.0/24", "reserved address"},
    {"198.18.0.0/15", "reserved address"},
    {"198.51.100.0/24", "reserved address"},
    {"203.0.113.0/24", "reserved address"},
    {"240.0.0.0/4", "reserved address"},
    {"64:ff9b:1::/48", "reserved address"},
    {"100::/64", "reserved address"},
    {"2001::/23", "reserved address"},  // Teredo, ORCHID and their kind
    {"2001:db8::/32", "reserved address"},
    {"2002::/16", "reserved address"},  // 6to4 wraps any IPv4 address
    {"3fff::/20", "reserved address"},
    {"5f00::/16", "reserved address"},
    {"fec0::/10", "reserved address"},
    {"::ffff:0:0:0/96", "reserved address"},  // IPv4-translated
    {"::/96", "reserved address"},            // IPv4-compatible: long dead, still routed by some
};

const std::vector<std::pair<Cidr, std::string>>& classes() {
  static const auto all = [] {
    std::vector<std::pair<Cidr, std::string>> list;
    for (const auto& each : kClasses) list.emplace_back(*cidrOf(each.cidr), each.reason);
    return list;
  }();
  return all;
}

Address unwrapped(const Address& address) {
  static const Cidr nat64 = *cidrOf("64:ff9b::/96");
  if (!nat64.contains(address)) return address;
  Address mapped{};
  mapped.s6_addr[10] = mapped.s6_addr[11] = 0xff;
  std::copy_n(address.s6_addr + 12, 4, mapped.s6_addr + 12);
  return mapped;
}

bool isProxyMatter(const std::string& reason) {
  return reason != "private address" && reason != "reserved address";
}

// Metadata services answer on addresses that are otherwise private or reserved.
bool isMetadata(const Address& address) {
  static const Cidr services[] = {*cidrOf("168.63.129.16"), *cidrOf("fd00:ec2::254"),
                                  *cidrOf("100.100.100.200")};
  return std::any_of(std::begin(services), std::end(services),
                     [&](const Cidr& each) { return each.contains(address); });
}

std::string withHint(const std::string& reason) {
  const bool common =
      reason == "private address" || reason == "loopback address" || reason == "internal host name";
  return common ? reason + " (operators: egress.allow)" : reason;
}

std::string withoutDot(std::string host) {
  if (host.ends_with('.')) host.pop_back();
  return host;
}

std::string lowerCase(std::string host) {
  for (char& c : host) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return host;
}

bool isInternalName(const std::string& host) {
  if (host == "localhost") return true;
  for (const char* suffix : {".localhost", ".local", ".internal"})
    if (host.ends_with(suffix)) return true;
  return false;
}

}  // namespace

std::optional<Address> addressOf(const std::string& text) {
  if (text.find('\0') != text.npos) return std::nullopt;  // inet_pton() would stop there
  Address address{};
  if (::inet_pton(AF_INET6, text.c_str(), &address) == 1) return address;
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) != 1) return std::nullopt;
  address.s6_addr[10] = address.s6_addr[11] = 0xff;
  std::memcpy(address.s6_addr + 12, &four, 4);
  return address;
}

bool Cidr::contains(const Address& address) const {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (std::memcmp(first.s6_addr, address.s6_addr, whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00 >> (bits % 8));
  return (first.s6_addr[whole] & mask) == (address.s6_addr[whole] & mask);
}

std::optional<Cidr> cidrOf(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = addressOf(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int most = text.find(':') == text.npos ? 32 : 128;
  int bits = most;
  if (slash != text.npos) {
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc() || at != end || bits < 0 || bits > most) return std::nullopt;
  }
  return Cidr{*address, bits + 128 - most};
}

Egress::Egress(const EgressOptions& options, Resolve resolve)
    : proxyPrivate_(options.proxyPrivate), resolve_(std::move(resolve)) {
  for (const auto& entry : options.allow) {
    if (const auto cidr = cidrOf(entry))
      allowed_.push_back(*cidr);
    else if (isHost(entry))
      allowedNames_.push_back(withoutDot(lowerCase(entry)));
    else
      throw std::runtime_error("egress.allow: '" + entry + "' is neither a CIDR nor a host name");
  }
}

bool Egress::allowsName(const std::string& host) const {
  return std::find(allowedNames_.begin(), allowedNames_.end(), withoutDot(host)) !=
         allowedNames_.end();
}

std::optional<std::string> Egress::refusal(const Url& url) const {
  if (url.credentials) return "credentials in URL";
  return refusalOfHost(url.host, false);
}

std::optional<std::string> Egress::refusalOfProxy(const std::string& host) const {
  // A host of a proxy is read as that of a URL, so that 127.1 is seen for what it is.
  const bool bare = host.find(':') != host.npos && !host.starts_with('[');
  const auto url = parseUrl("http://" + (bare ? "[" + host + "]" : host));
  return refusalOfHost(url ? url->host : host, true);
}

std::optional<std::string> Egress::refusalOfHost(const std::string& host, bool proxy) const {
  if (allowsName(host)) return std::nullopt;
  if (isInternalName(withoutDot(host))) return withHint("internal host name");
  if (const auto literal = addressOf(host)) return refusal(host, *literal, proxy);
  for (const auto& address : resolve_(host))
    if (auto reason = refusal(host, address, proxy)) return reason;
  return std::nullopt;
}

std::optional<std::string> Egress::refusal(const std::string& name, const Address& dialled,
                                           bool proxy) const {
  if (allowsName(name)) return std::nullopt;
  const Address address = unwrapped(dialled);
  for (const auto& cidr : allowed_)
    if (cidr.contains(address)) return std::nullopt;
  for (const auto& [cidr, reason] : classes()) {
    if (!cidr.contains(address)) continue;
    if (proxy && proxyPrivate_ && !isProxyMatter(reason) && !isMetadata(address))
      return std::nullopt;
    return withHint(reason);
  }
  return std::nullopt;
}

std::vector<Address> Egress::resolveWithin(const std::string& host) {
  // getaddrinfo() itself takes no time-out; the look-up goes on in the library's own thread, which
  // is why everything it touches is on the heap and left to it when time is up.
  struct Lookup {
    std::string host;
    addrinfo hints{};
    gaicb request{};
  };
  auto lookup = std::make_unique<Lookup>();
  lookup->host = host;
  lookup->hints.ai_socktype = SOCK_STREAM;
  lookup->request.ar_name = lookup->host.c_str();
  lookup->request.ar_request = &lookup->hints;
  gaicb* list[] = {&lookup->request};
  aboutToWait();
  if (::getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr) != 0) return {};
  const timespec second{1, 0};
  while (::gai_suspend(list, 1, &second) == EAI_INTR) {
  }
  if (::gai_error(&lookup->request) == EAI_INPROGRESS &&
      ::gai_cancel(&lookup->request) != EAI_CANCELED) {
    static_cast<void>(lookup.release());
    return {};
  }
  std::vector<Address> found;
  if (::gai_error(&lookup->request) != 0) return found;
  for (const addrinfo* each = lookup->request.ar_result; each; each = each->ai_next) {
    char text[INET6_ADDRSTRLEN]{};
    const void* bytes =
        each->ai_family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(each->ai_addr)->sin_addr)
            : static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(each->ai_addr)->sin6_addr);
    if (::inet_ntop(each->ai_family, bytes, text, sizeof text))
      if (const auto address = addressOf(text)) found.push_back(*address);
  }
  ::freeaddrinfo(lookup->request.ar_result);
  return found;
}

}  // namespace pombo
