// Which URLs, hosts and proxies may be dialled. Beside core there is the C library's own reading of
// numbers, and a plain list of what nobody is to reach.
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "net/egress.hpp"
#include "target.hpp"

namespace {

using namespace pombo;

// No name has an address here.
std::vector<Address> nobody(const std::string&) { return {}; }

const Egress& egress() {
  static const Egress one(EgressOptions{}, nobody);
  return one;
}

// As whoever dials would read it: 127.1, 0x7f.1 and 2130706433 are all the same.
std::optional<Address> numberIn(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return std::nullopt;
  Address found{};
  if (list->ai_family == AF_INET6) {
    found = reinterpret_cast<sockaddr_in6*>(list->ai_addr)->sin6_addr;
  } else {
    found.s6_addr[10] = found.s6_addr[11] = 0xff;
    std::memcpy(found.s6_addr + 12, &reinterpret_cast<sockaddr_in*>(list->ai_addr)->sin_addr, 4);
  }
  ::freeaddrinfo(list);
  return found;
}

bool isForbidden(std::uint32_t four) {
  const auto in = [four](std::uint32_t first, int bits) {
    return (four ^ first) >> (32 - bits) == 0;
  };
  return in(0x00000000, 8) || in(0x0a000000, 8) || in(0x7f000000, 8) || in(0xa9fe0000, 16) ||
         in(0xac100000, 12) || in(0xc0a80000, 16) || in(0x64400000, 10) || in(0xc0000000, 24) ||
         in(0xc6120000, 15) || in(0xe0000000, 4) || in(0xf0000000, 4);
}

// fc00::/7, fe80::/10, fec0::/10 and ff00::/8.
bool isForbidden(const std::uint8_t* six) {
  return (six[0] & 0xfe) == 0xfc || (six[0] == 0xfe && six[1] >= 0x80) || six[0] == 0xff;
}

Address joined(const Address& prefix, const Address& rest) {
  Address address = prefix;
  std::copy_n(rest.s6_addr + 12, 4, address.s6_addr + 12);
  return address;
}

// The three ways in which a tunnel has the address of its end in its own.
Address sixToFour(const Address& end) {
  Address address = end;
  address.s6_addr[0] = 0x20, address.s6_addr[1] = 0x02;
  std::copy_n(end.s6_addr + 12, 4, address.s6_addr + 2);
  return address;
}

Address teredo(const Address& end) {
  Address address = joined(*addressOf("2001::"), end);
  for (int i = 12; i < 16; ++i) address.s6_addr[i] ^= 0xff;
  return address;
}

Address isatap(const Address& end) { return joined(*addressOf("2606:4700::5efe:0:0"), end); }

bool same(const std::optional<Address>& read, const Address& address) {
  return read && std::memcmp(&*read, &address, sizeof address) == 0;
}

// What holds of any address, however it was come by.
void checkAddress(const Address& address) {
  static const Address mapped = *addressOf("0.0.0.0"), nat64 = *addressOf("64:ff9b::");
  const auto verdict = [](const Address& of, bool proxy = false) {
    return egress().refusal("", of, proxy);
  };
  std::uint32_t four = 0;
  for (int i = 12; i < 16; ++i) four = four << 8 | address.s6_addr[i];
  if (isForbidden(four)) require(verdict(joined(mapped, address)).has_value());
  if (isForbidden(address.s6_addr)) require(verdict(address).has_value());
  // An address behind NAT64 is as near as by itself.
  require(verdict(joined(nat64, address)) == verdict(joined(mapped, address)));
  // Not even a proxy may be this host, however many tunnels lead to it.
  if (four >> 24 == 127)
    for (const Address& end : {sixToFour(address), teredo(address), isatap(address)})
      require(verdict(end, true).has_value());
  require(same(addressOf(textOf(address)), address));
  // What not even a proxy may be, nothing may be.
  if (verdict(address, true)) require(verdict(address).has_value());
}

// What a socket is about to be connected to.
void checkSocketAddress(const Address& address) {
  static const Address mapped = *addressOf("0.0.0.0");
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = address;
  require(same(addressOf(reinterpret_cast<const sockaddr&>(six)), address));
  sockaddr_in four{};
  four.sin_family = AF_INET;
  std::memcpy(&four.sin_addr, address.s6_addr + 12, 4);
  require(same(addressOf(reinterpret_cast<const sockaddr&>(four)), joined(mapped, address)));
  four.sin_family = AF_UNIX;
  require(!addressOf(reinterpret_cast<const sockaddr&>(four)));
}

// Its first bytes; of less than sixteen, an address of version 4.
Address addressFrom(const std::string& text) {
  Address address = *addressOf("0.0.0.0");
  const std::size_t count = text.size() < 16 ? std::min<std::size_t>(text.size(), 4) : 16;
  std::copy_n(text.begin(), count, address.s6_addr + 16 - count);
  return address;
}

// A name is judged by the worst of its addresses.
void checkName(const Url& url, const Address& address) {
  if (addressOf(url.host) || egress().refusalAtSight(url)) return;
  static const Address open = *addressOf("8.8.8.8");
  const auto asking = egress().asking([&](const std::string& name) {
    require(name == url.host);
    return std::vector<Address>{open, address};
  });
  require(asking.refusal(url) == egress().refusal("", address, false));
}

void checkUrl(const std::string& text) {
  const auto url = parseUrl(text);
  if (!url) return;
  checkName(*url, addressFrom(text));
  require(url->scheme == "http" || url->scheme == "https");
  require(url->port != 0 && isHost(url->host));
  const auto verdict = egress().refusal(*url);
  require(egress().refusalAtSight(*url) == verdict);  // a name of nobody leads nowhere
  // What is dialled is what was checked, and stays so when it is read again.
  const auto again = parseUrl(url->dialled);
  require(again && again->scheme == url->scheme && again->host == url->host &&
          again->port == url->port && again->dialled == url->dialled &&
          again->credentials == url->credentials);
  require(egress().refusal(*again) == verdict);
  if (url->credentials) return require(verdict == "credentials in URL");
  // A number in any spelling is judged as that number.
  const bool dot = url->host.ends_with('.');
  if (const auto number = numberIn(url->host.substr(0, url->host.size() - dot))) {
    require(egress().refusal("", *number, false) == verdict);
    checkAddress(*number);
  }
  // Upper and lower case are one host.
  std::string host = url->host;
  for (char& c : host)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  if (host.find(':') != host.npos) host = "[" + host + "]";
  if (const auto upper = parseUrl(url->scheme + "://" + host))
    require(upper->host == url->host && egress().refusal(*upper) == verdict);
}

void checkProxy(const std::string& text) {
  if (!isHost(text)) return;
  require(text.find_first_of(std::string_view("\0 \t\r\n/@", 7)) == text.npos);
  require(egress().refusalOfProxyAtSight(text) == egress().refusalOfProxy(text));
  const bool brackets = text.starts_with('[');
  const auto number = numberIn(brackets ? text.substr(1, text.size() - 2) : text);
  if (number) require(egress().refusal("", *number, true) == egress().refusalOfProxy(text));
}

// As an entry of egress.allow: it allows itself.
void checkAllowed(const std::string& text) {
  const auto cidr = cidrOf(text);
  const auto host = hostIn(text);
  try {
    const Egress open(EgressOptions{.allow = {text}, .proxyPrivate = false}, nobody);
    require(cidr || host);
    const Address address = cidr ? cidr->first : addressOf(*host).value_or(*addressOf("127.0.0.1"));
    require(!open.refusal(host.value_or(""), address, false));
  } catch (const std::runtime_error&) {
    require(!cidr && !host);
  }
  if (cidr) require(cidr->contains(cidr->first) && cidr->bits >= 0 && cidr->bits <= 128);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  checkUrl(text);
  checkUrl("http://" + text + "/");
  checkProxy(text);
  checkAllowed(text);
  if (size >= 16) {
    const Address address = addressFrom(text);
    checkAddress(address);
    checkSocketAddress(address);
  }
  return 0;
}
