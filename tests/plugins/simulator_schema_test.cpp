#include <gtest/gtest.h>

#include "event_examples.hpp"
#include "event_schemas.hpp"
#include "json_schema.hpp"

using boost::json::value;

namespace {

const JsonSchema& schemas() {
  static const JsonSchema all(kEventSchemas);
  return all;
}

std::string problemOf(const std::string& event, value data) {
  schemas().complete(event, data);
  return schemas().problemOf(event, data).value_or("");
}

// Every place in a document, as a JSON pointer and as people say it.
struct Place {
  std::string pointer, path;
};

void placesIn(const value& document, const Place& here, std::vector<Place>& into) {
  if (!here.path.empty()) into.push_back(here);
  if (const auto* object = document.if_object())
    for (const auto& [key, member] : *object) {
      const std::string name(key);
      placesIn(member,
               {here.pointer + "/" + name, here.path + (here.path.empty() ? "" : ".") + name},
               into);
    }
  if (const auto* array = document.if_array())
    for (std::size_t i = 0; i < array->size(); ++i)
      placesIn((*array)[i],
               {here.pointer + "/" + std::to_string(i), here.path + "[" + std::to_string(i) + "]"},
               into);
}

std::vector<Place> placesIn(const value& document) {
  std::vector<Place> all;
  placesIn(document, {}, all);
  return all;
}

TEST(EventSchemas, TakeEveryExampleOfTheSpecification) {
  const auto examples = eventExamples();
  ASSERT_EQ(examples.size(), 8u + 23u);
  for (const auto& each : examples)
    EXPECT_EQ(problemOf(each.event, each.data), "") << each.event << " " << each.name;
}

TEST(EventSchemas, AddNothingToAnExampleButTheKeysThatAreAlwaysThere) {
  for (const auto& each : eventExamples()) {
    value data = each.data;
    schemas().complete(each.event, data);
    value expected = each.data;
    if (each.event == "message.exchange")
      expected.at("message") = completedMessage(each.data.at("message"));
    EXPECT_EQ(data, expected) << each.name;
  }
}

TEST(EventSchemas, NameTheKeyThatHasAWrongType) {
  const value wrong = boost::json::parse("[[[]]]");
  std::size_t seen = 0;
  for (const auto& each : eventExamples())
    for (const auto& place : placesIn(each.data)) {
      value data = each.data;
      data.at_pointer(place.pointer) = wrong;
      const std::string problem = problemOf(each.event, data);
      EXPECT_TRUE(problem.starts_with(place.path))
          << place.path << " in " << each.name << ": " << problem;
      ++seen;
    }
  EXPECT_GT(seen, 500u);
}

TEST(EventSchemas, NameTheKeyThatIsMissing) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> needed{
      {"message.exchange",
       {"/id", "/direction", "/timestamp", "/chat", "/chat/jid", "/chat/type", "/sender",
        "/sender/jid", "/message", "/message/type", "/message/content", "/reply/message_id"}},
      {"message.status",
       {"/timestamp", "/status", "/messageIds", "/chat", "/recipient", "/messageSender"}},
      {"call.update", {"/type", "/status", "/callId", "/timestamp", "/from", "/from/jid"}},
      {"group.flow", {"/type", "/groupJid", "/groupName", "/timestamp", "/participants/0/jid"}},
      {"instance.state", {"/state", "/timestamp", "/instance", "/jid"}},
      {"label.update", {"/type", "/timestamp", "/labelId", "/action", "/name", "/color"}}};
  const auto examples = eventExamples();
  for (const auto& [event, pointers] : needed)
    for (const auto& pointer : pointers) {
      value data;
      for (auto it = examples.rbegin(); it != examples.rend(); ++it)
        if (it->event == event && it->name == "event") data = it->data;
      const auto last = pointer.rfind('/');
      auto& holder = last ? data.at_pointer(pointer.substr(0, last)) : data;
      ASSERT_EQ(holder.as_object().erase(pointer.substr(last + 1)), 1u) << event << pointer;
      const std::string problem = problemOf(event, data);
      EXPECT_TRUE(problem.ends_with(pointer.substr(last + 1) + " is required"))
          << event << pointer << ": " << problem;
    }
}

struct Mutilation {
  const char* type;  // of the message
  const char* pointer;
  value with;
  const char* problem;
};

