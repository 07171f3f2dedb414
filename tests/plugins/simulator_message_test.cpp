// What the simulated WhatsApp makes of messages: events that hold to core/wire/events.json.
#include <gtest/gtest.h>

#include "event_schemas.hpp"
#include "json_schema.hpp"
#include "perform.hpp"
#include "phone.hpp"

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
                   {"isVoice", true},      {"duration", 5},         {"sha256", "01fe"}};

TEST(SimulatedMessages, AreEventsThatHoldToTheSchema) {
  object story = kFile;
  story["type"] = "audio";
  const std::map<std::string, object> all{
      {"message.text", {{"message", "Hello"}}},
      {"message.media", kFile},
      {"message.status", story},
      {"message.sticker",
       {{"mediaBase64", "T2dn"},
        {"mimeType", "image/webp"},
        {"mediaSize", 3},
        {"fileName", ""},
        {"sha256", "01fe"}}},
      {"message.form", {{"message", "a"}}},
      {"message.event",
       {{"name", "a"},
        {"startAt", "2026-12-01T18:00:00Z"},
        {"endAt", nullptr},
        {"description", ""},
        {"location", {{"name", "b"}, {"address", ""}, {"latitude", 1}, {"longitude", nullptr}}},
        {"joinLink", nullptr},
        {"isCanceled", false}}},
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

TEST(SimulatedChanges, AreEventsThatHoldToTheSchema) {
  const std::string ana = "5511988880000@s.whatsapp.net";
  const object message{{"chat", ana},      {"messageId", "3EB0A1"},    {"sender", kShop.jid},
                       {"fromMe", true},   {"source", "api"},          {"content", "a"},
                       {"favorite", true}, {"deleteForEveryone", true}};
  object note = message, file = message;
  note["message"] = {{"type", "text"}, {"content", "a"}};
  note["mediaKey"] = nullptr;
  file["message"] = {{"type", "audio"},
                     {"content", ""},
                     {"media", {{"type", "ptt"}, {"mimetype", "audio/ogg"}, {"fileName", ""}}}};
  file["mediaKey"] = R"({"mimeType":"audio/ogg","fileName":"","size":5})";
  const object label{{"id", "1"}, {"name", "VIP"}, {"color", 2}};
  const std::vector<std::tuple<const char*, object, std::size_t>> all{
      {"chat.edit", message, 1},
      {"chat.delete", message, 1},
      {"chat.markRead", message, 1},
      {"chat.favorite", message, 0},
      {"chat.forward", note, 3},
      {"chat.forward", file, 3},
      {"label.create", label, 1},
      {"label.delete", label, 1},
      {"label.chat", {{"id", "1"}, {"chat", ana}, {"labeled", true}}, 1}};
  const JsonSchema schemas{kEventSchemas};
  Phone phone;
  for (const auto& [name, arguments, happenings] : all) {
    const Performance made = phoneOperations().at(name)(kShop, phone, arguments);
    EXPECT_EQ(made.happenings.size(), happenings) << name;
    for (const auto& each : made.happenings) {
      const auto problem = schemas.problemOf(each.type, each.data);
      EXPECT_FALSE(problem) << name << " " << each.type << ": " << *problem;
    }
  }
}

TEST(SimulatedChanges, AForwardedFileIsTheSameFile) {
  Phone phone;
  const object file{{"chat", "1@lid"},
                    {"source", "api"},
                    {"mediaKey", R"({"mimeType":"a/b","fileName":"","base64":"T2dn"})"},
                    {"message",
                     {{"type", "image"},
                      {"content", "a"},
                      {"media", {{"type", "image"}, {"mimetype", "a/b"}, {"fileName", "c"}}}}}};
  const auto made = phoneOperations().at("chat.forward")(kShop, phone, file);
  EXPECT_EQ(made.happenings[0].mediaKey, std::string(file.at("mediaKey").as_string()));
  EXPECT_EQ(made.answer.at("message").at("media").at("size"), value(3));
  EXPECT_EQ(made.answer.at("message").at("isForwarded"), value(true));
}

TEST(SimulatedChanges, OnlyAdminsRevokeWhatOthersHaveWritten) {
  Phone phone;
  const auto revoke = [&](const char* chat) {
    return phoneOperations().at("chat.delete")(kShop, phone,
                                               object{{"chat", chat},
                                                      {"messageId", "a"},
                                                      {"fromMe", false},
                                                      {"source", "api"},
                                                      {"deleteForEveryone", true}});
  };
  EXPECT_THROW(revoke("5511988880000@s.whatsapp.net"), PhoneRefusal);
  const auto made = revoke("1203@g.us");
  EXPECT_EQ(made.happenings[0].data.at("message").at("revoke").at("byAdmin"), value(true));
  const auto joined =
      phoneOperations().at("group.join")(kShop, phone, object{{"inviteCode", "AbCdEfGhIjKl"}});
  const std::string team(joined.answer.at("jid").as_string());
  try {
    revoke(team.c_str());
    ADD_FAILURE();
  } catch (const PhoneRefusal& refusal) {
    EXPECT_EQ(refusal.why, PhoneRefusal::Why::forbidden);
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
