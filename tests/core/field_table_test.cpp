#include "block/field_table.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace pombo {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::parse;

// What one field makes of one value: the value, or the sentence that refuses it.
Json outcome(const Field& field, const Json& given) {
  try {
    return checked({field}, {{field.name, given}}).values.at(field.name);
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::invalid);
    return Json(error.what());
  }
}

std::string repeated(const std::string& piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

struct TypeCase {
  Type type;
  const char* given;
  const char* read;  // null: refused in the type's words
};

TEST(FieldTable, TypesAreTakenAsTheWireSaysAndRefusedInItsWords) {
  const TypeCase cases[] = {
      {Type::boolean, "true", "true"},
      {Type::boolean, "false", "false"},
      {Type::boolean, R"("true")", nullptr},
      {Type::boolean, "1", nullptr},
      {Type::boolean, "[]", nullptr},
      {Type::boolean, "{}", nullptr},
      {Type::integer, "5", "5"},
      {Type::integer, "-5", "-5"},
      {Type::integer, R"("5")", "5"},
      {Type::integer, R"("-5")", "-5"},
      {Type::integer, "9223372036854775807", "9223372036854775807"},
      {Type::integer, "1.5", nullptr},
      {Type::integer, R"("1.5")", nullptr},
      {Type::integer, R"("1 OR 1")", nullptr},
      {Type::integer, R"(" 5")", nullptr},
      {Type::integer, R"("+5")", nullptr},
      {Type::integer, R"("0x5")", nullptr},
      {Type::integer, R"("9223372036854775808")", nullptr},
      {Type::integer, R"("  ")", nullptr},
      {Type::integer, "true", nullptr},
      {Type::integer, "[5]", nullptr},
      {Type::number, "1.5", "1.5"},
      {Type::number, "2", "2"},
      {Type::number, R"("1.5")", "1.5"},
      {Type::number, R"("-2e3")", "-2000.0"},
      {Type::number, R"("x")", nullptr},
      {Type::number, R"("nan")", nullptr},
      {Type::number, R"("inf")", nullptr},
      {Type::number, R"("-infinity")", nullptr},
      {Type::number, R"("1e999")", nullptr},
      {Type::number, "true", nullptr},
      {Type::string, R"("x")", R"("x")"},
      {Type::string, R"("   ")", R"("   ")"},
      {Type::string, "1080", R"("1080")"},
      {Type::string, "-1", R"("-1")"},
      {Type::string, "18446744073709551615", R"("18446744073709551615")"},
      {Type::string, "1.5", nullptr},
      {Type::string, "true", nullptr},
      {Type::string, R"(["x"])", nullptr},
      {Type::string, R"({"x":1})", nullptr},
      {Type::url, R"("https://a.example/x")", R"("https://a.example/x")"},
      {Type::url, "true", nullptr},
      {Type::url, "[]", nullptr},
      {Type::strings, R"(["a","b","a"])", R"(["a","b","a"])"},
      {Type::strings, "[]", "[]"},
      {Type::strings, R"("a")", nullptr},
      {Type::strings, R"(["a",1])", nullptr},
      {Type::strings, R"(["a",null])", nullptr},
      {Type::strings, "{}", nullptr},
      {Type::object, R"({"a":1})", R"({"a":1})"},
      {Type::object, "[]", nullptr},
      {Type::object, R"("x")", nullptr},
      {Type::objects, R"([{"a":1},{}])", R"([{"a":1},{}])"},
      {Type::objects, R"([{},1])", nullptr},
      {Type::objects, "{}", nullptr},
      {Type::any, "[1,{}]", "[1,{}]"},
      {Type::any, "false", "false"},
  };
  for (const auto& each : cases) {
    const Json expected = each.read
                              ? parse(each.read)
                              : Json(std::string("The 'f' field must be ") + wordsFor(each.type));
    EXPECT_EQ(outcome({.name = "f", .type = each.type}, parse(each.given)), expected)
        << each.given << " as " << wordsFor(each.type);
  }
}

TEST(FieldTable, AnUnsignedNumberThatFitsIsLikeAnyOther) {
  const Field port{.name = "f", .type = Type::integer, .min = 1, .max = 10};
  EXPECT_EQ(outcome(port, Json(5u)), Json(5));
  EXPECT_EQ(outcome(port, Json(11u)), Json("The 'f' field must be between 1 and 10"));
  EXPECT_EQ(outcome(port, Json(std::numeric_limits<std::uint64_t>::max())),
            Json("The 'f' field must be between 1 and 10"));
}

TEST(FieldTable, RangesHoldForNumbersAndForTextsOfDigits) {
  const Field integer{.name = "f", .type = Type::integer, .min = 1, .max = 2147483647};
  const Field number{.name = "f", .type = Type::number, .min = -90, .max = 90};
  const Field digits{.name = "f", .min = 1, .max = 65535};
  const Json wide = "The 'f' field must be between 1 and 2147483647";
  for (const Json& wrong : {Json(0), Json(-1), Json(2147483648), Json("0"), Json("2147483648")})
    EXPECT_EQ(outcome(integer, wrong), wide) << wrong;
  for (const Json& good : {Json(1), Json(2147483647)}) EXPECT_EQ(outcome(integer, good), good);

  for (const Json& wrong : {Json(90.5), Json(91), Json(-91), Json("90.01"), Json(-1e300)})
    EXPECT_EQ(outcome(number, wrong), Json("The 'f' field must be between -90 and 90")) << wrong;
  for (const Json& good : {Json(90), Json(-90), Json(0.25), Json(90.0)})
    EXPECT_EQ(outcome(number, good), good);

  const Json port = "The 'f' field must be between 1 and 65535";
  for (const Json& wrong : {Json("0"), Json("65536"), Json(-1), Json("-1")})
    EXPECT_EQ(outcome(digits, wrong), port) << wrong;
  EXPECT_EQ(outcome(digits, 1080), Json("1080"));
  EXPECT_EQ(outcome(digits, "1080"), Json("1080"));
  EXPECT_EQ(outcome(digits, "http"), Json("The 'f' field must be an integer"));
}

TEST(FieldTable, ARangeMayBeOpenAtOneEnd) {
  const Field atLeast{.name = "f", .type = Type::integer, .min = 5};
  EXPECT_EQ(outcome(atLeast, 5), Json(5));
  EXPECT_EQ(outcome(atLeast, std::numeric_limits<std::int64_t>::max()),
            Json(std::numeric_limits<std::int64_t>::max()));
  EXPECT_NE(outcome(atLeast, 4), Json(4));
  const Field atMost{.name = "f", .type = Type::integer, .max = 5};
  EXPECT_EQ(outcome(atMost, -1'000'000), Json(-1'000'000));
  EXPECT_EQ(outcome(atMost, 6), Json("The 'f' field must be between 0 and 5"));
}

TEST(FieldTable, LengthsAreCountedInCodePoints) {
  const Field field{.name = "f", .minLength = 2, .maxLength = 3};
  const std::string tooLong = "The 'f' field must be at most 3 characters";
  const std::string tooShort = "The 'f' field must be at least 2 characters";
  EXPECT_EQ(outcome(field, "abc"), Json("abc"));
  EXPECT_EQ(outcome(field, "ééé"), Json("ééé"));
  EXPECT_EQ(outcome(field, "😀😀😀"), Json("😀😀😀"));
  EXPECT_EQ(outcome(field, "😀😀😀😀"), Json(tooLong));
  EXPECT_EQ(outcome(field, "é"), Json(tooShort));
  EXPECT_EQ(outcome(field, 1234), Json(tooLong));
  const Field items{.name = "f", .type = Type::strings, .maxLength = 3};
  EXPECT_EQ(outcome(items, {"abc", "abcd"}), Json(tooLong));
}

TEST(FieldTable, ChoicesAreExact) {
  const Field field{.name = "f", .choices = {"http", "https", "socks5"}};
  EXPECT_EQ(outcome(field, "https"), Json("https"));
  for (const auto* wrong : {"socks4", "SOCKS5", "http ", "htt"})
    EXPECT_EQ(outcome(field, wrong), Json("The 'f' field must be one of: http, https, socks5"));
}

TEST(FieldTable, ARefusalOfTheFieldsOwnNamesTheValue) {
  const Field field{.name = "f",
                    .type = Type::strings,
                    .choices = {"message.exchange"},
                    .refusal = "Unknown event: <value>"};
  EXPECT_EQ(outcome(field, {"message.exchange", "message"}), Json("Unknown event: message"));
  EXPECT_EQ(outcome(field, {"ALL"}), Json("Unknown event: ALL"));
  // What was given is text, not a pattern.
  EXPECT_EQ(outcome(field, {"<value> $& %s"}), Json("Unknown event: <value> $& %s"));
  EXPECT_EQ(outcome(field, "ALL"), Json("The 'f' field must be a list of strings"));
}

TEST(FieldTable, RepetitionsOfADistinctListAreDroppedAndTheOrderIsKept) {
  const Field field{.name = "f", .type = Type::strings, .distinct = true};
  EXPECT_EQ(outcome(field, {"b", "a", "b", "c", "a"}), (Json{"b", "a", "c"}));
}

TEST(FieldTable, AnAliasIsASecondSpellingAndTheNameWins) {
  const std::vector<Field> table{{.name = "webhookURL", .alias = "webhookUrl"}};
  const auto url = [&](const object& given) {
    return checked(table, given).values.at("webhookURL");
  };
  EXPECT_EQ(url({{"webhookUrl", "a"}}), "a");
  EXPECT_EQ(url({{"webhookUrl", "a"}, {"webhookURL", "b"}}), "b");
  EXPECT_EQ(url({{"webhookUrl", "a"}, {"webhookURL", nullptr}}), "a");
  EXPECT_EQ(checked(table, {{"webhookUrl", "a"}}).given, std::vector<std::string>{"webhookURL"});
  EXPECT_EQ(fieldNamed(table, "webhookUrl"), &table[0]);
  EXPECT_EQ(fieldNamed(table, "webhookURL"), &table[0]);
  EXPECT_EQ(fieldNamed(table, "webhookurl"), nullptr);
  EXPECT_EQ(fieldNamed({{.name = "f"}}, ""), nullptr);
}

struct TextCase {
  Text rule;
  std::string text;
  bool good;
};

TEST(FieldTable, TextRules) {
  const TextCase cases[] = {
      {Text::any, "a\r\nb\x01", true},
      {Text::printable, "p@:/%?#ü", true},
      {Text::printable, "a\tb", false},
      {Text::printable, "a\r\nb", false},
      {Text::printable, std::string("a\0b", 3), false},
      {Text::printable, "a\x7f", false},
      {Text::printable, "a\xc2\x85", false},  // U+0085, a control of C1
      {Text::printable, "a\xc2\xa0", true},   // U+00A0, a space
      {Text::host, "10.0.0.9", true},
      {Text::host, "proxy.example", true},
      {Text::host, "proxy_1.example.", true},
      {Text::host, "::1", true},
      {Text::host, "[::1]", true},
      {Text::host, "fe80::1%eth0", true},
      {Text::host, "a b", false},
      {Text::host, "http://x", false},
      {Text::host, "x/y", false},
      {Text::host, "x:80", false},
      {Text::host, "x\r\ny", false},
      {Text::host, "fe80::1%\r\nx", false},
      {Text::host, "fe80::1%", false},
      {Text::host, "[::1", false},
      {Text::host, "a..b", false},
      {Text::host, ".", false},
      {Text::host, std::string(64, 'a') + ".example", false},
      {Text::host, std::string(63, 'a') + ".example", true},
      {Text::host, repeated("a.", 127), true},
      {Text::host, repeated("a.", 127) + "a", false},
      {Text::segment, "bucket-1", true},
      {Text::segment, "a/b", false},
      {Text::segment, "../x", false},
      {Text::segment, "a\nb", false},
      {Text::path, "a/b.c", true},
      {Text::path, "a/../b", false},
      {Text::path, "a\nb", false},
  };
  for (const auto& each : cases) {
    const Json expected = each.good
                              ? Json(each.text)
                              : Json("The 'f' field contains characters that are not allowed");
    EXPECT_EQ(outcome({.name = "f", .text = each.rule}, Json(each.text)), expected) << each.text;
  }
}

TEST(FieldTable, LengthIsSaidBeforeContentAndContentBeforeSyntax) {
  const Field url{.name = "f", .type = Type::url, .maxLength = 2048};
  EXPECT_EQ(outcome(url, Json("ftp://" + std::string(2048, 'a'))),
            Json("The 'f' field must be at most 2048 characters"));
  EXPECT_EQ(outcome(url, "ftp://a"), Json("The 'f' field must be a valid http or https URL"));
  const Field secret{.name = "f", .maxLength = 4, .text = Text::printable};
  EXPECT_EQ(outcome(secret, "abcd\n"), Json("The 'f' field must be at most 4 characters"));
}

TEST(FieldTable, WhatIsNeededMustHoldSomething) {
  const std::vector<Field> table{{.name = "f", .need = Need::always}};
  for (const object& given :
       {object{}, object{{"f", nullptr}}, object{{"f", ""}}, object{{"f", " \t\r\n"}}})
    try {
      checked(table, given);
      ADD_FAILURE() << serialize(given);
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "The 'f' field is required");
    }
  EXPECT_EQ(checked(table, {{"f", " x "}}).values.at("f"), " x ");
}

TEST(FieldTable, WhatAnEnabledBlockNeedsIsNotNeededWhileItIsOff) {
  const std::vector<Field> table{{.name = "s3Enabled", .type = Type::boolean, .fallback = false},
                                 {.name = "s3Bucket", .need = Need::whenEnabled}};
  EXPECT_NO_THROW(checked(table, {}));
  EXPECT_NO_THROW(checked(table, {{"s3Enabled", false}}));
  EXPECT_NO_THROW(checked(table, {{"s3Enabled", nullptr}}));
  EXPECT_THROW(checked(table, {{"s3Enabled", true}}), Error);
  EXPECT_NO_THROW(checked(table, {{"s3Enabled", true}, {"s3Bucket", "b"}}));
}

TEST(FieldTable, NullAndAnEmptyTextAreAbsentAndReadAsTheFallback) {
  const std::vector<Field> table{{.name = "text", .fallback = "x"},
                                 {.name = "list", .type = Type::strings, .fallback = array()},
                                 {.name = "flag", .type = Type::boolean, .fallback = true},
                                 {.name = "none"}};
  const Json fallbacks{{"text", "x"}, {"list", array()}, {"flag", true}, {"none", nullptr}};
  EXPECT_EQ(checked(table, {}).values, fallbacks);
  EXPECT_EQ(checked(table, {{"text", nullptr}, {"list", nullptr}, {"flag", nullptr}}).values,
            fallbacks);
  EXPECT_EQ(checked(table, {{"text", ""}, {"list", ""}, {"flag", ""}, {"none", ""}}).values,
            fallbacks);
}

TEST(FieldTable, GivenTellsWhatWasThereEmptyTextsAmongIt) {
  const std::vector<Field> table{{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
  // "" may clear a field: an update must be able to tell it from nothing.
  EXPECT_EQ(checked(table, {{"d", "x"}, {"c", nullptr}, {"b", ""}, {"other", 1}}).given,
            (std::vector<std::string>{"b", "d"}));
}

TEST(FieldTable, AnEmptyTextSaysNothingToAFieldThatIsNoText) {
  const std::vector<Field> table{{.name = "flag", .type = Type::boolean, .fallback = true},
                                 {.name = "count", .type = Type::integer},
                                 {.name = "url", .type = Type::url}};
  EXPECT_EQ(checked(table, {{"flag", ""}, {"count", ""}, {"url", ""}}).given,
            std::vector<std::string>{"url"});
}

TEST(FieldTable, WhatTheTableDoesNotNameIsNotRead) {
  EXPECT_EQ(checked({{.name = "a"}}, {{"a", "x"}, {"__proto__", 1}}).values, (Json{{"a", "x"}}));
}

TEST(FieldTable, TheFirstFieldOfTheTableIsRefusedFirst) {
  const std::vector<Field> table{{.name = "a", .type = Type::boolean},
                                 {.name = "b", .need = Need::always}};
  try {
    checked(table, {{"a", 1}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "The 'a' field must be a boolean");
  }
}

TEST(FieldTable, TypesAreSaidBeforeContents) {
  const std::vector<Field> table{{.name = "url", .type = Type::url},
                                 {.name = "short", .maxLength = 1},
                                 {.name = "list", .type = Type::strings},
                                 {.name = "must", .need = Need::always}};
  const auto refusal = [&](const object& given) -> std::string {
    try {
      checked(table, given);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  object given{{"url", "ftp://a"}, {"short", "ab"}, {"list", 1}};
  EXPECT_EQ(refusal(given), "The 'list' field must be a list of strings");
  given["list"] = array();
  EXPECT_EQ(refusal(given), "The 'must' field is required");
  given["must"] = "x";
  EXPECT_EQ(refusal(given), "The 'url' field must be a valid http or https URL");
  given["url"] = nullptr;
  EXPECT_EQ(refusal(given), "The 'short' field must be at most 1 characters");
}

TEST(FieldTable, AFallbackThatWillNotDoIsRefusedWhileTheTableIsOn) {
  const std::vector<Field> table{{.name = "enabled", .type = Type::boolean, .fallback = false},
                                 {.name = "url", .type = Type::url, .fallback = ""}};
  for (const object& given : {object{}, object{{"url", nullptr}}, object{{"url", ""}}}) {
    object on = given;
    on["enabled"] = true;
    EXPECT_NO_THROW(checked(table, given));
    try {
      checked(table, on);
      ADD_FAILURE() << serialize(on);
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "The 'url' field must be a valid http or https URL");
    }
  }
}

TEST(FieldTable, AUrlNeedNotBeOneWhileTheTableIsOff) {
  const std::vector<Field> table{{.name = "enabled", .type = Type::boolean},
                                 {.name = "url", .type = Type::url, .maxLength = 9},
                                 {.name = "events", .type = Type::strings, .choices = {"a"}}};
  EXPECT_EQ(checked(table, {{"enabled", false}, {"url", "no url"}}).values.at("url"), "no url");
  EXPECT_THROW(checked(table, {{"enabled", true}, {"url", "no url"}}), Error);
  // Everything else is as it always is.
  EXPECT_THROW(checked(table, {{"enabled", false}, {"url", true}}), Error);
  EXPECT_THROW(checked(table, {{"enabled", false}, {"url", "0123456789"}}), Error);
  EXPECT_THROW(checked(table, {{"enabled", false}, {"events", {"b"}}}), Error);
}

TEST(SwitchedOff, IsWhatTheSwitchSaysAndItsFallbackOtherwise) {
  const std::vector<Field> off{
      {.name = "webhookEnabled", .type = Type::boolean, .fallback = false}};
  const std::vector<Field> on{{.name = "enabled", .type = Type::boolean, .fallback = true}};
  const std::vector<Field> none{{.name = "ignoreStatus", .type = Type::boolean}};
  EXPECT_TRUE(switchedOff(off, {}));
  EXPECT_TRUE(switchedOff(off, {{"webhookEnabled", nullptr}}));
  EXPECT_TRUE(switchedOff(off, {{"webhookEnabled", false}}));
  EXPECT_FALSE(switchedOff(off, {{"webhookEnabled", true}}));
  EXPECT_FALSE(switchedOff(on, {}));
  EXPECT_TRUE(switchedOff(on, {{"enabled", false}}));
  EXPECT_FALSE(switchedOff(none, {}));
  EXPECT_EQ(switchOf(none), nullptr);
  EXPECT_EQ(switchOf(off), &off[0]);
}

TEST(SwitchedOff, ASwitchThatIsNoBooleanCountsAsOnSoThatItIsRefused) {
  const std::vector<Field> table{{.name = "webhookEnabled", .type = Type::boolean}};
  for (const Json& wrong : {Json("true"), Json(1), Json(0), Json(array())})
    EXPECT_FALSE(switchedOff(table, {{"webhookEnabled", wrong}})) << wrong;
}

TEST(CodePoints, AreLettersNotBytes) { EXPECT_EQ(codePoints("aé日😀"), 4u); }

}  // namespace
}  // namespace pombo
