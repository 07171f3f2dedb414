#include "pombo/fields.hpp"

#include <gtest/gtest.h>

using namespace pombo;

namespace {

const Json kDocument{{"on", true},           {"count", 7},        {"ratio", 0.5},
                     {"name", "Ana"},        {"empty", ""},       {"none", nullptr},
                     {"list", {"a", "b"}},   {"mixed", {"a", 1}}, {"inner", {{"a", 1}}},
                     {"huge", 5'000'000'000}};
const Fields kFields{kDocument};

template <class T>
std::string refusalOf(std::string_view key) {
  try {
    kFields.find<T>(key);
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::invalid);
    return error.what();
  }
  return "";
}

}  // namespace

TEST(Fields, ReadsEachTypeAsItself) {
  EXPECT_EQ(kFields.require<bool>("on"), true);
  EXPECT_EQ(kFields.require<int>("count"), 7);
  EXPECT_EQ(kFields.require<std::int64_t>("huge"), 5'000'000'000);
  EXPECT_EQ(kFields.require<double>("ratio"), 0.5);
  EXPECT_EQ(kFields.require<double>("count"), 7.0);
  EXPECT_EQ(kFields.require<std::string>("name"), "Ana");
  EXPECT_EQ(kFields.require<std::vector<std::string>>("list"),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(kFields.require<boost::json::object>("inner"), (boost::json::object{{"a", 1}}));
  EXPECT_EQ(kFields.require<Json>("inner"), (Json{{"a", 1}}));
}

TEST(Fields, AbsentAndNullAreTheSameThing) {
  for (const auto* key : {"missing", "none"}) {
    EXPECT_EQ(kFields.find<std::string>(key), std::nullopt);
    EXPECT_EQ(kFields.get<int>(key, 5), 5);
    EXPECT_THROW(kFields.require<int>(key), Error);
  }
}

TEST(Fields, AnEmptyTextIsThere) { EXPECT_EQ(kFields.find<std::string>("empty"), ""); }

TEST(Fields, WhatIsMissingIsNamed) {
  try {
    kFields.require<std::string>("missing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::invalid);
    EXPECT_STREQ(error.what(), "The 'missing' field is required");
  }
}

TEST(Fields, WhatIsOfAnotherTypeIsRefusedInTheWordsOfItsType) {
  EXPECT_EQ(refusalOf<bool>("count"), "The 'count' field must be a boolean");
  EXPECT_EQ(refusalOf<int>("ratio"), "The 'ratio' field must be an integer");
  EXPECT_EQ(refusalOf<double>("name"), "The 'name' field must be a number");
  EXPECT_EQ(refusalOf<std::string>("count"), "The 'count' field must be a string");
  EXPECT_EQ(refusalOf<std::vector<std::string>>("mixed"),
            "The 'mixed' field must be a list of strings");
  EXPECT_EQ(refusalOf<boost::json::object>("list"), "The 'list' field must be an object");
}

TEST(Fields, ANumberThatDoesNotFitIsRefused) {
  EXPECT_EQ(refusalOf<int>("huge"), "The 'huge' field must be an integer");
  EXPECT_EQ(refusalOf<std::uint8_t>("huge"), "The 'huge' field must be an integer");
}

TEST(Fields, ADocumentThatIsNoObjectIsEmpty) {
  for (const Json& document : {Json(), Json(7), Json{1, 2}})
    EXPECT_EQ(Fields(document).find<int>("count"), std::nullopt);
}

TEST(Fields, DoesNotReadWhatIsAboutToGo) {
  static_assert(!std::is_constructible_v<Fields, Json>);
  static_assert(std::is_constructible_v<Fields, const Json&>);
}

TEST(Fields, EveryTypeHasItsWords) {
  for (const auto type : {Type::boolean, Type::integer, Type::number, Type::string, Type::url,
                          Type::strings, Type::object, Type::objects, Type::any})
    EXPECT_STRNE(wordsFor(type), "");
}
