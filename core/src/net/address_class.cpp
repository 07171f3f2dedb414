#include "net/address_class.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace pombo {
namespace {

// The first that contains the address decides; what nobody has assigned yet is as good as reserved.
constexpr std::pair<const char*, const char*> kClasses[] = {
    {"0.0.0.0/32", "unspecified address"},
    {"127.0.0.0/8", "loopback address"},
    {"169.254.0.0/16", "link-local address"},
    {"10.0.0.0/8", "private address"},
    {"172.16.0.0/12", "private address"},
    {"192.168.0.0/16", "private address"},
    {"224.0.0.0/4", "multicast address"},
    {"0.0.0.0/8", "reserved address"},
    {"100.64.0.0/10", "reserved address"},
    {"168.63.129.16/32", "reserved address"},  // public by its number, and inside of every Azure
    {"192.0.0.0/24", "reserved address"},
    {"192.0.2.0/24", "reserved address"},
    {"192.88.99.0/24", "reserved address"},
    {"198.18.0.0/15", "reserved address"},
    {"198.51.100.0/24", "reserved address"},
    {"203.0.113.0/24", "reserved address"},
    {"240.0.0.0/4", "reserved address"},
    {"0.0.0.0/0", nullptr},
    {"::/128", "unspecified address"},
    {"::1/128", "loopback address"},
    {"fe80::/10", "link-local address"},
    {"fc00::/7", "private address"},
    {"ff00::/8", "multicast address"},
    {"2001::/23", "reserved address"},  // Teredo, ORCHID and their kind
    {"2001:db8::/32", "reserved address"},
    {"2002::/16", "reserved address"},  // 6to4
    {"3fff::/20", "reserved address"},
    {"2000::/3", nullptr},
    {"::/0", "reserved address"},
};

// All that is link-local is refused as such and need not be here.
constexpr const char* kMetadata[] = {
    "100.100.100.200",     // Alibaba
    "168.63.129.16",       // Azure
    "192.0.0.192",         // Oracle
    "fd00:c1::a9fe:a9fe",  // Oracle
    "fd00:ec2::/32",       // Amazon: metadata, credentials of containers, names, time
    "fd20:ce::254",        // Google
    "fd00:42::42",         // Scaleway
};

// Where in an address of such a prefix there is an IPv4 address.
struct Tunnel {
  const char* prefix;
  std::size_t at;
  std::uint8_t mask = 0;  // what its bytes are turned over with
};
constexpr Tunnel kTunnels[] = {
    {"2002::/16", 2},         // 6to4
    {"2001::/32", 12, 0xff},  // Teredo: the client
    {"64:ff9b:1::/48", 12},   // with a prefix of /96, as it is nearly always
    {"::ffff:0:0:0/96", 12}, {"::/96", 12},
};

Address fourAt(const Address& address, std::size_t at, std::uint8_t mask = 0) {
  Address four{};
  four.s6_addr[10] = four.s6_addr[11] = 0xff;
  for (std::size_t i = 0; i < 4; ++i)
    four.s6_addr[12 + i] = static_cast<std::uint8_t>(address.s6_addr[at + i] ^ mask);
  return four;
}

// Its second half begins with 0000:5efe or 0200:5efe, under any prefix.
bool isIsatap(const Address& address) {
  const auto* bytes = address.s6_addr;
  return (bytes[8] & ~2) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}

}  // namespace

const char* classOf(const Address& address) {
  static const auto all = [] {
    std::vector<std::pair<Cidr, const char*>> list;
    for (const auto& [cidr, reason] : kClasses) list.emplace_back(*cidrOf(cidr), reason);
    return list;
  }();
  for (const auto& [cidr, reason] : all)
    if (cidr.contains(address)) return reason;
  return nullptr;
}

bool isMetadata(const Address& address) {
  static const auto all = [] {
    std::vector<Cidr> list;
    for (const char* cidr : kMetadata) list.push_back(*cidrOf(cidr));
    return list;
  }();
  return std::any_of(all.begin(), all.end(),
                     [&](const Cidr& each) { return each.contains(address); });
}

Address translated(const Address& address) {
  static const Cidr nat64 = *cidrOf("64:ff9b::/96");
  return nat64.contains(address) ? fourAt(address, 12) : address;
}

std::optional<Address> tunnelled(const Address& address) {
  static const auto all = [] {
    std::vector<std::pair<Cidr, Tunnel>> list;
    for (const auto& each : kTunnels) list.emplace_back(*cidrOf(each.prefix), each);
    return list;
  }();
  for (const auto& [cidr, tunnel] : all)
    if (cidr.contains(address)) return fourAt(address, tunnel.at, tunnel.mask);
  if (isIsatap(address)) return fourAt(address, 12);
  return std::nullopt;
}

}  // namespace pombo
