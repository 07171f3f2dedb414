// Files of what is sent, and of what is asked for again.
#include <chrono>

#include "file_memory.hpp"
#include "media_routes.hpp"
#include "messages_fixture.hpp"
#include "picture_fields.hpp"
#include "watched_host.hpp"

namespace {

using namespace messages_fixture;

const std::string kPng("\x89PNG\r\n\x1a\n rest");
constexpr auto kUrl = "https://example.com/a.png";
const object kButton{{"number", kAna},
                     {"contentText", "Choose"},
                     {"buttons", {{{"id", "yes"}, {"displayText", "Yes"}}}},
                     {"mediaUrl", kUrl},
                     {"mediaType", "IMAGE"}};
const object kImage{{"number", kAna}, {"mediaType", "image"}, {"mediaUrl", kUrl}};

object cards(const char* image, const char* video) {
  const object header{{"title", "One"}, {"imageUrl", image}, {"videoUrl", video}};
  return {{"number", kAna},
          {"message", "Look"},
          {"cards", {{{"header", header}, {"body", {{"text", "The first"}}}}}}};
}

Code codeOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code;
  }
  return Code::internal;
}

TEST_F(Messages, AConnectorSeesTheBytesOfAButtonsAndACardsFile) {
  const auto fileOf = [&](const char* kind, const object& body, const char* pointer) {
    host.performed.clear();
    host.replies = {{.status = 200, .body = kPng}};
    host.performAnswers.emplace_back(exchange());
    const auto reply = send(kind, body);
    EXPECT_FALSE(reply.body.at("data").as_object().contains("mediaSize")) << kind;
    return host.performed.back().arguments.at_pointer(pointer);
  };
  const Json file = fileOf("button", kButton, "/file");
  EXPECT_EQ(file.at("mimeType"), "image/png");
  EXPECT_EQ(file.at("mediaSize"), kPng.size());
  EXPECT_EQ(file.at("fileName"), "a.png");
  EXPECT_EQ(file.at("mediaBase64"), "iVBORw0KGgogcmVzdA==");
  EXPECT_EQ(fileOf("carousel", cards(kUrl, ""), "/cards/0/header/file"), file);
  EXPECT_EQ(host.requests.size(), 2u);
}

TEST_F(Messages, NoUrlIsDialledOrHandedOnThatIsNotAllowed) {
  host.refused[kUrl] = "private address";
  for (const auto& [kind, body] : std::vector<std::pair<std::string, object>>{
           {"button", kButton}, {"carousel", cards("", kUrl)}, {"media", kImage}})
    EXPECT_EQ(refusalOf([&] { send(kind, body); }), "URL is not allowed: private address") << kind;
  EXPECT_TRUE(host.performed.empty());
  EXPECT_TRUE(host.requests.empty());
  EXPECT_EQ(refusalOf([&] { send("carousel", cards(kUrl, kUrl)); }),
            "A card has an imageUrl or a videoUrl, not both");
}

TEST_F(Messages, ACardsFileIsWhatItIsSaidToBe) {
  host.replies = {{.status = 200, .body = kPng}};
  EXPECT_EQ(refusalOf([&] { send("carousel", cards("", kUrl)); }),
            "Unsupported media type: image/png");
  EXPECT_TRUE(host.performed.empty());
}

TEST_F(Messages, APicturesAddressIsCheckedAgainWhenItIsDialled) {
  const auto fetched = [&] { bytesOf(host, kShop, {.url = kUrl}); };
  host.refused[kUrl] = "private address";
  EXPECT_EQ(refusalOf(fetched), "URL is not allowed: private address");
  host.refused.clear();
  EXPECT_EQ(refusalOf(fetched), "Failed to download media: Nobody answered");
}

TEST_F(Messages, ACallsSoundIsFetchedBeforeAConnectorSeesIt) {
  HttpRequest request = requestFor(kShop);
  request.fields = {{"number", kAna}, {"mediaUrl", "HTTPS://example.com/a.ogg"}};
  const auto call = [&] { host.call(Method::post, "/api/call/audio/:instance", request); };
  host.refused["HTTPS://example.com/a.ogg"] = "private address";
  EXPECT_EQ(refusalOf(call), "URL is not allowed: private address");
  host.refused.clear();
  host.replies = {{.status = 200, .body = "ID3 and so on"}};
  host.performAnswers.emplace_back(Json{{"callId", "c"}});
  call();
  EXPECT_EQ(host.performed.back().arguments.at("mediaFile"), 0);
  EXPECT_EQ(host.performed.back().arguments.at("mimeType"), "audio/mpeg");
  EXPECT_EQ(bytesOf(host.performed.back().files.at(0), 100), "ID3 and so on");
}

