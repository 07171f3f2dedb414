#include "net/egress.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "address_forms.hpp"

namespace pombo {
namespace {

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

// In the words of the table.
std::string verdictOf(const Egress& egress, const std::string& text) {
  const auto url = parseUrl(text);
  return url ? egress.refusal(*url).value_or("allowed") : "syntax";
}

std::string verdictOfProxy(const Egress& egress, const std::string& host) {
  const auto refusal = egress.refusalOfProxy(host);
  return refusal == "not a host" ? "syntax" : refusal.value_or("allowed");
}

constexpr auto kLoopback = "loopback address (operators: egress.allow)";
constexpr auto kPrivate = "private address (operators: egress.allow)";
constexpr auto kInternal = "internal host name (operators: egress.allow)";
constexpr auto kLinkLocal = "link-local address";
constexpr auto kReserved = "reserved address";
constexpr auto kCredentials = "credentials in URL";
constexpr auto kFine = "allowed";

TEST(Egress, EveryFormOfAUrlComesToItsVerdict) {
  const Names names;
  const Egress egress({}, names.resolver());
  const auto forms = urlForms();
  EXPECT_GE(forms.size(), 150u);
  for (const auto& each : forms)
    EXPECT_EQ(verdictOf(egress, each.url), each.verdict) << each.url << ": " << each.why;
}

TEST(Egress, WhatIsToldOfANumberIsToldAtSight) {
  Names names;
  const Egress egress({}, names.resolver());
  for (const auto& each : urlForms()) {
    const auto url = parseUrl(each.url);
    EXPECT_EQ(url ? egress.refusalAtSight(*url).value_or("allowed") : "syntax", each.verdict)
        << each.url;
  }
  EXPECT_TRUE(names.asked.empty());
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
  EXPECT_EQ(verdictOfProxy(egress, "CRM.Internal."), kFine);
  EXPECT_NE(egress.refusal("other.example", addressOf("127.0.0.1").value(), false), std::nullopt);
}

TEST(Egress, AnEntryIsReadAsTheHostOfAUrl) {
  const Names names;
  const Egress egress(
      {{"127.1", "[fd00::1]", "münchen.internal", "::ffff:10.1.0.0/112", "64:ff9b::a02:0/112"}},
      names.resolver());
  for (const auto* url :
       {"http://127.0.0.1/", "http://[fd00::1]/", "http://xn--mnchen-3ya.internal/",
        "http://10.1.2.3/", "http://[64:ff9b::10.1.0.1]/", "http://[64:ff9b::10.2.0.1]/"})
    EXPECT_EQ(verdictOf(egress, url), kFine) << url;
  EXPECT_EQ(verdictOf(egress, "http://127.0.0.2/"), kLoopback);
  EXPECT_EQ(verdictOf(egress, "http://[fd00::2]/"), kPrivate);
  EXPECT_EQ(verdictOf(egress, "http://10.2.0.1/"), kPrivate) << "NAT64 alone was allowed";
}

TEST(Egress, WhatATunnelLeadsToCountsUnlessItIsAllowed) {
  const Names names;
  const Egress egress({{"127.0.0.1"}}, names.resolver());
  EXPECT_EQ(verdictOf(egress, "http://[2606:4700::5efe:127.0.0.1]/"), kFine);
  EXPECT_EQ(verdictOf(egress, "http://[2606:4700::5efe:127.0.0.2]/"), kLoopback);
  EXPECT_EQ(verdictOf(egress, "http://[2002:7f00:1::]/"), kReserved)
      << "the tunnel was not allowed";
}

TEST(Egress, WhatIsDialledIsCheckedAgain) {
  const Names names;
  const Egress egress({}, names.resolver());
  const auto dialled = [&](const char* address) {
    return egress.refusal("ok.example", addressOf(address).value(), false).value_or(kFine);
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

TEST(Egress, ProxiesMayBeNeighboursButNotTheServerItself) {
  Names names;
  names.addresses = {{"proxy.example", {"10.0.0.9"}}, {"evil.example", {"8.8.8.8", "127.0.0.1"}}};
  const Egress egress({}, names.resolver()), strict({{}, false}, names.resolver());
  for (const auto& each : proxyForms()) {
    EXPECT_EQ(verdictOfProxy(egress, each.host), each.verdict) << each.host << ": " << each.why;
    EXPECT_EQ(verdictOfProxy(strict, each.host), each.strict) << each.host << ": " << each.why;
    EXPECT_EQ(egress.refusalOfProxyAtSight(each.host), egress.refusalOfProxy(each.host));
  }
  EXPECT_EQ(verdictOfProxy(egress, "proxy.example"), kFine);
  EXPECT_EQ(verdictOfProxy(strict, "proxy.example"), kPrivate);
  EXPECT_EQ(verdictOfProxy(egress, "evil.example"), kLoopback);
  EXPECT_EQ(verdictOfProxy(egress, "gone.example"), kFine) << "it may exist later";
}

TEST(Egress, AProxyThatIsRefusedMayBeAllowed) {
  const Names names;
  const Egress egress({{"10.1.0.0/16", "fd00:ec2::254", "127.0.0.1"}, false}, names.resolver());
  for (const auto* host : {"10.1.0.9", "fd00:ec2::254", "127.1"})
    EXPECT_EQ(verdictOfProxy(egress, host), kFine) << host;
  EXPECT_EQ(verdictOfProxy(egress, "fd00:ec2::253"), kPrivate);
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

// A host that is one is one to curl as well, which dials it.
TEST(Url, AZoneIsNoLongerThanTheNameOfAnInterface) {
  EXPECT_TRUE(isHost("fe80::1%eth0"));
  for (const std::string zone : {"%", "%25"}) {
    EXPECT_TRUE(isHost("fe80::1" + zone + std::string(15, '0')));
    EXPECT_TRUE(hostIn("fe80::1" + zone + std::string(15, '0')));
    EXPECT_FALSE(isHost("fe80::1" + zone + std::string(16, '0')));
    EXPECT_FALSE(hostIn("fe80::1" + zone + std::string(16, '0')));
  }
  EXPECT_TRUE(isHost("fe80::1%25"));
  EXPECT_TRUE(hostIn("fe80::1%25"));
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
