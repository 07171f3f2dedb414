// What the simulated WhatsApp makes of messages: events that hold to core/wire/events.json.
#include <gtest/gtest.h>

#include "event_schemas.hpp"
#include "json_schema.hpp"
#include "perform.hpp"

namespace {

using boost::json::object;
using boost::json::value;

const Performer kShop{"5511999990000@s.whatsapp.net", "1@lid", "shop",
                      std::chrono::system_clock::time_point()};

Performance done(const char* operation, object arguments) {
  arguments.emplace("chat", "5511988880000@s.whatsapp.net");
  arguments.emplace("source", "api");
  return operations().at(operation)(kShop, arguments);
}

const object kFile{{"mediaType", "audio"}, {"mediaBase64", "T2dn"}, {"mimeType", "audio/ogg"},
                   {"mediaSize", 3},       {"fileName", ""},        {"message", ""},
                   {"isVoice", true},      {"duration", 5}};

TEST(SimulatedMessages, AreEventsThatHoldToTheSchema) {
  object story = kFile;
  story["type"] = "audio";
  const std::map<std::string, object> all{
      {"message.text", {{"message", "Hello"}}},
      {"message.media", kFile},
      {"message.status", story},
      {"message.location", {{"latitude", 1}, {"longitude", 2}, {"name", "a"}, {"address", "b"}}},
      {"message.contact", {{"contacts", {{{"fullName", "a"}, {"phone", "1"}, {"vcard", "c"}}}}}},
      {"message.reaction",
       {{"messageId", "a"}, {"reaction", "b"}, {"fromMe", false}, {"participant", nullptr}}},
      {"message.poll", {{"question", "a"}, {"options", {"b", "c"}}, {"maxAnswer", 1}}},
      {"message.button", {{"contentText", "a"}}},
      {"message.list", {{"contentText", "a"}}},
      {"message.carousel", {{"message", "a"}}},
      {"message.pix", {{"merchantName", "a"}, {"message", nullptr}}}};
  const JsonSchema schemas{kEventSchemas};
  std::size_t kinds = 0;
  for (const auto& [name, operation] : operations()) kinds += name.starts_with("message.");
  EXPECT_EQ(kinds, all.size());
  for (const auto& [name, arguments] : all) {
    const Performance made = done(name.c_str(), arguments);
    ASSERT_EQ(made.happenings.size(), 3u) << name;
    EXPECT_EQ(made.answer, made.happenings[0].data) << name;
    for (const auto& each : made.happenings)
      EXPECT_FALSE(schemas.problemOf(each.type, each.data)) << name << " " << each.type;
  }
}

TEST(SimulatedMessages, ReceiptsComeAfterTheMessageAndNameItsAuthorInGroups) {
  const auto made = done("message.text", {{"message", "a"}, {"chat", "1203@g.us"}});
  ASSERT_EQ(made.happenings.size(), 3u);
  EXPECT_EQ(made.happenings[0].type, "message.exchange");
  EXPECT_EQ(made.happenings[1].data.at("status"), "delivered");
  EXPECT_EQ(made.happenings[2].data.at("status"), "read");
  EXPECT_EQ(made.happenings[2].data.at("messageSender"), value(kShop.jid));
  EXPECT_EQ(
      done("message.text", {{"message", "a"}, {"chat", "status@broadcast"}}).happenings.size(), 1u);
}

TEST(SimulatedMessages, TheBytesAreInTheKeyAndNotInTheEvent) {
  const auto made = done("message.media", kFile);
  EXPECT_TRUE(made.happenings[0].data.at("message").at("media").at("base64").is_null());
  EXPECT_NE(made.happenings[0].mediaKey.find("T2dn"), std::string::npos);
  EXPECT_EQ(made.answer.at("message").at("media").at("type"), "ptt");
}

TEST(SimulatedMessages, OfTheFormsOfANumberTheFirstThatSomebodyHasIsFound) {
  EXPECT_EQ(done("number.find", {{"numbers", {"5511988880000", "551188880000"}}}).answer.at("jid"),
            "5511988880000@s.whatsapp.net");
  EXPECT_EQ(done("number.find", {{"numbers", {"5511988880404"}}}).refusal,
            "Number is not registered on WhatsApp");
}

}  // namespace
