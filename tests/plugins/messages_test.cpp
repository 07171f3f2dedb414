// The messages block over FakeHost: what a connector is told, and what is kept. The words of every
// refusal stand in tests/e2e/test_messages.py.
#include <gtest/gtest.h>

#include <chrono>

#include "chat_address.hpp"
#include "delays.hpp"
#include "media_file.hpp"
#include "message_store.hpp"
#include "messages_fixture.hpp"
#include "pix_key.hpp"
#include "schema_store.hpp"
#include "url_reference.hpp"
#include "vcard.hpp"

namespace {

using namespace messages_fixture;

TEST_F(Messages, AskWhoHasANumberAndThenSendToWhomItIs) {
  host.performAnswers.emplace_back(Json{{"jid", kAna}});
  host.performAnswers.emplace_back(exchange());
  const auto reply = send("text", {{"number", "55 11 98888-0000"}, {"message", "Hello"}});
  EXPECT_EQ(reply.body.at("data").at("messageId"), "3EB0A1");
  ASSERT_EQ(host.performed.size(), 2u);
  EXPECT_EQ(host.performed[0].operation, "number.find");
  EXPECT_EQ(host.performed[0].arguments, (Json{{"numbers", {"5511988880000", "551188880000"}}}));
  EXPECT_EQ(host.performed[1].operation, "message.text");
  Json told = host.performed[1].arguments;
  EXPECT_TRUE(told.as_object().erase("id"));
  EXPECT_EQ(
      told,
      (Json{{"message", "Hello"}, {"linkPreview", false}, {"source", "api"}, {"chat", kAna}}));
}

TEST_F(Messages, LookUpAllWhomTheyMentionAtOnce) {
  constexpr auto kTeam = "12036300000000@g.us";
  host.performAnswers.emplace_back(Json{{"jids", {kAna, nullptr}}});
  const object body{{"number", kTeam},
                    {"message", "Hi"},
                    {"mention", {"551188880000", "1@lid", "4915112345678"}}};
  EXPECT_EQ(refusalOf([&] { send("text", body); }), "Number is not registered on WhatsApp");
  ASSERT_EQ(host.performed.size(), 1u);
  EXPECT_EQ(host.performed[0].operation, "number.findAll");
  EXPECT_EQ(
      host.performed[0].arguments,
      (Json{{"people", {{"551188880000", "5511988880000"}, boost::json::array{"4915112345678"}}}}));
  host.performAnswers.emplace_back(Json{{"jids", {kAna, "49@s.whatsapp.net"}}});
  host.performAnswers.emplace_back(exchange());
  send("text", body);
  EXPECT_EQ(host.performed[2].arguments.at("mentions"), (Json{kAna, "1@lid", "49@s.whatsapp.net"}));
  object many = body;
  many["mention"] = boost::json::array(1025, "1@lid");
  EXPECT_EQ(refusalOf([&] { send("text", many); }),
            "The 'mention' field can have at most 1024 numbers");
}

TEST_F(Messages, ReactToWhatAPersonHasWritten) {
  const auto react = [&](const char* participant) {
    host.performAnswers.emplace_back(exchange("reaction"));
    send("reaction", {{"number", "12036300000000@g.us"},
                      {"messageId", "3EB0FF"},
                      {"reaction", "x"},
                      {"participant", participant}});
  };
  for (const char* bad : {"Ana", "12036300000000@g.us"})
    EXPECT_EQ(refusalOf([&] { react(bad); }), std::string("Invalid number: ") + bad);
  EXPECT_TRUE(host.performed.empty());
  host.performAnswers.clear();
  react("5511988880000:7@s.whatsapp.net");
  EXPECT_EQ(host.performed[0].arguments.at("participant"), kAna);
  EXPECT_EQ(host.performed[0].arguments.at("reply").at("senderJid"), kAna);
}

TEST_F(Messages, SayWhatAConnectorSays) {
  const std::vector<std::pair<Error, std::string>> all{
      {Error(Code::internal, "no"), "Failed to send message: no"},
      {Error(Code::timedOut, "late"), "Timed out waiting for WhatsApp"},
      {Error(Code::rateLimited, "Rate limited by WhatsApp. Try again later."),
       "Rate limited by WhatsApp. Try again later."},
      {Error(Code::unsupported, "Not supported by the simulator connector"),
       "Not supported by the simulator connector"}};
  for (const auto& [error, said] : all) {
    host.performAnswers.emplace_back(error);
    try {
      send("text", {{"number", kAna}, {"message", "Hello"}});
      ADD_FAILURE() << said;
    } catch (const Error& told) {
      EXPECT_EQ(told.what(), said);
      EXPECT_EQ(told.code, error.code);
    }
  }
}

TEST_F(Messages, AreSentWhateverAConnectorLeavesOut) {
  for (const Json& said :
       {Json(), Json(object()),
        Json{{"id", "3EB0A1"}, {"chat", {{"jid", kAna}}}, {"message", {{"type", "text"}}}}}) {
    host.performAnswers.emplace_back(said);
    const Json data = send("text", {{"number", kAna}, {"message", "Hello"}}).body.at("data");
    EXPECT_EQ(data.at("chat"), (Json{{"jid", kAna}, {"lid", nullptr}, {"type", "private"}}));
    EXPECT_EQ(data.at("source"), "api");
    EXPECT_TRUE(data.at("content").is_string());
  }
  EXPECT_EQ(host.counters["sent"], 3);
}

TEST_F(Messages, AreKeptOnceAndCountedOnce) {
  const Event event{
      .type = "message.exchange", .instance = kShop.id, .chat = kAna, .data = exchange()};
  EXPECT_EQ(host.deliver(event).at("store").outcome, Outcome::done);
  EXPECT_EQ(statements("INSERT INTO messages_kept"), 1u);
  EXPECT_EQ(statements("INSERT INTO messages_counts"), 1u);
  host.rows = {{{{"counted", std::int64_t{1}},
                 {"status", std::int64_t{1}},
                 {"type", std::string("text")},
                 {"sender", std::string("5511@s.whatsapp.net")},
                 {"cleared", SqlValue()}}}};
  EXPECT_EQ(host.deliver(event).at("store").outcome, Outcome::done);
  EXPECT_EQ(statements("INSERT INTO messages_kept"), 1u);
  EXPECT_EQ(statements("INSERT INTO messages_counts"), 1u);
  EXPECT_TRUE(host.deliver({.type = "call.update", .instance = kShop.id}).empty());
}

TEST_F(Messages, AStatusNeverMovesBackwards) {
  const auto row = [](std::int64_t status) {
    return std::vector<SqlRow>{{{"chat", std::string(kAna)},
                                {"status", status},
                                {"counted", std::int64_t{1}},
                                {"outgoing", std::int64_t{1}}}};
  };
  const auto receipt = [](const char* status) {
    return Event{
        .type = "message.status",
        .instance = kShop.id,
        .chat = kAna,
        .data = {{"status", status}, {"messageIds", {"3EB0A1"}}, {"chat", {{"jid", kAna}}}}};
  };
  const std::vector<std::tuple<std::int64_t, const char*, bool>> all{
      {1, "delivered", true},     {4, "delivered", false}, {2, "read", true},
      {4, "read", false},         {4, "played", true},     {1, "server_error", true},
      {2, "server_error", false}, {-1, "delivered", true}};
  for (const auto& [now, status, moves] : all) {
    host.statements.clear();
    host.rows = {row(now)};
    host.deliver(receipt(status));
    EXPECT_EQ(statements("UPDATE messages_kept SET status") == 1, moves) << now << " " << status;
    EXPECT_EQ(statements("INSERT INTO messages_counts") == 2, moves) << now << " " << status;
  }
  host.statements.clear();
  host.deliver(receipt("retry"));
  EXPECT_TRUE(host.statements.empty());
}

TEST_F(Messages, OfAChatThatWasDeletedSinceNothingIsKept) {
  const Event event{
      .type = "message.exchange", .instance = kShop.id, .at = host.time, .data = exchange()};
  const auto known = [&](std::chrono::microseconds after) {
    const auto at = std::chrono::floor<std::chrono::microseconds>(host.time.time_since_epoch());
    host.rows = {
        {{{"counted", SqlValue()}, {"status", SqlValue()}, {"cleared", (at + after).count()}}}};
  };
  known(std::chrono::microseconds(0));
  host.deliver(event);
  EXPECT_EQ(statements("INSERT INTO messages_kept"), 0u);
  known(std::chrono::microseconds(-1));
  host.deliver(event);
  EXPECT_EQ(statements("INSERT INTO messages_kept"), 1u);
}

TEST(MessageStore, IsSweptOnceAnHour) {
  FakeHost host;
  IHost& gateway = host;
  MessageStore store(gateway.sql(), gateway.clock(),
                     {std::chrono::hours(2), std::chrono::hours(1)});
  EXPECT_TRUE(store.sweep());
  EXPECT_FALSE(store.sweep());
  host.time += std::chrono::hours(1);
  EXPECT_TRUE(store.sweep());
}

class FailingSql final : public ISql {
 public:
  bool fails = true;
  std::size_t applied = 0;

