#include "net/egress.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

namespace pombo {
namespace {

// What a URL comes to where nothing is allowed: "" when it may be dialled, "syntax" when it is
// none.
class Names {
 public:
  std::map<std::string, std::vector<std::string>> addresses;
  mutable std::vector<std::string> asked;

  Egress::Resolve resolver() const {
    return [this](const std::string& host) {
      asked.push_back(host);
      std::vector<Address> found;
      if (const auto it = addresses.find(host); it != addresses.end())
        for (const auto& text : it->second) found.push_back(addressOf(text).value());
      return found;
    };
  }
};

std::string verdictOf(const Egress& egress, const std::string& text) {
  const auto url = parseUrl(text);
  return url ? egress.refusal(*url).value_or("") : "syntax";
}

constexpr auto kLoopback = "loopback address (operators: egress.allow)";
constexpr auto kPrivate = "private address (operators: egress.allow)";
constexpr auto kInternal = "internal host name (operators: egress.allow)";
constexpr auto kLinkLocal = "link-local address";
constexpr auto kUnspecified = "unspecified address";
constexpr auto kMulticast = "multicast address";
constexpr auto kReserved = "reserved address";
constexpr auto kCredentials = "credentials in URL";
constexpr auto kSyntax = "syntax";
constexpr auto kFine = "";

struct Case {
  std::string url;
  const char* verdict;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      // Ordinary ones.
      {"https://crm.example/wa", kFine},
      {"HTTPS://CRM.Example:8443/wa?x=1#y", kFine},
      {"http://8.8.8.8", kFine},
      {"http://[2606:4700::1111]:80/", kFine},
      {"http://münchen.example/", kFine},
      {"http://a_b.example/", kFine},
      {"http://ok.example./", kFine},
      {"https://ok.example/?u=http://127.0.0.1/", kFine},
      {"https://ok.example/@127.0.0.1/", kFine},
      {"https://ok.example/a%20b", kFine},
      {"https://notlocalhost/", kFine},
      {"https://local/", kFine},
      // U1
      {"ftp://ok.example/", kSyntax},
      {"file:///etc/passwd", kSyntax},
      {"gopher://ok.example/", kSyntax},
      {"javascript:alert(1)", kSyntax},
      {"data:text/html,x", kSyntax},
      {"ws://ok.example/", kSyntax},
      {"//ok.example/", kSyntax},
      {"ok.example", kSyntax},
      {"http:ok.example", kSyntax},
      {"http://", kSyntax},
      {"http:///", kSyntax},
      {"", kSyntax},
      // U2
      {"http://ok.example:65536/", kSyntax},
      {"http://ok.example:0/", kSyntax},
      {"http://ok.example:-1/", kSyntax},
      {"http://ok.example:x/", kSyntax},
      {"http://" + std::string(64, 'a') + ".example/", kSyntax},
      {"http://" + std::string(63, 'a') + ".example/", kFine},
      {"http://" + std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') +
           "." + std::string(62, 'd') + "/",
       kSyntax},
      {"http://ok example/", kSyntax},
      {"http://ok.example/a b", kSyntax},
      {" http://ok.example/", kSyntax},
      {"http://ok.example/\r\nX: y", kSyntax},
      {std::string("http://ok.example/\0x", 20), kSyntax},
      {"http://ok.example\\@127.0.0.1/", kSyntax},
      {"http:\\\\127.0.0.1/", kSyntax},
      {"http://ok.example%0d%0a/", kSyntax},
      {"http://ok.example%00/", kSyntax},
      {"http://a..example/", kSyntax},
      {"http://[::1/", kSyntax},
      {"http://[127.0.0.1]/", kSyntax},
      {"http://[gg::1]/", kSyntax},
      // U4
      {"http://127.0.0.1/", kLoopback},
      {"http://127.0.0.1:65535", kLoopback},
      {"http://127.1/", kLoopback},
      {"http://127.255.255.254/", kLoopback},
      {"http://0177.0.0.1/", kLoopback},
      {"http://0x7f.0.0.1/", kLoopback},
      {"http://2130706433/", kLoopback},
      {"http://0x7f000001/", kLoopback},
      {"http://017700000001/", kLoopback},
      {"http://127。0。0。1/", kLoopback},
      {"http://１２７.0.0.1/", kLoopback},
      {"http://%31%32%37.0.0.1/", kLoopback},
      {"http://[::1]/", kLoopback},
      {"http://[0:0:0:0:0:0:0:1]/", kLoopback},
      {"http://[::ffff:127.0.0.1]/", kLoopback},
      {"http://[::ffff:7f00:1]/", kLoopback},
      {"http://[64:ff9b::7f00:1]/", kLoopback},
      {"http://[64:ff9b::127.0.0.1]/", kLoopback},
      {"http://127.0.0.1#@ok.example", kLoopback},
      {"http://127.0.0.1?@ok.example", kLoopback},
      {"http://127.0.0.1/@ok.example", kLoopback},
      // U5
      {"http://localhost/", kInternal},
      {"http://LOCALHOST:8080/", kInternal},
      {"http://localhost./", kInternal},
      {"http://a.localhost/", kInternal},
      {"http://x.local/", kInternal},
      {"http://x.LOCAL./", kInternal},
      {"http://metadata.google.internal/", kInternal},
      {"http://ｌｏｃａｌｈｏｓｔ/", kInternal},
      // U6
      {"http://0.0.0.0/", kUnspecified},
      {"http://0/", kUnspecified},
      {"http://0x0/", kUnspecified},
      {"http://[::]/", kUnspecified},
      {"http://[::ffff:0.0.0.0]/", kUnspecified},
      // U7
      {"http://10.0.0.1/", kPrivate},
      {"http://10.255.255.255/", kPrivate},
      {"http://172.16.0.1/", kPrivate},
      {"http://172.31.255.255/", kPrivate},
      {"http://172.32.0.1/", kFine},
      {"http://192.168.1.1/", kPrivate},
      {"http://192.169.1.1/", kFine},
      {"http://0xA000001/", kPrivate},
      {"http://[fd00::1]/", kPrivate},
      {"http://[fc00::1]/", kPrivate},
      {"http://[fd00:ec2::254]/", kPrivate},
      {"http://[64:ff9b::a00:1]/", kPrivate},
      {"http://[::ffff:192.168.0.1]/", kPrivate},
      // U8
      {"http://169.254.169.254/latest/meta-data", kLinkLocal},
      {"http://[fe80::1]/", kLinkLocal},
      {"http://[fe80::1%25eth0]/", kLinkLocal},
      {"http://[febf::1]/", kLinkLocal},
      {"http://[64:ff9b::a9fe:a9fe]/", kLinkLocal},
      // U9
      {"http://224.0.0.1/", kMulticast},
      {"http://239.255.255.255/", kMulticast},
      {"http://[ff02::1]/", kMulticast},
      // U10
      {"http://100.64.0.1/", kReserved},
      {"http://100.127.255.255/", kReserved},
      {"http://100.128.0.1/", kFine},
      {"http://192.0.2.1/", kReserved},
      {"http://198.18.0.1/", kReserved},
      {"http://198.51.100.1/", kReserved},
      {"http://203.0.113.1/", kReserved},
      {"http://240.0.0.1/", kReserved},
      {"http://255.255.255.255/", kReserved},
      {"http://0.1.2.3/", kReserved},
      {"http://168.63.129.16/", kReserved},
      {"http://[2001:db8::1]/", kReserved},
      {"http://[2002:7f00:1::]/", kReserved},
      {"http://[2001:0:1::1]/", kReserved},
      {"http://[5f00::1]/", kReserved},
      {"http://[64:ff9b:1::7f00:1]/", kReserved},
      {"http://[::ffff:0:127.0.0.1]/", kReserved},
      {"http://[::7f00:1]/", kReserved},
      {"http://[fec0::1]/", kReserved},
      {"http://[100::1]/", kReserved},
      // U11, and what is said first when several reasons apply
      {"https://user:pass@ok.example/", kCredentials},
      {"https://user@ok.example/", kCredentials},
      {"https://:pass@ok.example/", kCredentials},
      {"https://ok.example@127.0.0.1/", kCredentials},
      {"https://user@localhost/", kCredentials},
  };
  return all;
}

TEST(Egress, EveryFormOfAUrlComesToItsVerdict) {
  const Names names;
  const Egress egress({}, names.resolver());
  for (const auto& each : cases()) EXPECT_EQ(verdictOf(egress, each.url), each.verdict) << each.url;
}

TEST(Egress, OnlyNamesAreResolved) {
  Names names;
  const Egress egress({}, names.resolver());
  for (const auto* url : {"http://8.8.8.8/", "http://127.1/", "http://[::1]/", "http://localhost/",
                          "http://u@ok.example/"})
    verdictOf(egress, url);
  EXPECT_TRUE(names.asked.empty());
  verdictOf(egress, "http://OK.Example/");
  EXPECT_EQ(names.asked, std::vector<std::string>{"ok.example"});
}

TEST(Egress, ANameIsAsBadAsTheWorstOfItsAddresses) {
  Names names;
  names.addresses = {{"good.example", {"8.8.8.8", "2606:4700::1111"}},
                     {"mixed.example", {"8.8.8.8", "10.0.0.1"}},
                     {"mapped.example", {"::ffff:127.0.0.1"}},
                     {"six.example", {"fd00::1"}},
                     {"nat64.example", {"64:ff9b::a9fe:a9fe"}}};
  const Egress egress({}, names.resolver());
  EXPECT_EQ(verdictOf(egress, "http://good.example/"), kFine);
  EXPECT_EQ(verdictOf(egress, "http://mixed.example/"), kPrivate);
  EXPECT_EQ(verdictOf(egress, "http://mapped.example/"), kLoopback);
  EXPECT_EQ(verdictOf(egress, "http://six.example/"), kPrivate);
  EXPECT_EQ(verdictOf(egress, "http://nat64.example/"), kLinkLocal);
  EXPECT_EQ(verdictOf(egress, "http://unheard-of.example/"), kFine) << "it may exist later";
}

TEST(Egress, AnAllowedNetworkIsAllowedInEveryForm) {
  Names names;
  names.addresses = {{"crm.example", {"10.1.2.3"}}, {"both.example", {"10.1.2.3", "10.2.0.1"}}};
  const Egress egress({{"10.1.0.0/16", "fd00:1::/32", "127.0.0.1"}}, names.resolver());
  for (const auto* url : {"http://10.1.2.3/", "http://0x0a010203/", "http://[::ffff:10.1.2.3]/",
                          "http://[64:ff9b::a01:203]/", "http://[fd00:1::7]/", "http://127.1/",
                          "http://crm.example/"})
    EXPECT_EQ(verdictOf(egress, url), kFine) << url;
  EXPECT_EQ(verdictOf(egress, "http://10.2.2.3/"), kPrivate);
  EXPECT_EQ(verdictOf(egress, "http://[fd00:2::7]/"), kPrivate);
  EXPECT_EQ(verdictOf(egress, "http://127.0.0.2/"), kLoopback);
  EXPECT_EQ(verdictOf(egress, "http://both.example/"), kPrivate);
  EXPECT_EQ(verdictOf(egress, "http://localhost/"), kInternal) << "the name was not allowed";
  EXPECT_EQ(verdictOf(egress, "http://u@10.1.2.3/"), kCredentials);
}

TEST(Egress, AnAllowedNameIsAllowedWhateverItResolvesTo) {
  Names names;
  names.addresses = {{"crm.internal", {"10.0.0.1"}}, {"a.crm.internal", {"10.0.0.1"}}};
  const Egress egress({{"CRM.internal", "localhost."}}, names.resolver());
  for (const auto* url :
       {"http://crm.internal/", "http://CRM.INTERNAL./", "http://localhost:9000/"})
    EXPECT_EQ(verdictOf(egress, url), kFine) << url;
  EXPECT_EQ(verdictOf(egress, "http://a.crm.internal/"), kInternal);
  EXPECT_EQ(verdictOf(egress, "http://10.0.0.1/"), kPrivate);
  EXPECT_EQ(egress.refusal("crm.internal", addressOf("127.0.0.1").value(), false), std::nullopt);
  EXPECT_NE(egress.refusal("other.example", addressOf("127.0.0.1").value(), false), std::nullopt);
}

TEST(Egress, WhatIsDialledIsCheckedAgain) {
  const Names names;
  const Egress egress({}, names.resolver());
  const auto dialled = [&](const char* address) {
    return egress.refusal("ok.example", addressOf(address).value(), false).value_or("");
  };
  EXPECT_EQ(dialled("8.8.8.8"), kFine);
  EXPECT_EQ(dialled("127.0.0.1"), kLoopback);
  EXPECT_EQ(dialled("64:ff9b::7f00:1"), kLoopback);
  EXPECT_TRUE(names.asked.empty());
}

TEST(Egress, AnEntryThatIsNeitherNetworkNorNameIsNamed) {
  for (const auto* entry : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "fd00::/129", "a b",
                            "http://x", "10.0.0.1:80", "", "*.example"})
    try {
      Egress({{entry}});
      ADD_FAILURE() << entry;
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find(std::string("'") + entry + "'"), std::string::npos);
    }
}

