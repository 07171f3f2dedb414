#include "instance/identity.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace pombo {
namespace {

constexpr auto kNameSentence =
    "The 'name' field may only contain letters, digits, spaces and - _ . (1 to 100 characters)";

std::string refusalOf(const std::string& name) {
  try {
    checkedName(name);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::invalid);
    return error.what();
  }
}

std::string repeated(const std::string& piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

TEST(Identity, IdsAreVersionSevenAndTokensVersionFour) {
  const std::regex seven("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const std::regex four("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const std::regex account("pmb_[A-Za-z0-9_-]{43}");
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(std::regex_match(newId(), seven));
    EXPECT_TRUE(std::regex_match(newInstanceToken(), four));
    EXPECT_TRUE(std::regex_match(newAccountToken(), account));
  }
}

TEST(Identity, IdsAreInOrderOfTimeToTheMillisecond) {
  // The first 48 bits are the time; ids of one millisecond are in no order.
  std::string last = newId().substr(0, 13);
  for (int i = 0; i < 1000; ++i) {
    const std::string next = newId().substr(0, 13);
    EXPECT_LE(last, next);
    last = next;
  }
}

TEST(Identity, TheTimeOfAnIdIsNow) {
  const auto before = milliseconds(std::chrono::system_clock::now());
  const std::string id = newId();
  const auto after = milliseconds(std::chrono::system_clock::now());
  const auto time = std::stoll(id.substr(0, 8) + id.substr(9, 4), nullptr, 16);
  EXPECT_LE(before, time);
  EXPECT_LE(time, after);
}

TEST(Identity, NothingIsMadeTwice) {
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) {
    all.insert(newId());
    all.insert(newInstanceToken());
    all.insert(newAccountToken());
  }
  EXPECT_EQ(all.size(), 3000u);
}

TEST(Names, LettersMarksAndDigitsOfAnyScriptAreTaken) {
  for (const std::string& name :
       {std::string("a"), repeated("𠀋", 100), std::string("Ação 3"), std::string("日本語"),
        std::string("ѕhop"), std::string("new"), std::string("list"), std::string("null"),
        std::string("a.b-c_d e"), std::string("-"), std::string("_"), std::string("नमस्ते"),
        std::string("٣"), std::string("__proto__")})
    EXPECT_EQ(refusalOf(name), "") << name;
}

TEST(Names, AreOneToAHundredCodePointsAfterNormalisation) {
  EXPECT_EQ(refusalOf(std::string(100, 'a')), "");
  EXPECT_EQ(refusalOf(std::string(101, 'a')), kNameSentence);
  EXPECT_EQ(refusalOf(""), kNameSentence);
  EXPECT_EQ(refusalOf(std::string(1'000'000, 'a')), kNameSentence);
  EXPECT_EQ(refusalOf(repeated("e\u0301", 100)), "") << "200 code points, 100 when composed";
  EXPECT_EQ(refusalOf(repeated("𠀋", 101)), kNameSentence);
}

TEST(Names, PathsEndsAndMarksOfSyntaxAreRefused) {
  for (const auto* name :
       {"../../etc/passwd", "a/b", "a\\b", ".", "..", "a.", ".a", " a", "a ", "%2e%2e", "a?b",
        "a#b", "'; DROP TABLE instance;--", "a@b", "a:b", "a+b", "a&b", "a\"b"})
    EXPECT_EQ(refusalOf(name), kNameSentence) << name;
}

TEST(Names, ControlsDirectionsJoinersAndEmojiAreRefused) {
  for (const std::string& name :
       {std::string("a\rb"), std::string("a\nb"), std::string("a\tb"), std::string("a\x1b[0m"),
        std::string("a\0b", 3), std::string("\0", 1), std::string("a\u202eb"),
        std::string("a\u200db"), std::string("a😀"), std::string("a\u00a0b"),
        std::string("a\u2028b"), std::string("a\ufeffb"), std::string("a\u00adb")})
    EXPECT_EQ(refusalOf(name), kNameSentence) << name;
}

TEST(Names, BrokenUtf8IsRefused) {
  for (const auto* name : {"\xff", "a\xc0\xaf", "\xed\xa0\x80", "\xe2\x82"})
    EXPECT_EQ(refusalOf(name), kNameSentence);
}

TEST(Names, AreComparedExactlyAfterNormalisation) {
  EXPECT_EQ(checkedName("e\u0301"), "\u00e9");
  EXPECT_EQ(checkedName("\u00e9"), "\u00e9");
  EXPECT_EQ(checkedName("Shop"), "Shop");
  EXPECT_NE(checkedName("Shop"), checkedName("shop"));
  // Compatibility forms stay what they are: that would be NFKC.
  EXPECT_EQ(checkedName("ﬁ"), "ﬁ");
}

TEST(Names, NormalisationStopsWhereNoNameIsLeft) {
  const auto repeated = [](const std::string& letter, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += letter;
    return text;
  };
  // The letter with the most parts.
  EXPECT_EQ(checkedName(repeated("\u03b1\u0313\u0300\u0345", 100)), repeated("\u1f82", 100));
  EXPECT_EQ(normalized(repeated("a", 400)), repeated("a", 400));
  EXPECT_EQ(normalized(repeated("a", 401)), std::nullopt);
  EXPECT_EQ(normalized(repeated("\u0301", 200'000) + repeated("\u0323", 200'000)), std::nullopt);
}

TEST(Names, NormalisationRefusesWhatIsNotUtf8) {
  EXPECT_EQ(normalized("\xff"), std::nullopt);
  EXPECT_EQ(normalized(""), "");
}

TEST(Tokens, AreEightToAHundredAndTwentyEightVisibleAsciiCharacters) {
  for (const std::string& token :
       {std::string("12345678"), std::string(128, '~'), std::string("!\"#$%&'("),
        std::string("6f1d2c9a-7be4-4a0e-9c55-0f3d8b7a1e62")})
    EXPECT_NO_THROW(checkToken(token)) << token;
  for (const std::string& token :
       {std::string(""), std::string("1234567"), std::string(129, 'a'), std::string("1234 5678"),
        std::string("12345678\r\n"), std::string("1234567é"), std::string("1234567\x7f"),
        std::string("12345678\0", 9), std::string("12345678\t")})
    try {
      checkToken(token);
      ADD_FAILURE() << token;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::invalid);
      EXPECT_STREQ(error.what(), "The 'token' field must be 8 to 128 visible ASCII characters");
    }
}

TEST(Times, AreShownInWholeSecondsUtcAndKeptInMilliseconds) {
  EXPECT_EQ(rfc3339(fromMilliseconds(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(fromMilliseconds(1'795'257'000'999)), "2026-11-21T10:30:00Z");
  EXPECT_EQ(milliseconds(fromMilliseconds(1'795'257'000'999)), 1'795'257'000'999);
}

TEST(Times, AreReadWhereTheyCanBe) {
  for (const auto* good : {"1970-01-01T00:00:00Z", "2026-11-21T10:30:00Z", "2200-12-31T23:59:59Z"})
    EXPECT_EQ(rfc3339(timeIn(good).value()), good);
  for (const auto* bad : {"9999-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "1969-12-31T23:59:59Z",
                          "2026-02-31T00:00:00Z", "2026-11-21", ""})
    EXPECT_EQ(timeIn(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace pombo