  void migrate(const std::vector<Migration>&) override {}
  std::vector<SqlRow> query(const Statement&) override { return {}; }
  void apply(const std::vector<Statement>&) override {
    if (fails) throw Error(Code::unavailable, "the database is away");
    ++applied;
  }
};

TEST(MessageStore, IsSweptAgainWhenThatHasFailed) {
  FailingSql sql;
  FakeHost host;
  IHost& gateway = host;
  MessageStore store(sql, gateway.clock(), {std::chrono::hours(2), std::chrono::hours(1)});
  EXPECT_THROW(store.sweep(), Error);
  sql.fails = false;
  EXPECT_FALSE(store.sweep()) << "at once";
  EXPECT_EQ(sql.applied, 0u);
  host.time += std::chrono::minutes(1);
  EXPECT_TRUE(store.sweep());
  EXPECT_FALSE(store.sweep());
  EXPECT_EQ(sql.applied, 4u);
}

constexpr std::int64_t kEditedAt = 1'795'257'000'000'001;

Event changeBy(const char* type, const char* key, const char* author, bool byAdmin) {
  Json data = exchange(type);
  data.at("sender").at("jid") = author;
  data.at("message").as_object()[key] = {{"original_id", "3EB0FF"}, {"byAdmin", byAdmin}};
  return {.type = "message.exchange",
          .instance = kShop.id,
          .at = TimePoint(std::chrono::microseconds(kEditedAt)),
          .chat = kAna,
          .data = data};
}

TEST_F(Messages, AreChangedByTheirAuthorInTheirChatOnly) {
  host.deliver(changeBy("message_edit", "edit", kAna, false));
  EXPECT_EQ(host.statements.at(0),
            (Statement{"UPDATE messages_kept SET content = :c, edited = :at WHERE instance_id = :i "
                       "AND id = :id AND chat = :chat AND sender = :by AND edited <= :now",
                       {"Hello", kEditedAt, "i-1", "3EB0FF", kAna, kAna, kEditedAt}}));
  host.statements.clear();
  host.deliver(changeBy("message_revoke", "revoke", kAna, false));
  EXPECT_EQ(host.statements.at(0),
            (Statement{"UPDATE messages_kept SET deleted = 1 "
                       "WHERE instance_id = :i AND id = :id AND chat = :chat AND sender = :by",
                       {"i-1", "3EB0FF", kAna, kAna}}));
  host.statements.clear();
  host.deliver(changeBy("message_revoke", "revoke", kAna, true));
  EXPECT_EQ(host.statements.at(0),
            (Statement{"UPDATE messages_kept SET deleted = 1 "
                       "WHERE instance_id = :i AND id = :id AND chat = :chat",
                       {"i-1", "3EB0FF", kAna}}));
}

// The message may be waiting in the one or in the other.
TEST_F(Messages, AreChangedBehindTheHistoryToo) {
  Event past{.type = "message.exchange", .instance = kShop.id, .chat = kAna, .data = exchange()};
  past.data.as_object()["isHistory"] = true;
  const Event gone{.type = "chat.update",
                   .instance = kShop.id,
                   .chat = kAna,
                   .data = {{"chat", kAna}, {"messageId", "3EB0FF"}}};
  const auto destinations = [&](const Event& event) {
    std::vector<std::string> all;
    for (const auto& [to, verdict] : host.deliver(event)) all.push_back(to);
    return all;
  };
  EXPECT_EQ(destinations(past), std::vector<std::string>{"history"});
  for (const auto& change : {changeBy("message_edit", "edit", kAna, false),
                             changeBy("message_revoke", "revoke", kAna, false), gone})
    EXPECT_EQ(destinations(change), (std::vector<std::string>{"history", "store"}));
  past.data.as_object().erase("isHistory");
  EXPECT_EQ(destinations(past), std::vector<std::string>{"store"});
}

TEST_F(Messages, ThatWereSentAreNotKeptBeforeTheirEventWhereThatMayBeIgnored) {
  for (const auto& [chat, kept] :
       std::vector<std::pair<std::string, std::size_t>>{{kAna, 1}, {"12036300000000@g.us", 0}}) {
    host.statements.clear();
    Json made = exchange();
    made.at("chat").at("jid") = chat;
    host.performAnswers.emplace_back(made);
    host.rows = {{{{"status", std::int64_t{0}}}}};
    send("text", {{"number", chat}, {"message", "Hello"}});
    EXPECT_EQ(statements("DELETE FROM messages_kept"), 1u) << chat;
    EXPECT_EQ(statements("INSERT INTO messages_kept"), 1 + kept) << chat;
  }
}

TEST_F(Messages, MediaThatIsGoneIsNotThere) {
  HttpRequest request = requestFor(kShop);
  request.query = {{"messageId", "3EB0A1"}};
  const auto base64 = [&] {
    host.rows = {{storedRow("")}, {{{"media_key", "k"}}}};
    return host.call(Method::get, "/api/chat/base64/:instance", request);
  };
  try {
    base64();
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::notFound);
    EXPECT_STREQ(error.what(), "Message not found or no media available");
  }
  // More than may be sent: the limit of what is received is another.
  host.mediaByKey["k"] = mediaOf("image/png", std::string(std::size_t{4} << 20, 'x'));
  EXPECT_EQ(base64().body.at("base64").as_string().size(), ((std::size_t{4} << 20) + 2) / 3 * 4);
  host.mediaByKey["k"].size = (std::uint64_t{64} << 20) + 1;
  try {
    base64();
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::tooLarge);
  }
}

