#include "http/answer_writer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pombo {
namespace {

TEST(AnswerHead, spellsNamesAndAddsWhatTheEdgeKnows) {
  Answer answer{401,
                {{"content-type", "application/json"},
                 {"www-authenticate", "Bearer"},
                 {"x-ratelimit-limit", "60"}},
                "{}"};
  EXPECT_EQ(writeAnswerHead(answer, {false, true, "id", httpDate(784111777)}),
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n"
            "WWW-Authenticate: Bearer\r\nX-RateLimit-Limit: 60\r\nContent-Length: 2\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: Pombo\r\nX-Request-Id: id\r\n\r\n");
}

TEST(AnswerHead, cannotBeBrokenOutOf) {
  Answer answer{200, {{"x-a", "1\r\nSet-Cookie: b"}, {"x-b\r\nc", "1"}, {"x d", "1"}}, ""};
  answer.headers["connection"] = "upgrade";
  answer.headers["content-length"] = "7";
  answer.file = Media{"a/b\r\nSet-Cookie: c", {}, 3, {}};
  EXPECT_EQ(writeAnswerHead(answer, {true, true, "i\n", "d"}),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\nDate: d\r\n"
            "Server: Pombo\r\n\r\n");
}

TEST(AnswerHead, hasNoLengthWhereThereIsNoBody) {
  EXPECT_EQ(writeAnswerHead({204}, {false, false, "i", "d"}),
            "HTTP/1.1 204 No Content\r\nConnection: close\r\nDate: d\r\nServer: Pombo\r\n"
            "X-Request-Id: i\r\n\r\n");
}

TEST(AnswerHead, saysThatAnUpgradeIsForThisHop) {
  const auto head = writeAnswerHead({426, {{"upgrade", "websocket"}}}, {false, true, "i", "d"});
  EXPECT_NE(head.find("Upgrade: websocket\r\n"), std::string::npos);
  EXPECT_NE(head.find("Connection: Upgrade\r\n"), std::string::npos);
}

}  // namespace
}  // namespace pombo
