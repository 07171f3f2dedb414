#include "media/media_links.hpp"

#include <gtest/gtest.h>

#include "instance/rotation.hpp"
#include "temp_store.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

const InstanceId kShop{"shop"}, kOther{"other"};

struct Link {
  std::string id, exp, sig;
};

class MediaLinksTest : public ::testing::Test {
 protected:
  Link linkOf(const std::string& text) {
    const auto exp = text.find("?exp="), sig = text.find("&sig=");
    EXPECT_TRUE(text.starts_with("/media/"));
    return {text.substr(7, exp - 7), text.substr(exp + 5, sig - exp - 5), text.substr(sig + 5)};
  }
  std::string to(const MediaId& id) const { return links_.to(id, TimePoint::max()); }
  bool opens(const Link& link) const { return links_.opens(link.id, link.exp, link.sig); }

  TempStore store_;
  MediaLinks links_{store_.sealer(), store_.clock, 72h};
};

TEST_F(MediaLinksTest, AnIdIsTheSameForTheSameAndNoOthers) {
  const auto id = links_.idOf(kShop, "key");
  EXPECT_TRUE(isMediaId(id));
  EXPECT_EQ(links_.idOf(kShop, "key"), id);
  EXPECT_NE(links_.idOf(kShop, "key2"), id);
  EXPECT_NE(links_.idOf(kOther, "key"), id);
  EXPECT_NE(links_.idOf({"sho"}, "pkey"), id);
}

TEST_F(MediaLinksTest, WhatAnIdLooksLike) {
  EXPECT_TRUE(isMediaId("0123456789abcdef0123456789abcdef"));
  for (const std::string bad :
       {"", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789ABCDEF", "../../../../../../../etc/passwd0"})
    EXPECT_FALSE(isMediaId(bad)) << bad;
}

TEST_F(MediaLinksTest, ALinkIsGoodForItsTimeAndNotAMomentLonger) {
  const auto link = linkOf(to(links_.idOf(kShop, "key")));
  EXPECT_EQ(link.exp, "1795516200");
  EXPECT_EQ(link.sig.size(), 64u);
  EXPECT_TRUE(opens(link));
  store_.clock.time += 72h - 1ms;
  EXPECT_TRUE(opens(link));
  store_.clock.time += 1ms;
  EXPECT_FALSE(opens(link));
}

TEST_F(MediaLinksTest, ALinkIsNotGoodForLongerThanItsFile) {
  const auto id = links_.idOf(kShop, "key");
  const auto link = linkOf(links_.to(id, store_.clock.time + 1h));
  EXPECT_TRUE(opens(link));
  EXPECT_EQ(linkOf(links_.to(id, store_.clock.time + 72h)).exp, linkOf(to(id)).exp);
  store_.clock.time += 1h;
  EXPECT_FALSE(opens(link));
}

TEST_F(MediaLinksTest, NothingOfItCanBeChanged) {
  const auto good = linkOf(to(links_.idOf(kShop, "key")));
  const auto other = linkOf(to(links_.idOf(kOther, "key")));
  store_.clock.time += 1s;
  const auto later = linkOf(to(good.id));
  ASSERT_TRUE(opens(good) && opens(other) && opens(later));
  const std::vector<Link> bad{
      {other.id, good.exp, good.sig},
      {good.id, later.exp, good.sig},
      {good.id, good.exp, later.sig},
      {good.id, good.exp, other.sig},
      {good.id, good.exp, ""},
      {good.id, good.exp, good.sig.substr(0, 63)},
      {good.id, good.exp, good.sig + "0"},
      {good.id, good.exp, std::string(64, '0')},
      {good.id, "", good.sig},
      {good.id, "0" + good.exp, good.sig},
      {good.id, good.exp + " ", good.sig},
      {good.id, "+" + good.exp, good.sig},
      {good.id, good.exp + ".0", good.sig},
      {good.id, "-1", good.sig},
      {good.id, "99999999999999999999999", good.sig},
      {"", good.exp, good.sig},
      {good.id + ".", good.exp, good.sig},
      {good.id.substr(0, 31), good.exp, good.sig},
  };
  for (const auto& each : bad) EXPECT_FALSE(opens(each)) << each.id << each.exp << each.sig;
  for (std::size_t i = 0; i < good.sig.size(); ++i) {
    Link each = good;
    each.sig[i] = each.sig[i] == '0' ? '1' : '0';
    EXPECT_FALSE(opens(each)) << i;
  }
}

TEST_F(MediaLinksTest, ADotIsNoPartOfWhatIsSigned) {
  const auto good = linkOf(to(links_.idOf(kShop, "key")));
  EXPECT_FALSE(opens({good.id.substr(0, 31), good.id.substr(31) + "." + good.exp, good.sig}));
}

TEST_F(MediaLinksTest, AnotherServersLinksOpenNothing) {
  TempStore other;
  const MediaLinks theirs(other.sealer(), other.clock, 72h);
  const auto link = linkOf(theirs.to(links_.idOf(kShop, "key"), TimePoint::max()));
  EXPECT_FALSE(opens(link));
  EXPECT_NE(theirs.idOf(kShop, "key"), links_.idOf(kShop, "key"));
}

TEST_F(MediaLinksTest, TheyOutliveARestartAndARotationOfTheMasterKey) {
  const auto id = links_.idOf(kShop, "key");
  const auto link = linkOf(to(id));
  rotate(*store_);
  const auto next = store_.open();
  const MediaLinks links(next->sealer(), store_.clock, 72h);
  EXPECT_EQ(links.idOf(kShop, "key"), id);
  EXPECT_TRUE(links.opens(link.id, link.exp, link.sig));
}

}  // namespace
}  // namespace pombo