TEST_F(Messages, GoWithTheirInstance) {
  block->forget(kShop);
  for (const char* table : kTableNames)
    EXPECT_EQ(statements(std::string("DELETE FROM ") + table), 1u) << table;
}

// Parts -----------------------------------------------------------------------------------------

TEST(ChatAddress, OfBrazilianMobilesThereAreTwoForms) {
  using Forms = std::vector<std::string>;
  EXPECT_EQ(chatAddressIn("5511988880000")->numbers, (Forms{"5511988880000", "551188880000"}));
  EXPECT_EQ(chatAddressIn("551188880000")->numbers, (Forms{"551188880000", "5511988880000"}));
  EXPECT_EQ(chatAddressIn("551133330000")->numbers, (Forms{"551133330000"}));
  EXPECT_EQ(chatAddressIn("4915112345678")->numbers, (Forms{"4915112345678"}));
}

TEST(MediaFile, ItsSizeAndTypeAreInItsBytes) {
  const auto file = mediaFileIn("data:image/x;base64,iVBORw0KGgo=");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size, 8u);
  EXPECT_EQ(file->mimeType, "image/x");
  for (const char* bad :
       {"", "a", "data:,a", "data:image/png,AAAA", "AA=A", "A===", "data:;base64,"})
    EXPECT_FALSE(mediaFileIn(bad)) << bad;
  EXPECT_EQ(mimeTypeIn("\xff\xd8\xff\xe0"), "image/jpeg");
  EXPECT_EQ(mimeTypeIn(" <!DOCTYPE HTML><p>"), "text/html");
  EXPECT_EQ(mimeTypeIn("plain"), "");
  EXPECT_EQ(mimeTypeIn("\xff\xf1\x50"), "audio/aac");
  EXPECT_FALSE(fitsMediaType("image/\x01", "document"));
  EXPECT_TRUE(fitsMediaType("application/pdf", "document"));
  EXPECT_EQ(fileNameIn("https://example.com/a/b.png?c=/d.e"), "b.png");
  EXPECT_EQ(fileNameIn("https://example.com/a"), "");
}