struct ProxyCase {
  const char* host;
  const char* verdict;
};

TEST(Egress, ProxiesMayBeNeighboursButNotTheServerItself) {
  Names names;
  names.addresses = {{"proxy.example", {"10.0.0.9"}}, {"evil.example", {"8.8.8.8", "127.0.0.1"}}};
  const Egress egress({}, names.resolver());
  const ProxyCase all[] = {
      {"10.0.0.9", kFine},          {"192.168.1.1", kFine},
      {"100.64.0.1", kFine},        {"fd00::1", kFine},
      {"[fd00::1]", kFine},         {"8.8.8.8", kFine},
      {"proxy.example", kFine},     {"gone.example", kFine},
      {"127.0.0.1", kLoopback},     {"127.1", kLoopback},
      {"0x7f000001", kLoopback},    {"::1", kLoopback},
      {"[::1]", kLoopback},         {"::ffff:127.0.0.1", kLoopback},
      {"evil.example", kLoopback},  {"localhost", kInternal},
      {"a.localhost", kInternal},   {"169.254.169.254", kLinkLocal},
      {"fe80::1", kLinkLocal},      {"fe80::1%eth0", kLinkLocal},
      {"0.0.0.0", kUnspecified},    {"0", kUnspecified},
      {"::", kUnspecified},         {"224.0.0.1", kMulticast},
      {"168.63.129.16", kReserved}, {"100.100.100.200", kReserved},
      {"fd00:ec2::254", kPrivate},
  };
  for (const auto& each : all)
    EXPECT_EQ(egress.refusalOfProxy(each.host).value_or(""), each.verdict) << each.host;
}

