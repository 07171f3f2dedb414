#include "http/json_body.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace pombo {
namespace {

std::string repeated(const std::string& piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

// An object with `depth` levels in all, itself among them.
std::string nested(int depth, const char* open, const char* close) {
  return R"({"a":)" + repeated(open, depth - 1) + "1" + repeated(close, depth - 1) + "}";
}

std::string withMembers(int count) {
  std::string body = "{";
  for (int i = 0; i < count; ++i)
    body += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  return body + "}";
}

std::string withElements(int count) { return R"({"list":[)" + repeated("0,", count - 1) + "0]}"; }

// The sentence that refuses it; empty when it is taken.
std::string refusalOf(const std::string& body) {
  try {
    objectIn(body);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::invalid);
    return error.what();
  }
}

struct Case {
  const char* name;
  std::string body;
};

void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

class Refused : public ::testing::TestWithParam<Case> {};

TEST_P(Refused, WithTheWiresSentenceAndADetail) {
  EXPECT_EQ(refusalOf(GetParam().body), "Invalid request body");
  std::string detail;
  EXPECT_THROW(objectIn(GetParam().body, &detail), Error);
  EXPECT_FALSE(detail.empty());
}

INSTANTIATE_TEST_SUITE_P(
    JsonBody, Refused,
    ::testing::Values(
        // B2
        Case{"null", "null"}, Case{"array", "[]"}, Case{"string", R"("x")"}, Case{"number", "1"},
        Case{"boolean", "true"},
        // B3
        Case{"cutShort", R"({"name":)"}, Case{"twoValues", R"({"name":"x"} {})"},
        Case{"trailingWord", R"({"name":"x"} x)"}, Case{"trailingBracket", R"({"name":"x"}})"},
        Case{"trailingNul", std::string("{}\0", 3)}, Case{"lineComment", "{} // why"},
        Case{"blockComment", R"({/* why */"name":"x"})"}, Case{"trailingComma", R"({"name":"x",})"},
        Case{"commaInArray", R"({"a":[1,]})"}, Case{"singleQuotes", "{'name':'x'}"},
        Case{"bareKey", R"({name:"x"})"}, Case{"nan", R"({"a":NaN})"},
        Case{"infinity", R"({"a":Infinity})"}, Case{"minusInfinity", R"({"a":-Infinity})"},
        Case{"leadingZero", R"({"a":01})"}, Case{"leadingPlus", R"({"a":+1})"},
        Case{"hexadecimal", R"({"a":0x10})"}, Case{"noDigitAfterPoint", R"({"a":1.})"},
        Case{"newlineInString", "{\"a\":\"x\ny\"}"}, Case{"badEscape", R"({"a":"\x41"})"},
        // B4
        Case{"sameKeySameValue", R"({"name":"x","name":"x"})"},
        Case{"sameKeyOtherValue", R"({"name":"x","name":"y"})"},
        Case{"sameKeyEscaped", R"({"name":"x","n\u0061me":"y"})"},
        Case{"sameKeyInObject", R"({"a":{"b":{"c":1,"c":2}}})"},
        Case{"sameKeyInArray", R"({"a":[{},[{"c":1,"d":2,"c":3}]]})"},
        Case{"sameKeyBesideOthers", R"({"a":{"b":1},"c":{"b":1},"a":{}})"},
        // B6
        Case{"arrays33", nested(33, "[", "]")}, Case{"objects33", nested(33, R"({"a":)", "}")},
        Case{"arrays10000", nested(10'000, "[", "]")},
        Case{"arrays100000", nested(100'000, "[", "]")},
        Case{"objects100000", nested(100'000, R"({"a":)", "}")},
        Case{"unbalanced100000", repeated("[", 100'000)},
        // B7
        Case{"members1001", withMembers(1'001)},
        Case{"innerMembers1001", R"({"a":[)" + withMembers(1'001) + "]}"},
        Case{"elements10001", withElements(10'001)},
        // B8
        Case{"byteOrderMark", "\xEF\xBB\xBF{}"}, Case{"byteFF", "{\"a\":\"\xFF\"}"},
        Case{"overlong", "{\"a\":\"\xC0\xAF\"}"}, Case{"cutUtf8", "{\"a\":\"\xE2\x82\"}"},
        Case{"surrogateAsUtf8", "{\"a\":\"\xED\xA0\x80\"}"},
        Case{"beyondUnicode", "{\"a\":\"\xF4\x90\x80\x80\"}"}, Case{"badUtf8InKey", "{\"\xFF\":1}"},
        Case{"loneHighSurrogate", R"({"a":"\ud800"})"},
        Case{"loneLowSurrogate", R"({"a":"\udc00"})"},
        Case{"twoHighSurrogates", R"({"a":"\ud800\ud800"})"},
        Case{"utf16", std::string("{\0\"\0a\0\"\0:\0001\0}\0", 14)},
        Case{"utf16WithMark", std::string("\xFF\xFE{\0}\0", 6)},
        // B10, B11
        Case{"multipart", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nx\r\n--b--"},
        Case{"urlencoded", "name=x&webhookEnabled=true"},
        Case{"gzip", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\x05\0", 14)}),
    [](const auto& each) { return each.param.name; });

TEST(JsonBody, NothingAndBlanksAreAnObjectWithoutMembers) {
  for (const auto* body : {"", " ", "\r\n\t ", "{}", " { } \n"})
    EXPECT_EQ(objectIn(body), Json(boost::json::object())) << '"' << body << '"';
}

TEST(JsonBody, IsReadAsItStands) {
  EXPECT_EQ(objectIn(R"( {"name":"Ação \ud83d\ude00","n":-7,"r":0.5,"on":true,"no":null,)"
                     R"("list":[1,"a",{}],"big":9007199254740993,"huge":18446744073709551615} )"),
            (Json{{"name", "Ação 😀"},
                  {"n", -7},
                  {"r", 0.5},
                  {"on", true},
                  {"no", nullptr},
                  {"list", {1, "a", boost::json::object()}},
                  {"big", 9007199254740993},
                  {"huge", 18446744073709551615u}}));
}

TEST(JsonBody, TheSameKeyInDifferentObjectsIsNoRepetition) {
  EXPECT_EQ(refusalOf(R"({"a":{"b":1},"b":{"a":1},"c":[{"a":1},{"a":2}]})"), "");
}

TEST(JsonBody, LimitsAreInclusive) {
  EXPECT_EQ(refusalOf(nested(32, "[", "]")), "");
  EXPECT_EQ(refusalOf(nested(32, R"({"a":)", "}")), "");
  EXPECT_EQ(refusalOf(withMembers(1'000)), "");
  EXPECT_EQ(refusalOf(withElements(10'000)), "");
}

TEST(JsonBody, AMebibyteOfBlanksIsNoTrouble) {
  std::string body = R"({"name":"x"})";
  body.resize(1 << 20, ' ');
  EXPECT_EQ(objectIn(body), (Json{{"name", "x"}}));
  std::string before(1 << 20, ' ');
  EXPECT_EQ(objectIn(before + R"({"name":"x"})"), (Json{{"name", "x"}}));
}

TEST(JsonBody, LongTextsSurviveWhole) {
  const std::string text(1 << 20, 'y');
  EXPECT_EQ(objectIn(R"({"a":")" + text + R"("})").at("a").as_string(), text);
}

TEST(JsonBody, TheDetailTellsThings) {
  std::string twice, scalar, more;
  EXPECT_THROW(objectIn(R"({"a":1,"a":1})", &twice), Error);
  EXPECT_THROW(objectIn("7", &scalar), Error);
  EXPECT_THROW(objectIn("{} {}", &more), Error);
  EXPECT_EQ(twice, "a key stands there twice");
  EXPECT_EQ(scalar, "not an object");
  EXPECT_EQ(more, "more than one value");
}

TEST(JsonBody, ACopyOutlivesWhatWasRead) {
  Json copy;
  {
    const Json read = objectIn(R"({"a":{"b":["text that is longer than any small buffer"]}})");
    copy = read.at("a");
  }
  EXPECT_EQ(copy.at("b").at(0), "text that is longer than any small buffer");
}

}  // namespace
}  // namespace pombo
