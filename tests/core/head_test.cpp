#include "http/head.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pombo {
namespace {

using Head = HeadScanner::Verdict;
using std::string_literals::operator""s;

struct Case {
  std::string name;
  std::string bytes;
  Head verdict;
};

const std::string kHost = "Host: a\r\n";

std::string get(const std::string& headers) { return "GET / HTTP/1.1\r\n" + headers + "\r\n"; }
std::string post(const std::string& headers) {
  return "POST / HTTP/1.1\r\n" + kHost + headers + "\r\n";
}
std::string line(const std::string& requestLine) { return requestLine + "\r\n" + kHost + "\r\n"; }

struct Scanned {
  Head verdict;
  std::size_t seen;  // bytes that had come when the verdict fell
};

Scanned scan(const std::string& bytes, std::size_t step) {
  HeadScanner scanner({});
  for (std::size_t seen = 0; seen < bytes.size();) {
    seen = std::min(seen + step, bytes.size());
    const auto verdict = scanner.scan(std::string_view(bytes).substr(0, seen));
    if (verdict != Head::more) return {verdict, seen};
  }
  return {Head::more, bytes.size()};
}

ScannedHead read(const std::string& bytes) {
  HeadScanner scanner({});
  EXPECT_EQ(scanner.scan(bytes), Head::done) << bytes;
  EXPECT_EQ(scanner.size(), bytes.size());
  return scanner.take();
}

std::string manyHeaders(int count) {
  std::string headers = kHost;
  for (int i = 1; i < count; ++i) headers += "x" + std::to_string(i) + ": 1\r\n";
  return headers;
}

std::vector<Case> heads() {
  const std::string big(16 * 1024, 'a');
  return {
      {"plain", get(kHost), Head::done},
      {"no header, 1.0", "GET / HTTP/1.0\r\n\r\n", Head::done},
      {"unknown method", line("FOO / HTTP/1.1"), Head::done},
      {"method in lower case", line("get / HTTP/1.1"), Head::done},
      {"bytes above ASCII in the target", line("GET /\xc3\xa9 HTTP/1.1"), Head::done},
      {"16,000 slashes", line("GET " + std::string(16000, '/') + " HTTP/1.1"), Head::done},
      {"absolute target", line("GET http://b:80/x HTTP/1.1"), Head::done},
      {"empty value", get(kHost + "x:\r\n"), Head::done},
      {"F3 chunked in any case", post("Transfer-Encoding: Chunked\r\n"), Head::done},
      {"Content-Length of 19 digits", post("Content-Length: 0000000000000000002\r\n"), Head::done},
      {"Host with a port", get("Host: a.b:65535\r\n"), Head::done},
      {"Host that is IPv6", get("Host: [::1]:80\r\n"), Head::done},
      {"F12 odd headers",
       get(kHost + "Cookie: a\r\nAccept: *\r\nDate: x\r\nUpgrade: h2c\r\n"
                   "Cache-Control: stale-while-revalidate=3\r\n"),
       Head::done},
      {"100 headers", get(manyHeaders(100)), Head::done},

      {"F1 two Content-Lengths", post("Content-Length: 5\r\nContent-Length: 3\r\n"),
       Head::malformed},
      {"F1 two equal ones", post("Content-Length: 5\r\ncontent-length: 5\r\n"), Head::malformed},
      {"F1 plus", post("Content-Length: +2\r\n"), Head::malformed},
      {"F1 hex", post("Content-Length: 0x2\r\n"), Head::malformed},
      {"F1 empty", post("Content-Length: \r\n"), Head::malformed},
      {"F1 list", post("Content-Length: 2, 2\r\n"), Head::malformed},
      {"F1 word", post("Content-Length: abc\r\n"), Head::malformed},
      {"F1 negative", post("Content-Length: -1\r\n"), Head::malformed},
      {"F1 20 digits", post("Content-Length: 00000000000000000002\r\n"), Head::malformed},
      {"F1 above int64", post("Content-Length: 9223372036854775808\r\n"), Head::malformed},
      {"F2 both framings", post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
       Head::malformed},
      {"F2 xchunked", post("Transfer-Encoding: xchunked\r\n"), Head::malformed},
      {"F2 chunked twice", post("Transfer-Encoding: chunked, chunked\r\n"), Head::malformed},
      {"F2 two headers", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       Head::malformed},
      {"F2 gzip", post("Transfer-Encoding: gzip, chunked\r\n"), Head::malformed},
      {"F2 in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Head::malformed},
      {"F5 no Host", get(""), Head::malformed},
      {"F5 two Hosts", get(kHost + kHost), Head::malformed},
      {"F5 two Hosts in 1.0", "GET / HTTP/1.0\r\n" + kHost + kHost + "\r\n", Head::malformed},
      {"F5 user", get("Host: a@b\r\n"), Head::malformed},
      {"F5 path", get("Host: a/b\r\n"), Head::malformed},
      {"F5 port", get("Host: a:99999\r\n"), Head::malformed},
      {"F5 port with a sign", get("Host: a:+80\r\n"), Head::malformed},
      {"F5 empty", get("Host:\r\n"), Head::malformed},
      {"F5 list", get("Host: a, b\r\n"), Head::malformed},
      {"F5 half a bracket", get("Host: [::1\r\n"), Head::malformed},
      {"F5 no IPv6 in brackets", get("Host: [a]\r\n"), Head::malformed},
      {"F6 bare LF", "GET / HTTP/1.1\n", Head::malformed},
      {"F6 bare LF in a header", "GET / HTTP/1.1\r\nHost: a\n", Head::malformed},
      {"F6 bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", Head::malformed},
      {"F6 bare CR", "GET / HTTP/1.1\r\nHost: a\rb", Head::malformed},
      {"F6 folded header", "GET / HTTP/1.1\r\nHost: a\r\nx: 1\r\n ", Head::malformed},
      {"F6 space before the colon", "GET / HTTP/1.1\r\nHost ", Head::malformed},
      {"F6 NUL in a header", "GET / HTTP/1.1\r\nHost: a\r\nx: \0"s, Head::malformed},
      {"F6 NUL in a name", "GET / HTTP/1.1\r\nx\0"s, Head::malformed},
      {"F6 empty name", "GET / HTTP/1.1\r\n:", Head::malformed},
      {"F6 DEL", "GET / HTTP/1.1\r\nx: \x7f", Head::malformed},
      {"F6 CONNECT", "CONNECT ", Head::malformed},
      {"F6 TLS hello", "\x16", Head::malformed},
      {"F6 HTTP/0.9", "GET /\r", Head::malformed},
      {"F6 empty line first", "\r", Head::malformed},
      {"no method", " ", Head::malformed},
      {"no target", "GET  ", Head::malformed},
      {"two spaces", "GET /  ", Head::malformed},
      {"space in the target", "GET /a b", Head::malformed},
      {"tab", "GET\t", Head::malformed},
      {"space behind the version", "GET / HTTP/1.1 ", Head::malformed},
      {"asterisk", line("OPTIONS * HTTP/1.1").substr(0, 20), Head::malformed},
      {"target without a slash", line("GET a HTTP/1.1").substr(0, 16), Head::malformed},
      {"target of another scheme", line("GET ftp://a/ HTTP/1.1").substr(0, 23), Head::malformed},
      {"authority with a user", line("GET http://u@a/ HTTP/1.1").substr(0, 26), Head::malformed},
      {"version in lower case", "GET / h", Head::malformed},
      {"F8 half a version", "GET / H\r", Head::malformed},
      {"F8 long version", "GET / HTTP/1.10", Head::malformed},
      {"F8 9.9", "GET / HTTP/9.9\r\n", Head::versionUnknown},
      {"F8 1.2", "GET / HTTP/1.2\r\n", Head::versionUnknown},
      {"F8 preface of HTTP/2", "PRI * HTTP/2.0\r\n", Head::versionUnknown},

      {"F7 large header", ("GET / HTTP/1.1\r\nx: " + big).substr(0, big.size() + 1),
       Head::tooLarge},
      {"F7 long target", ("GET /" + big).substr(0, big.size() + 1), Head::tooLarge},
      {"F7 101 headers", "GET / HTTP/1.1\r\n" + manyHeaders(100) + "x", Head::tooLarge},
  };
}

// The bytes of each refused case end with the one that is wrong, so this is also the test that
// nothing waits for more.
TEST(Head, isJudgedAtTheSameByteHoweverItComes) {
  for (const auto& example : heads()) {
    for (const auto& tail : {""s, "x\r\n\r\nGET"s}) {
      const auto bytes = example.bytes + tail;
      const auto byByte = scan(bytes, 1);
      EXPECT_EQ(byByte.verdict, example.verdict) << example.name;
      EXPECT_LE(byByte.seen, example.bytes.size()) << example.name;
      for (const std::size_t step : {std::size_t{2}, std::size_t{7}, bytes.size()}) {
        EXPECT_EQ(scan(bytes, step).verdict, example.verdict) << example.name << " by " << step;
      }
    }
  }
}

TEST(Head, ofExactlyTheLimitIsTaken) {
  const auto frame = get(kHost + "x: \r\n").size();
  const auto exact = get(kHost + "x: " + std::string(16 * 1024 - frame, 'a') + "\r\n");
  ASSERT_EQ(exact.size(), 16u * 1024);
  EXPECT_EQ(scan(exact, 1000).verdict, Head::done);
  EXPECT_EQ(scan("A" + exact, 1000).verdict, Head::tooLarge);
}

TEST(Head, saysWhatItRead) {
  const auto head = read(
      "POST /a?b=c HTTP/1.1\r\nHOST: h\r\nAccept: x\r\nX-A: \t v w \t\r\n"
      "accept: y\r\nContent-Length: 12\r\n\r\n");
  EXPECT_EQ(head.request.method, "POST");
  EXPECT_EQ(head.request.target, "/a?b=c");
  EXPECT_EQ(head.request.headers,
            (Headers{{"host", "h"}, {"accept", "x, y"}, {"x-a", "v w"}, {"content-length", "12"}}));
  EXPECT_EQ(head.request.contentLength, 12u);
  EXPECT_FALSE(head.request.chunked);
  EXPECT_FALSE(head.request.upgrade);
  EXPECT_TRUE(head.keepAlive);
  EXPECT_FALSE(head.http10);
  EXPECT_FALSE(head.expectContinue);
}

TEST(Head, ofAnAbsoluteTargetIsReducedAndNamesTheHost) {
  EXPECT_EQ(read(line("GET http://b:80/x?y HTTP/1.1")).request.target, "/x?y");
  EXPECT_EQ(read(line("GET HTTP://b?y HTTP/1.1")).request.target, "/?y");
  EXPECT_EQ(read(line("GET https://b HTTP/1.1")).request.target, "/");
  EXPECT_EQ(read(line("GET http://b:80/x?y HTTP/1.1")).request.headers.at("host"), "b:80");
}

TEST(Head, saysWhetherTheConnectionGoesOn) {
  const std::string old = "GET / HTTP/1.0\r\n";
  EXPECT_TRUE(read(get(kHost)).keepAlive);
  EXPECT_FALSE(read(get(kHost + "Connection: Close\r\n")).keepAlive);
  EXPECT_FALSE(read(get(kHost + "Connection: x\r\nConnection: y , close\r\n")).keepAlive);
  EXPECT_FALSE(read(old + "\r\n").keepAlive);
  EXPECT_TRUE(read(old + "Connection: Keep-Alive\r\n\r\n").keepAlive);
  EXPECT_FALSE(read(old + "Connection: keep-alive, close\r\n\r\n").keepAlive);
}

TEST(Head, saysWhatElseIsAskedFor) {
  EXPECT_TRUE(read(post("Expect: 100-Continue\r\n")).expectContinue);
  EXPECT_FALSE(read(post("Expect: 200-maybe\r\n")).expectContinue);
  EXPECT_FALSE(read("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expectContinue);
  EXPECT_TRUE(read(get(kHost + "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"))
                  .request.upgrade);
  EXPECT_FALSE(read(get(kHost + "Upgrade: websocket\r\n")).request.upgrade);
  EXPECT_FALSE(read(get(kHost + "Connection: Upgrade\r\nUpgrade: h2c\r\n")).request.upgrade);
}

TEST(Head, leavesWhatFollowsIt) {
  HeadScanner scanner({});
  EXPECT_EQ(scanner.scan(get(kHost) + "GET /2"), Head::done);
  EXPECT_EQ(scanner.size(), get(kHost).size());
  scanner.take();
  EXPECT_EQ(scanner.scan("GET /2"), Head::more);  // as new
}

}  // namespace
}  // namespace pombo