TEST(MediaFile, WhoeverGivesAContainerSaysWhetherItIsSoundAlone) {
  const std::string mp4(
      "\0\0\0\x18"
      "ftypisom",
      12),
      webm("\x1a\x45\xdf\xa3\x9f", 5);
  EXPECT_EQ(mimeTypeOf(mediaFileOf(mp4, "audio/mp4")), "audio/mp4");
  EXPECT_EQ(mimeTypeOf(mediaFileOf(webm, "audio/webm")), "audio/webm");
  EXPECT_EQ(mimeTypeOf(mediaFileOf(mp4, "")), "video/mp4");
  EXPECT_EQ(mimeTypeOf(mediaFileOf("\xff\xd8\xff\xe0", "audio/mp4")), "image/jpeg");
  EXPECT_EQ(mimeTypeOf(mediaFileOf("a", "text/plain")), "text/plain");
  EXPECT_EQ(mimeTypeOf(mediaFileOf("a", "")), "application/octet-stream");
}

TEST(UrlReference, IsResolvedAsTheStandardDoes) {
  const std::string base = "http://a.test/b/c/d;p?q#f";
  const std::vector<std::pair<std::string, std::string>> all{
      {"g:h", "g:h"},
      {"g", "http://a.test/b/c/g"},
      {"./g/", "http://a.test/b/c/g/"},
      {"/g", "http://a.test/g"},
      {"//g.test", "http://g.test"},
      {"?y", "http://a.test/b/c/d;p?y"},
      {"g?y/../x", "http://a.test/b/c/g?y/../x"},
      {"g#s", "http://a.test/b/c/g"},
      {"", "http://a.test/b/c/d;p?q"},
      {".", "http://a.test/b/c/"},
      {"..", "http://a.test/b/"},
      {"../../g", "http://a.test/g"},
      {"../../../../g", "http://a.test/g"},
      {"/./g", "http://a.test/g"},
      {"g..", "http://a.test/b/c/g.."},
      {"HTTPS://g.test/x", "HTTPS://g.test/x"}};
  for (const auto& [reference, target] : all) EXPECT_EQ(resolved(base, reference), target);
  EXPECT_EQ(resolved("https://a.test?x", "g"), "https://a.test/g");
  EXPECT_EQ(resolved("https://a.test", "?y"), "https://a.test/?y");
}