TEST_F(Messages, AFileCrossesBesideWhatIsTold) {
  const auto told = [&](const char* key, const std::string& value) {
    host.replies = {{.status = 200, .body = kPng}};
    host.performAnswers.emplace_back(exchange("image"));
    send("media", {{"number", kAna}, {"mediaType", "image"}, {key, value}});
    EXPECT_FALSE(host.performed.back().arguments.as_object().contains("mediaBase64")) << key;
    EXPECT_EQ(host.performed.back().arguments.at("mediaFile"), 0);
    EXPECT_EQ(host.performed.back().arguments.at("mediaSize"), kPng.size());
    EXPECT_EQ(host.performed.back().files.size(), 1u);
    return bytesOf(host.performed.back().files.at(0), 100);
  };
  EXPECT_EQ(told("mediaUrl", kUrl), kPng);
  EXPECT_EQ(told("mediaBase64", "iVBORw0KGgogcmVzdA=="), kPng);
  EXPECT_EQ(told("mediaUrl", "data:image/png;base64,iVBORw0KGgogcmVzdA=="), kPng);
}

TEST_F(Messages, AFileThatCameIsReadBeforeAnythingIsAsked) {
  Instance away = kShop;
  away.status = "disconnected";
  const auto refused = [&](const char* file) {
    HttpRequest request = requestFor(away);
    object fields{{"number", "5511988880000"}, {"mediaType", "image"}, {"mediaBase64", file}};
    for (const auto& each : host.declared)
      if (each.path == "/api/message/media/:instance")
        for (const auto& field : each.body) fields.emplace(field.name, field.fallback);
    request.fields = std::move(fields);
    return refusalOf([&] { host.call(Method::post, "/api/message/media/:instance", request); });
  };
  EXPECT_EQ(refused("?"), "Invalid request body: The 'mediaBase64' field must be base64");
  EXPECT_EQ(refused("SUQz"), "Unsupported media type: audio/mpeg");
  EXPECT_EQ(refused("iVBORw0KGgo="), "another code");
}

TEST_F(Messages, WhatIsDelayedIsDownloadedBefore) {
  host.replies = {{.status = 200, .body = kPng}};
  object body = kImage;
  body["delay"] = 60;
  EXPECT_TRUE(send("media", body).later);
  EXPECT_EQ(host.requests.size(), 1u);
}

TEST_F(Messages, WhatIsAnsweredIsLookedForInItsChat) {
  host.performAnswers.emplace_back(Json{{"jid", kAna}});
  EXPECT_EQ(
      refusalOf([&] {
        send("text", {{"number", "5511988880000"}, {"message", "Hello"}, {"replyTo", "3EB0FF"}});
      }),
      "Quoted message not found");
  ASSERT_FALSE(host.statements.empty());
  EXPECT_EQ(host.statements.back().values, (std::vector<SqlValue>{"i-1", "3EB0FF", kAna}));
}

TEST_F(Messages, WhatIsAnsweredIsToldAsItIsKept) {
  constexpr auto kTeam = "12036300000000@g.us";
  SqlRow kept{{"id", "3EB0FF"},
              {"chat", kTeam},
              {"sender", kAna},
              {"type", "image"},
              {"content", "The shelf"},
              {"at", "2026-11-21T10:00:00Z"},
              {"media_type", "image"},
              {"mime_type", "image/jpeg"},
              {"file_name", "a.jpg"},
              {"reply", ""},
              {"extra", R"({"source": "", "isForwarded": true})"}};
  for (const char* number : {"outgoing", "status", "edited", "deleted"})
    kept[number] = std::int64_t{0};
  host.rows = {{kept}};
  host.performAnswers.emplace_back(exchange());
  send("text",
       {{"number", kTeam}, {"message", "Yes"}, {"replyTo", "3EB0FF"}, {"replyPrivate", true}});
  EXPECT_EQ(host.performed.back().arguments.at("chat"), kAna);
  const Json media{{"type", "image"}, {"mimetype", "image/jpeg"}, {"fileName", "a.jpg"}};
  EXPECT_EQ(host.performed.back().arguments.at("reply"), (Json{{"messageId", "3EB0FF"},
                                                               {"senderJid", kAna},
                                                               {"text", "The shelf"},
                                                               {"fromMe", false},
                                                               {"chat", kTeam},
                                                               {"message",
                                                                {{"type", "image"},
                                                                 {"content", "The shelf"},
                                                                 {"media", media},
                                                                 {"isForwarded", true}}}}));
}

TEST_F(Messages, AreForgottenWhenTheirInstanceIsGoneMeanwhile) {
  host.known.clear();
  host.performAnswers.emplace_back(exchange());
  send("text", {{"number", kAna}, {"message", "Hello"}});
  ASSERT_EQ(statements("INSERT INTO messages_kept"), 2u);
  EXPECT_TRUE(host.statements.back().sql.starts_with("DELETE FROM messages_"));
}

