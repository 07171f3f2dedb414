#include "http/body_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "http/read_buffer.hpp"

namespace pombo {
namespace {

using Verdict = BodyReader::Verdict;
using std::string_literals::operator""s;

struct Case {
  std::string name;
  std::string bytes;
  Verdict verdict;
};

struct Fed {
  Verdict verdict;
  std::string body;
  std::size_t taken;
};

Fed feed(const BodyFrame& frame, const std::string& bytes, std::size_t step) {
  BodyReader reader(frame);
  ReadBuffer buffer;
  std::size_t total = 0;
  auto verdict = Verdict::more;
  for (std::size_t at = 0; at < bytes.size() && verdict == Verdict::more;) {
    // Overwritten after each step, as a socket's next read does it.
    std::string room = bytes.substr(at, step);
    at += room.size();
    buffer.lend(room);
    std::size_t taken = 0;
    verdict = reader.feed(buffer.data(), taken);
    buffer.consume(taken);
    buffer.keep();
    room.assign(room.size(), '?');
    total += taken;
  }
  return {verdict, verdict == Verdict::done ? reader.take() : "", total};
}

const BodyFrame kChunked{std::nullopt, 100, 64};

std::vector<Case> chunks() {
  return {
      {"one", "5\r\nhello\r\n0\r\n\r\n", Verdict::done},
      {"two", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", Verdict::done},
      {"F3 extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n", Verdict::done},
      {"trailers", "5\r\nhello\r\n0\r\na: b\r\nContent-Length: 3\r\n\r\n", Verdict::done},
      {"leading zeros", "0000000000000005\r\nhello\r\n000\r\n\r\n", Verdict::done},
      {"F4 ZZ", "Z", Verdict::malformed},
      {"F4 2^64-1", "ffffffffffffffff", Verdict::malformed},
      {"F4 negative", "-", Verdict::malformed},
      {"F4 empty", "\r", Verdict::malformed},
      {"F4 zeros", std::string(17, '0'), Verdict::malformed},
      {"F4 no CRLF after the data", "5\r\nhellox", Verdict::malformed},
      {"F4 bare LF after the data", "5\r\nhello\n", Verdict::malformed},
      {"F4 bare LF after the size", "5\n", Verdict::malformed},
      {"F4 bare LF in the trailers", "0\r\na\n", Verdict::malformed},
      {"F4 NUL in an extension", "5;\0"s, Verdict::malformed},
      {"F4 line without end", "5;a=" + std::string(253, 'b'), Verdict::malformed},
      {"F4 trailers without end", "0\r\na: " + std::string(62, 'b'), Verdict::malformed},
      {"beyond the limit", "65\r\n", Verdict::tooLarge},
      {"beyond it in sum", "60\r\n" + std::string(0x60, 'a') + "\r\n5\r\n", Verdict::tooLarge},
  };
}

TEST(Body, inChunksIsJudgedAtTheSameByteHoweverItComes) {
  for (const auto& example : chunks()) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, example.bytes.size()}) {
      const auto fed = feed(kChunked, example.bytes, step);
      EXPECT_EQ(fed.verdict, example.verdict) << example.name << " by " << step;
      if (example.verdict == Verdict::done) {
        EXPECT_EQ(fed.body, "hello") << example.name;
        EXPECT_EQ(fed.taken, example.bytes.size()) << example.name;
      }
    }
    const auto early = example.bytes.substr(0, example.bytes.size() - 1);
    EXPECT_EQ(feed(kChunked, early, early.size()).verdict, Verdict::more) << example.name;
  }
}

TEST(Body, leavesWhatFollowsIt) {
  const auto fed = feed({5, 5, 0}, "helloGET", 8);
  EXPECT_EQ(fed.body, "hello");
  EXPECT_EQ(fed.taken, 5u);
  EXPECT_EQ(feed(kChunked, "1\r\na\r\n0\r\n\r\nGET", 14).taken, 11u);
  EXPECT_EQ(feed({6, 5, 0}, "hello!", 6).verdict, Verdict::tooLarge);
}

}  // namespace
}  // namespace pombo