TEST(PixKey, EachTypeHasItsForm) {
  EXPECT_EQ(pixKeyIn("CNPJ", "12.345.678/0001-95"), "12345678000195");
  EXPECT_EQ(pixKeyIn("PHONE", "+55 (11) 98888-0000"), "+5511988880000");
  EXPECT_EQ(pixKeyIn("EMAIL", "a@example.com"), "a@example.com");
  const std::string uuid = "123e4567-e89b-12d3-a456-426614174000";
  EXPECT_EQ(pixKeyIn("RANDOM", uuid), uuid);
  EXPECT_FALSE(pixKeyIn("RANDOM", uuid.substr(1) + "g"));
  EXPECT_FALSE(pixKeyIn("CPF", "1234567890"));
  EXPECT_FALSE(pixKeyIn("EMAIL", "a@b@c"));
}

TEST(Vcard, ALineEndBeginsNoPropertyOfItsOwn) {
  const std::string card = vcardOf({"A\nTEL:1", "1", "", "", ""}, "12345678");
  EXPECT_NE(card.find("FN:A\\nTEL:1\n"), card.npos);
  EXPECT_EQ(card.find("ORG"), card.npos);
}

// Threads of Delays that stand still until they may go on, and what they have done meanwhile.
class DelaysTest : public ::testing::Test {
 protected:
  Delays::Task holding(const std::string& lane) {
    return {lane, 0, [this] {
              std::unique_lock lock(mutex);
              ++held;
              changed.notify_all();
              changed.wait(lock, [this] { return released; });
            }};
  }
  Delays::Task noting(const std::string& lane, int number, std::uint64_t bytes = 0) {
    return {lane, bytes, [this, number] {
              const std::lock_guard lock(mutex);
              done.push_back(number);
              changed.notify_all();
            }};
  }
  template <class Condition>
  void waitFor(Condition condition) {
    std::unique_lock lock(mutex);
    changed.wait(lock, condition);
  }
  void release() {
    const std::lock_guard lock(mutex);
    released = true;
    changed.notify_all();
  }