// A clock that goes on while something is downloaded.
class Desks : public ::testing::Test {
 protected:
  void SetUp() override {
    watched.onDial = [this] { dialled(); };
  }
  void dialled() {
    host.time += takes;
    watched.onDial = [this] { dialled(); };
  }
  object image() const {
    return {{"mediaType", "image"},
            {"mediaUrl", kUrl},
            {"mediaBase64", nullptr},
            {"mimeType", nullptr},
            {"fileName", nullptr}};
  }
  IncomingReply elsewhere() const {
    return {.status = 302, .headers = {{"location", "https://example.com/b"}}};
  }

  FakeHost host;
  WatchedHost watched{host};
  std::chrono::seconds takes{0};
  IHost& gateway = watched;
  Stores stores{{gateway.sql(), gateway.clock(), {std::chrono::hours(2), std::chrono::hours(1)}},
                {gateway.sql(), gateway.clock()},
                {gateway.sql(), gateway.clock()},
                ContactStore(gateway.sql())};
  Delays delays{{}};
  Desk desk{gateway, stores, delays, std::uint64_t{3} << 20};
};

TEST_F(Desks, ADownloadHasThirtySecondsInAll) {
  takes = std::chrono::seconds(20);
  host.replies = {elsewhere(), elsewhere(), elsewhere()};
  object told = image();
  SentMedia media{.memory = desk.files().share()};
  EXPECT_EQ(refusalOf([&] { fetchMedia(desk, told, media); }),
            "Failed to download media: it takes too long");
  ASSERT_EQ(host.requests.size(), 2u);
  EXPECT_EQ(host.requests[1].timeout, std::chrono::seconds(10));
}

TEST_F(Desks, WhatIsDownloadedHasItsPartOfTheMemory) {
  host.replies = {{.status = 200, .body = kPng}};
  object told = image();
  SentMedia media{.memory = desk.files().share()};
  fetchMedia(desk, told, media);
  EXPECT_EQ(media.memory.bytes(), kPng.size());
  auto all = desk.files().share();
  Desk::hold(all, (std::uint64_t{1} << 30) - kPng.size());
  told = image();
  EXPECT_EQ(codeOf([&] { fetchMedia(desk, told, media); }), Code::unavailable);
  EXPECT_EQ(host.requests.size(), 1u);
  told = object{{"mediaType", "image"}, {"mediaUrl", nullptr}, {"mediaBase64", "iVBORw0KGgo="}};
  EXPECT_EQ(codeOf([&] { takeGivenMedia(desk, told); }), Code::unavailable);
}

TEST_F(Desks, NothingIsSentWithoutTheTimeThatAConnectorMayTake) {
  takes = std::chrono::seconds(170);
  host.replies = {{.status = 200, .body = kPng}};
  host.performAnswers.emplace_back(exchange("image"));
  HttpRequest request = requestFor(kShop);
  for (const auto& each : messageRoutes(1 << 20)) {
    if (each.route.path != "/api/message/media/:instance") continue;
    object fields = kImage;
    for (const auto& field : each.route.body) fields.emplace(field.name, field.fallback);
    request.fields = std::move(fields);
    EXPECT_EQ(codeOf([&] { each.serve(desk, request); }), Code::timedOut);
  }
  EXPECT_EQ(host.requests.size(), 1u);
  EXPECT_TRUE(host.performed.empty());
}

TEST_F(Desks, WhatIsReadAgainHasItsPartOfTheMemory) {
  SqlRow row;
  for (const char* text : {"id", "chat", "sender", "type", "content", "at", "media_type",
                           "mime_type", "file_name", "reply", "extra"})
    row[text] = std::string();
  for (const char* number : {"outgoing", "status", "edited", "deleted"})
    row[number] = std::int64_t{0};
  host.mediaByKey["k"] = mediaOf("image/png", kPng);
  HttpRequest request = requestFor(kShop);
  request.query = {{"messageId", "3EB0A1"}};
  const auto ask = [&] {
    host.rows = {{row}, {{{"media_key", "k"}}}};
    for (const auto& each : storedRoutes())
      if (each.route.path == "/api/chat/base64/:instance") each.serve(desk, request);
  };
  ask();
  auto all = desk.files().share();
  Desk::hold(all, std::uint64_t{1} << 30);
  EXPECT_EQ(codeOf(ask), Code::unavailable);
}

TEST(FileMemory, IsGivenBack) {
  const FileMemory memory(10);
  {
    auto one = memory.share();
    EXPECT_TRUE(one.resize(6));
    EXPECT_FALSE(memory.share().resize(5));
    EXPECT_FALSE(one.resize(11));
    EXPECT_EQ(one.bytes(), 6u);
    EXPECT_TRUE(one.resize(2));
    EXPECT_TRUE(memory.share().resize(8));
    const auto moved = std::move(one);
    EXPECT_FALSE(memory.share().resize(9));
  }
  EXPECT_TRUE(memory.share().resize(10));
}

}  // namespace
