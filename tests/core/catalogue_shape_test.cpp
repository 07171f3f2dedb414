#include "event/catalogue_shape.hpp"

#include <gtest/gtest.h>

#include "event_examples.hpp"

namespace pombo {
namespace {

Json expectedFile() { return supportFile("catalogue_examples.json"); }

// As it travels, every key of the live shape in its place.
Json live(const Json& message) {
  Json data = eventExamplesFile().at("events").at(0).at("data");
  boost::json::object whole{{"type", nullptr}, {"content", ""}};
  const Json complete = completedMessage(message);
  for (const auto& [key, value] : complete.as_object()) whole[key] = value;
  data.at("message") = whole;
  return data;
}

Json shown(const Json& data) { return catalogueShapeOf(data).at("message"); }

TEST(CatalogueShape, HasEveryTypeAsItIsPrinted) {
  const Json messages = eventExamplesFile().at("messages"), expected = expectedFile();
  ASSERT_EQ(messages.as_array().size(), 23u);
  ASSERT_EQ(expected.at("messages").as_array().size(), 23u);
  for (std::size_t i = 0; i < 23; ++i) {
    boost::json::object message = expected.at("common").as_object();
    for (const auto& [key, value] : expected.at("messages").at(i).as_object()) message[key] = value;
    EXPECT_EQ(catalogueShapeOf(live(messages.at(i))),
              (Json{{"id", message["id"]}, {"message", message}}));
  }
}

TEST(CatalogueShape, IsTheExampleOfTheSpecificationByteForByte) {
  Json data = live(eventExamplesFile().at("messages").at(0));
  data.at("chat").as_object()["lid"] = nullptr;
  data.at("sender").as_object()["lid"] = nullptr;
  data.as_object()["reply"] = nullptr;
  boost::json::object turned;  // the order in which it comes does not matter
  const auto& members = data.as_object();
  for (auto it = members.end(); it != members.begin();) {
    --it;
    turned[it->key()] = it->value();
  }
  EXPECT_EQ(serialize(catalogueShapeOf(turned)),
            R"({"id":"3EB0A1B2C3D4E5F60718","message":{"id":"3EB0A1B2C3D4E5F60718","type":"text",)"
            R"("direction":"incoming","timestamp":"2026-11-21T12:00:00Z",)"
            R"("chat":{"jid":"5511988880000","name":"Ana","type":"private"},)"
            R"("sender":{"jid":"5511988880000@s.whatsapp.net","name":"Ana"},)"
            R"("content":{"text":"Good morning"},"source":"","isEdit":false}})");
}

TEST(CatalogueShape, OnlyAPhoneNumberIsBare) {
  const auto jidOf = [](const char* jid, const char* type) {
    Json data = live({{"type", "text"}});
    data.at("chat") = {{"jid", jid}, {"lid", nullptr}, {"name", ""}, {"type", type}};
    return shown(data).at("chat").at("jid");
  };
  EXPECT_EQ(jidOf("5511988880000@s.whatsapp.net", "private"), "5511988880000");
  EXPECT_EQ(jidOf("1234567@lid", "private"), "1234567@lid");
  EXPECT_EQ(jidOf("@s.whatsapp.net", "private"), "@s.whatsapp.net");
  EXPECT_EQ(jidOf("55.0:1@s.whatsapp.net", "private"), "55.0:1@s.whatsapp.net");
  EXPECT_EQ(jidOf("12036300000000@g.us", "group"), "12036300000000@g.us");
  EXPECT_EQ(jidOf("status@broadcast", "status"), "status@broadcast");
  EXPECT_EQ(jidOf("12036300000001@newsletter", "newsletter"), "12036300000001@newsletter");
}

TEST(CatalogueShape, WhatIsMovedIsFoundWithinTheMessage) {
  Json data = live({{"type", "text"}});
  data.as_object()["recipient"] = {{"jid", "5511977770000@s.whatsapp.net"}, {"lid", nullptr}};
  data.as_object()["mentions"] = {{"mentionedUsers", {"5511977770000@s.whatsapp.net"}}};
  const Json message = shown(data);
  EXPECT_EQ(message.at("recipient"), (Json{{"jid", "5511977770000@s.whatsapp.net"}}));
  EXPECT_EQ(message.at("mentions"), data.at("mentions"));
  EXPECT_EQ(message.at("reply"), data.at("reply"));
}

TEST(CatalogueShape, WhatItDoesNotNameStaysWhereItIs) {
  Json data = live({{"type", "text"}, {"isForwarded", true}, {"theirs", {{"a", {1, nullptr}}}}});
  data.as_object()["isHistory"] = true;
  const Json all = catalogueShapeOf(data);
  EXPECT_EQ(all.as_object().size(), 3u);
  EXPECT_EQ(all.at("isHistory"), true);
  EXPECT_EQ(all.at("message").at("isForwarded"), true);
  EXPECT_EQ(all.at("message").at("theirs"), (Json{{"a", {1, nullptr}}}))
      << "an element is no key: others keep their places";
}

TEST(CatalogueShape, OnlyAudioIsAVoiceMessage) {
  const auto mediaOf = [](const char* type, const char* kind, bool isVoiceNote) {
    return shown(live({{"type", type}, {"media", {{"type", kind}, {"isVoiceNote", isVoiceNote}}}}))
        .at("media");
  };
  EXPECT_EQ(mediaOf("audio", "audio", true), (Json{{"type", "ptt"}}));
  EXPECT_EQ(mediaOf("audio", "audio", false), (Json{{"type", "audio"}}));
  EXPECT_EQ(mediaOf("video", "ptv", false), (Json{{"type", "ptv"}, {"isVoiceNote", false}}));
}

TEST(CatalogueShape, WhatIsNoMessageStaysAsItIs) {
  for (const char* text : {R"({"name":null})", R"([null])", "null", R"({"message":[null]})"})
    EXPECT_EQ(serialize(catalogueShapeOf(boost::json::parse(text))), text);
  EXPECT_EQ(serialize(catalogueShapeOf(boost::json::parse(
                R"({"message":{"content":7,"media":[],"interactive":"x","type":5}})"))),
            R"({"message":{"type":5,"content":7,"media":[],"interactive":"x"}})");
}

}  // namespace
}  // namespace pombo