  static constexpr std::chrono::hours kHour{1};
  std::mutex mutex;
  std::condition_variable changed;
  int held = 0;
  bool released = false;
  std::vector<int> done;
};

TEST_F(DelaysTest, WhatIsDueFirstIsDoneFirstAndTheRestNeverAtTheEnd) {
  Delays delays({.threads = 1});
  EXPECT_TRUE(delays.after({}, holding("a")));
  waitFor([&] { return held == 1; });
  EXPECT_TRUE(delays.after(kHour, noting("a", 3)));
  EXPECT_TRUE(delays.after(-kHour, noting("a", 2)));
  EXPECT_TRUE(delays.after(-2 * kHour, noting("a", 1)));
  release();
  waitFor([&] { return done.size() == 2; });
  delays.stop();
  EXPECT_EQ(done, (std::vector<int>{1, 2}));
}

TEST_F(DelaysTest, ALaneThatStandsStillHoldsUpNoOther) {
  Delays delays({.threads = 3, .together = 2});
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(delays.after({}, holding("a")));
  waitFor([&] { return held == 2; });
  EXPECT_TRUE(delays.after(-kHour, noting("a", 1)));
  EXPECT_TRUE(delays.after({}, noting("b", 2)));
  waitFor([&] { return done.size() == 1; });
  release();
  waitFor([&] { return done.size() == 2; });
  EXPECT_EQ(done, (std::vector<int>{2, 1}));
}

TEST_F(DelaysTest, FewLanesThatStandStillHoldUpNoOther) {
  Delays delays({});
  for (const char* lane : {"a", "b", "c", "d", "e"})
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(delays.after({}, holding(lane)));
  waitFor([&] { return held == 10; });
  EXPECT_TRUE(delays.after({}, noting("f", 1)));
  waitFor([&] { return done.size() == 1; });
  release();
}

TEST_F(DelaysTest, OnlySoMuchWaits) {
  Delays delays({.threads = 1, .waiting = 2, .bytes = 10});
  EXPECT_TRUE(delays.after(kHour, noting("a", 1, 6)));
  EXPECT_FALSE(delays.after(kHour, noting("a", 2, 5))) << "too large";
  EXPECT_TRUE(delays.after(kHour, noting("a", 3, 4)));
  EXPECT_FALSE(delays.after(kHour, noting("a", 4))) << "too many";
  for (const char* lane : {"b", "c", "d"})
    EXPECT_TRUE(delays.after(kHour, noting(lane, 5, 10))) << lane;
  EXPECT_FALSE(delays.after(kHour, noting("e", 6, 1))) << "too large together";
}

}  // namespace