TEST(Egress, WithoutProxyPrivateAProxyIsLikeAnyOtherHost) {
  const Names names;
  const Egress egress({{"10.1.0.0/16"}, false}, names.resolver());
  EXPECT_EQ(egress.refusalOfProxy("10.0.0.9"), kPrivate);
  EXPECT_EQ(egress.refusalOfProxy("100.64.0.1"), kReserved);
  EXPECT_EQ(egress.refusalOfProxy("10.1.0.9"), std::nullopt);
  EXPECT_EQ(egress.refusal("p.example", addressOf("10.0.0.9").value(), true), kPrivate);
}

TEST(Url, IsReadAsItIsDialled) {
  const auto url = parseUrl("HTTPS://CRM.Example:8443/Path?Q#F");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "crm.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_FALSE(url->credentials);
  EXPECT_EQ(parseUrl("http://a.example").value().port, 80);
  EXPECT_EQ(parseUrl("https://a.example").value().port, 443);
  EXPECT_EQ(parseUrl("http://[FD00::A]/").value().host, "fd00::a");
  EXPECT_EQ(parseUrl("http://[fe80::1%25eth0]/").value().host, "fe80::1");
  EXPECT_EQ(parseUrl("http://münchen.example/").value().host, "xn--mnchen-3ya.example");
  EXPECT_EQ(parseUrl("http://127.1/").value().host, "127.0.0.1");
  EXPECT_EQ(parseUrl("http://u@127。0。0。1:81/a?b#c").value().dialled,
            "http://u@127.0.0.1:81/a?b#c");
  EXPECT_EQ(parseUrl("http://münchen.example/ü").value().dialled,
            "http://xn--mnchen-3ya.example/ü");
  EXPECT_EQ(parseUrl("http://[fe80::1%25eth0]/").value().dialled, "http://[fe80::1%25eth0]/");
}