TEST(EventSchemas, SayWhatIsWrongOfAMessage) {
  const std::vector<Mutilation> all{
      {"text", "/message/content", nullptr, "message.content must be a string"},
      {"text", "/message/isEdit", "no", "message.isEdit must be a boolean"},
      {"text", "/message/media", "a.jpg", "message.media must be an object or null"},
      {"text", "/id", "", "id must not be empty"},
      {"text", "/id", "a b", "id must hold visible ASCII characters only"},
      {"text", "/id", boost::json::string(256, 'a'), "id must be at most 255 characters"},
      {"text", "/chat/jid", boost::json::string("a\0b", 3),
       "chat.jid must hold visible ASCII characters only"},
      {"image", "/message/media/mimetype", "image/png\r\nX: y",
       "message.media.mimetype must hold printable ASCII characters only"},
      {"text", "/direction", "up", "direction must be one of: incoming, outgoing"},
      {"text", "/timestamp", "yesterday", "timestamp must be a time as 2026-11-21T12:00:00Z"},
      {"text", "/timestamp", "2026-02-29T12:00:00Z",
       "timestamp must be a time as 2026-11-21T12:00:00Z"},
      {"text", "/timestamp", "2026-11-21T12:00:00.123Z",
       "timestamp must be a time as 2026-11-21T12:00:00Z"},
      {"text", "/chat/type", "channel",
       "chat.type must be one of: private, group, newsletter, status"},
      {"image", "/message/media", nullptr, "message.media must be an object"},
      {"image", "/message/media/type", "video", "message.media.type must be image"},
      {"audio", "/message/media/type", "image", "message.media.type must be one of: audio, ptt"},
      {"audio", "/message/media/base64", "T2dnUwAC?", "message.media.base64 must be base64"},
      {"audio", "/message/media/base64", "T2dnU===", "message.media.base64 must be base64"},
      {"video", "/message/media/duration", 1.5,
       "message.media.duration must be an integer or null"},
      {"video", "/message/media/size", -1, "message.media.size must be at least 0"},
      {"location", "/message/location/latitude", 91,
       "message.location.latitude must be at most 90"},
      {"location", "/message/location", nullptr, "message.location must be an object"},
      {"contact", "/message/contacts", boost::json::array(), "message.contacts must not be empty"},
      {"poll", "/message/poll/options/1", "Salad", "message.poll.options[1] must be an object"},
      {"poll_update", "/message/poll/voter/jid", 5, "message.poll.voter.jid must be a string"},
      {"message_edit", "/message/isEdit", false, "message.isEdit must be true"},
      {"message_revoke", "/message/revoke", nullptr, "message.revoke must be an object"},
      {"unsupported", "/message/rawType", 1, "message.rawType must be a string"}};
  const auto examples = eventExamples();
  for (const auto& [type, pointer, with, problem] : all) {
    const auto it = std::find_if(examples.begin(), examples.end(),
                                 [&](const auto& each) { return each.name == type; });
    ASSERT_NE(it, examples.end()) << type;
    value data = it->data;
    schemas().complete("message.exchange", data);
    data.at_pointer(pointer) = with;
    EXPECT_EQ(problemOf("message.exchange", data), problem);
  }
}

TEST(EventSchemas, AskOfEachStateForWhatItTells) {
  const auto of = [](const char* state, const char* more) {
    value data = boost::json::parse(more);
    data.as_object()["state"] = state;
    data.as_object()["timestamp"] = "2026-11-21T12:00:00Z";
    data.as_object()["instance"] = "shop";
    return problemOf("instance.state", data);
  };
  EXPECT_EQ(of("qr_ready", "{}"), "codes is required");
  EXPECT_EQ(of("qr_ready", R"({"codes": ["2@x"]})"), "");
  EXPECT_EQ(of("disconnected", "{}"), "reason is required");
  EXPECT_EQ(of("temp_banned", R"({"code": 101, "reason": "spam", "expiresAt": "soon"})"),
            "expiresAt must be a time as 2026-11-21T12:00:00Z");
  EXPECT_EQ(of("stream_replaced", "{}"), "");
  EXPECT_TRUE(of("gone", "{}").starts_with("state must be one of: qr_ready, "));
}

TEST(JsonSchema, IsOpenForKeysThatItDoesNotName) {
  value data = eventExamples().front().data;
  data.as_object()["new"] = 1;
  data.at("message").as_object()["newer"] = nullptr;
  EXPECT_EQ(problemOf("message.exchange", data), "");
}

TEST(JsonSchema, TakesNoSchemaThatItWouldNotKeep) {
  EXPECT_THROW(JsonSchema(R"({"$defs": {"a": {"pattern": "x"}}})"), std::invalid_argument);
  EXPECT_THROW(JsonSchema(R"({"$defs": {"a": {"format": "ipv4"}}})"), std::invalid_argument);
  EXPECT_THROW(JsonSchema(R"({"$defs": {"a": {"items": {"oneOf": []}}}})"), std::invalid_argument);
  EXPECT_THROW(JsonSchema(R"({"$defs": {"a": {"$ref": "#/$defs/b"}}})"), std::invalid_argument);
  EXPECT_THROW(JsonSchema(R"({"$defs": {"a": {"$ref": "other.json"}}})"), std::invalid_argument);
}

TEST(JsonSchema, TakesAWholeNumberForAnIntegerHoweverItIsWritten) {
  const JsonSchema schema(R"({"$defs": {"a": {"type": "integer"}}})");
  for (const char* good : {"1", "-1", "1.0", "18446744073709551615", "1e300"})
    EXPECT_FALSE(schema.problemOf("a", boost::json::parse(good))) << good;
  for (const char* bad : {"1.5", "\"1\"", "true", "null", "[]"})
    EXPECT_EQ(schema.problemOf("a", boost::json::parse(bad)), "data must be an integer") << bad;
}

TEST(JsonSchema, RepeatsNothingOfWhatItWasGiven) {
  for (const auto& each : eventExamples())
    for (const auto& place : placesIn(each.data)) {
      value data = each.data;
      data.at_pointer(place.pointer) = boost::json::parse(R"({"canary": ["canary"]})");
      EXPECT_EQ(problemOf(each.event, data).find("canary"), std::string::npos) << place.path;
    }
}

}  // namespace
