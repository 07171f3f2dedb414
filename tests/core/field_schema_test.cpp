#include "block/field_schema.hpp"

#include <gtest/gtest.h>

namespace pombo {
namespace {

using boost::json::array;
using boost::json::object;

Json propertyOf(const Field& field) { return schemaOf({field}).at("properties").at(field.name); }
Json required(Field field) {
  field.need = Need::always;
  return propertyOf(field);
}

TEST(FieldSchema, SaysTheTypesOfWhatHasToBeThere) {
  EXPECT_EQ(required({.name = "on", .type = Type::boolean, .fallback = false, .doc = "Switch."}),
            (Json{{"type", "boolean"}, {"description", "Switch."}, {"default", false}}));
  EXPECT_EQ(required({.name = "url", .type = Type::url}),
            (Json{{"type", "string"}, {"format", "uri"}}));
  EXPECT_EQ(required({.name = "more", .type = Type::object}), (Json{{"type", "object"}}));
  EXPECT_EQ(required({.name = "items", .type = Type::objects}),
            (Json{{"type", "array"}, {"items", {{"type", "object"}}}}));
  EXPECT_EQ(required({.name = "whatever", .type = Type::any}), Json(object()));
}

TEST(FieldSchema, TakesTextsForNumbersAndWholeNumbersForTexts) {
  EXPECT_EQ(required({.name = "count", .type = Type::integer, .min = 1, .max = 9}),
            (Json{{"type", {"integer", "string"}},
                  {"minimum", 1},
                  {"maximum", 9},
                  {"pattern", "^-?[0-9]+$"},
                  {"examples", array{"1"}}}));
  EXPECT_EQ(required({.name = "port", .min = 1, .max = 65535}),
            (Json{{"type", {"string", "integer"}},
                  {"minimum", 1},
                  {"maximum", 65535},
                  {"pattern", "^-?[0-9]+$"},
                  {"examples", array{"1"}}}));
  EXPECT_EQ(required({.name = "ratio", .type = Type::number}).at("type"),
            (Json{"number", "string"}));
}

TEST(FieldSchema, TakesNullAndTheEmptyTextForWhatNeedNotBeThere) {
  EXPECT_EQ(propertyOf({.name = "on", .type = Type::boolean}),
            (Json{{"type", {"boolean", "string", "null"}}, {"enum", {true, false, "", nullptr}}}));
  EXPECT_EQ(propertyOf({.name = "protocol", .choices = {"http", "https"}}),
            (Json{{"type", {"string", "null"}}, {"enum", {"http", "https", "", nullptr}}}));
  EXPECT_EQ(propertyOf({.name = "count", .type = Type::integer}),
            (Json{{"type", {"integer", "string", "null"}},
                  {"pattern", "^-?[0-9]*$"},
                  {"examples", array{"1"}}}));
  EXPECT_EQ(propertyOf({.name = "events", .type = Type::strings, .choices = {"a", "b"}}),
            (Json{{"type", {"array", "string", "null"}},
                  {"items", {{"type", "string"}, {"enum", {"a", "b"}}}},
                  {"maxLength", 0}}));
  const Json url = propertyOf({.name = "url", .type = Type::url, .fallback = "", .maxLength = 9});
  EXPECT_EQ(url.at("anyOf"), (Json(array{object{{"format", "uri"}}, object{{"maxLength", 0}}})));
  EXPECT_EQ(url.at("maxLength"), 9);
  EXPECT_EQ(url.at("type"), (Json{"string", "null"}));
  EXPECT_EQ(propertyOf({.name = "on", .type = Type::boolean, .fallback = true, .doc = "Switch."})
                .at("type"),
            (Json{"boolean", "string", "null"}));
  EXPECT_EQ(url.as_object().if_contains("default"), nullptr) << "which is no URL";
}

TEST(FieldSchema, LengthsCountForTextsAndForEachOfAList) {
  const Json text = required({.name = "word", .minLength = 2, .maxLength = 8});
  EXPECT_EQ(text.at("minLength"), 2);
  EXPECT_EQ(text.at("maxLength"), 8);
  const Json optional = propertyOf({.name = "word", .minLength = 2});
  EXPECT_EQ(optional.as_object().if_contains("minLength"), nullptr);
  EXPECT_EQ(optional.at("anyOf"),
            (Json(array{object{{"minLength", 2}}, object{{"maxLength", 0}}})));
  const Json list = required({.name = "words", .type = Type::strings, .maxLength = 8});
  EXPECT_EQ(list.at("items"), (Json{{"type", "string"}, {"maxLength", 8}}));
}

TEST(FieldSchema, ContentIsAPattern) {
  EXPECT_EQ(required({.name = "label", .text = Text::printable}).at("pattern"),
            R"(^[^\u0000-\u001f\u007f-\u009f]*$)");
  EXPECT_EQ(required({.name = "bucket", .text = Text::segment}).at("pattern"),
            R"(^(?!.*[.][.])[^/\u0000-\u001f\u007f-\u009f]*$)");
}

TEST(FieldSchema, AnExampleIsWithinTheLimits) {
  EXPECT_EQ(required({.name = "label", .maxLength = 4, .text = Text::printable}).at("examples"),
            Json(array{"text"}));
  EXPECT_FALSE(required({.name = "label", .maxLength = 3, .text = Text::printable})
                   .as_object()
                   .contains("examples"));
}

TEST(FieldSchema, AChoiceThatIsANumberMayBeSaidAsOne) {
  EXPECT_EQ(
      required({.name = "version", .choices = {"1", "2b", "", "99999999999999999999"}}).at("enum"),
      (Json{"1", "2b", "", "99999999999999999999", 1}));
}

TEST(FieldSchema, SecretsAreOnlyWritten) {
  EXPECT_EQ(required({.name = "password", .secret = true}).at("writeOnly"), true);
}

TEST(FieldSchema, NamesWhatHasToBeThereInEitherSpelling) {
  const Json schema = schemaOf({{.name = "plain", .need = Need::always},
                                {.name = "long", .need = Need::always, .alias = "l"},
                                {.name = "other"}});
  EXPECT_EQ(schema.at("required"), Json(array{"plain"}));
  EXPECT_EQ(schema.at("allOf"),
            Json(array{object{{"anyOf", array{object{{"required", array{"long"}}},
                                              object{{"required", array{"l"}}}}}}}));
  EXPECT_EQ(schema.at("properties").at("l").at("type"),
            schema.at("properties").at("long").at("type"));
  EXPECT_EQ(schema.at("properties").at("l").at("description"), "The same as long, which wins.");
}

TEST(FieldSchema, NeedsOfAnEnabledBlockAreConditional) {
  const Json schema = schemaOf({{.name = "s3Enabled", .type = Type::boolean, .fallback = false},
                                {.name = "s3Bucket", .need = Need::whenEnabled}});
  EXPECT_EQ(schema.as_object().if_contains("required"), nullptr);
  EXPECT_EQ(schema.at("if"), (Json{{"properties", {{"s3Enabled", {{"const", true}}}}},
                                   {"required", array{"s3Enabled"}}}));
  EXPECT_EQ(schema.at("then"), (Json{{"required", array{"s3Bucket"}}}));
}

TEST(FieldSchema, AUrlHasToBeOneOnlyWhileTheSwitchIsOn) {
  const Json schema =
      schemaOf({{.name = "enabled", .type = Type::boolean}, {.name = "url", .type = Type::url}});
  EXPECT_EQ(schema.at("properties").at("url"), (Json{{"type", {"string", "null"}}}));
  EXPECT_EQ(schema.at("then").at("properties").at("url").at("anyOf").at(0),
            (Json{{"format", "uri"}}));
}

TEST(FieldSchema, OfAQueryThereAreTextsAlone) {
  EXPECT_EQ(parameterSchemaOf({.name = "limit",
                               .type = Type::integer,
                               .fallback = 50,
                               .doc = "How many.",
                               .min = 1,
                               .max = 200}),
            (Json{{"type", "integer"}, {"default", 50}, {"minimum", 1}, {"maximum", 200}}));
  EXPECT_EQ(parameterSchemaOf({.name = "verify", .choices = {"true", "false"}}),
            (Json{{"type", "string"}, {"enum", {"true", "false"}}}));
  EXPECT_EQ(parameterSchemaOf({.name = "version", .choices = {"1", "2"}}).at("enum"),
            (Json{"1", "2"}));
}

}  // namespace
}  // namespace pombo