TEST(Url, ANumberBehindPercentSignsIsThatNumber) {
  EXPECT_EQ(parseUrl("http://%31/").value().host, "0.0.0.1");
  EXPECT_EQ(parseUrl("http://%31/").value().dialled, "http://0.0.0.1/");
  EXPECT_EQ(parseUrl("http://%32130706433/").value().host, "127.0.0.1");
  EXPECT_FALSE(parseUrl("http://%2531/"));
}

// The leak would be reported at the end of the tests.
TEST(Url, AHostWithoutAnAsciiFormIsRefusedAndFreed) {
  EXPECT_FALSE(parseUrl("https://-0\u0498x/"));
  EXPECT_FALSE(parseUrl("https:/-0\u0498x"));
}

TEST(Url, AnAddressIsReadToItsEnd) {
  EXPECT_FALSE(isHost(std::string("::1\0evil", 8)));
  EXPECT_FALSE(isHost("::1 "));
  EXPECT_FALSE(addressOf(std::string("127.0.0.1\0evil", 14)));
  EXPECT_FALSE(addressOf(std::string("::1\0evil", 8)));
}

TEST(Cidr, HoldsWhatItsBitsSay) {
  const auto contains = [](const char* cidr, const char* address) {
    return cidrOf(cidr).value().contains(addressOf(address).value());
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(contains("172.16.0.0/12", "172.31.0.1"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.1"));
  EXPECT_TRUE(contains("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(contains("10.1.2.3", "10.1.2.4"));
  EXPECT_TRUE(contains("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2606::1"));
  EXPECT_TRUE(contains("::/0", "8.8.8.8"));
  EXPECT_TRUE(contains("fd00::/8", "fdff::1"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

}  // namespace
}  // namespace pombo
