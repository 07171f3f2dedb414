#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "client_frames.hpp"
#include "http/frame_reader.hpp"
#include "http/handshake.hpp"
#include "http/socket_frame.hpp"

namespace pombo {
namespace {

using Got = FrameReader::Got;
using std::string_literals::operator""s;

// What the first frame or frames come to that are more than data; `piece` bytes at a time.
Got readIn(const std::string& bytes, std::size_t piece, std::string* payload = nullptr) {
  FrameReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::string_view some(bytes.data() + at, std::min(piece, bytes.size() - at));
    while (!some.empty()) {
      const Got got = reader.read(some);
      if (got == Got::nothing) continue;
      if (payload) *payload = reader.payload();
      return got;
    }
  }
  return Got::nothing;
}

struct Example {
  std::string name;
  std::string bytes;
  Got got;
};

const std::vector<Example>& examples() {
  static const std::string big(65536, 'a');
  static const std::vector<Example> all{
      {"text", clientFrame(0x81, "hello"), Got::nothing},
      {"empty text", clientFrame(0x81, ""), Got::nothing},
      {"binary that is no UTF-8", clientFrame(0x82, "\xff\xfe"), Got::nothing},
      {"exactly the limit", clientFrame(0x82, big), Got::nothing},
      {"a letter cut by fragments", clientFrame(0x01, "\xf0\x9f") + clientFrame(0x80, "\x90\xa6"),
       Got::nothing},
      {"control between fragments",
       clientFrame(0x01, "a") + clientFrame(0x89, "ping") + clientFrame(0x80, "b"), Got::ping},
      {"ping", clientFrame(0x89, std::string(125, 'p')), Got::ping},
      {"pong", clientFrame(0x8a, "x"), Got::pong},
      {"close", clientFrame(0x88, ""), Got::close},
      {"close with a code", clientFrame(0x88, "\x03\xe8"s + "bye"), Got::close},
      {"close with a code of one's own", clientFrame(0x88, "\x0f\xa0"), Got::close},
      {"unmasked", "\x81\x01z", Got::violation},
      {"first reserved bit", clientFrame(0xc1, "a"), Got::violation},
      {"second reserved bit", clientFrame(0xa1, "a"), Got::violation},
      {"third reserved bit", clientFrame(0x91, "a"), Got::violation},
      {"reserved data opcode", clientFrame(0x83, "a"), Got::violation},
      {"reserved control opcode", clientFrame(0x8b, ""), Got::violation},
      {"fragmented control", clientFrame(0x09, "a"), Got::violation},
      {"long control", clientFrame(0x89, std::string(126, 'p')), Got::violation},
      {"continuation of nothing", clientFrame(0x80, "a"), Got::violation},
      {"text in a text", clientFrame(0x01, "a") + clientFrame(0x81, "b"), Got::violation},
      {"length of 2^63", "\x82\xff\x80"s + std::string(7, '\0') + "mask", Got::violation},
      {"length that is too long in 16 bits", "\x82\xfe\0\x01"s + "maskx", Got::violation},
      {"length that is too long in 64 bits", "\x82\xff"s + std::string(6, '\0') + "\xff\xffmask",
       Got::violation},
      {"close of one byte", clientFrame(0x88, "x"), Got::violation},
      {"close with 1005", clientFrame(0x88, "\x03\xed"), Got::violation},
      {"close with 1016", clientFrame(0x88, "\x03\xf8"), Got::violation},
      {"close with 999", clientFrame(0x88, "\x03\xe7"), Got::violation},
      {"close with 5000", clientFrame(0x88, "\x13\x88"), Got::violation},
      {"close with a reason that is no UTF-8", clientFrame(0x88, "\x03\xe8\xff"), Got::badText},
      {"close with half a letter", clientFrame(0x88, "\x03\xe8\xc3"), Got::badText},
      {"text that is no UTF-8", clientFrame(0x81, "a\xff"), Got::badText},
      {"half a letter", clientFrame(0x81, "\xc3"), Got::badText},
      {"half a letter at the end of fragments",
       clientFrame(0x01, "a") + clientFrame(0x80, "\xe2\x82"), Got::badText},
      {"overlong", clientFrame(0x81, "\xc0\xaf"), Got::badText},
      {"overlong in three", clientFrame(0x81, "\xe0\x9f\xbf"), Got::badText},
      {"surrogate", clientFrame(0x81, "\xed\xa0\x80"), Got::badText},
      {"beyond Unicode", clientFrame(0x81, "\xf4\x90\x80\x80"), Got::badText},
      {"a byte beyond the limit", clientFrame(0x82, big + "a"), Got::tooLarge},
      {"4 GiB announced", "\x82\xff\0\0\0\x01\0\0\0\0mask"s, Got::tooLarge},
  };
  return all;
}

TEST(SocketFrames, AreReadWhereverTheyAreCut) {
  for (const auto& example : examples())
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{3}, std::size_t{1000}, example.bytes.size()})
      EXPECT_EQ(readIn(example.bytes, piece), example.got)
          << example.name << " in pieces of " << piece;
}

TEST(SocketFrames, WhatIsAnsweredIsKeptAsItWasSent) {
  std::string payload;
  EXPECT_EQ(readIn(clientFrame(0x82, "data") + clientFrame(0x89, "hel\0lo"s), 2, &payload),
            Got::ping);
  EXPECT_EQ(payload, "hel\0lo"s);
}

TEST(SocketFrames, SayTheirLengthInTheShortestWay) {
  const auto frame = [](std::size_t size) {
    const auto made = SocketFrame::ofText(std::make_shared<const std::string>(size, 'a'));
    EXPECT_EQ(made->size(), made->head().size() + size);
    return std::string(made->head());
  };
  EXPECT_EQ(frame(0), "\x81\0"s);
  EXPECT_EQ(frame(125), "\x81\x7d");
  EXPECT_EQ(frame(126), "\x81\x7e\0\x7e"s);
  EXPECT_EQ(frame(65535), "\x81\x7e\xff\xff");
  EXPECT_EQ(frame(65536), "\x81\x7f\0\0\0\0\0\x01\0\0"s);
  EXPECT_EQ(SocketFrame::close(1013, "slow consumer")->body(), "\x88\x0f\x03\xf5slow consumer");
  EXPECT_EQ(SocketFrame::ping()->body(), "\x89\0"s);
  std::string pongs;
  SocketFrame::addPong(pongs, "a");
  SocketFrame::addPong(pongs, "");
  EXPECT_EQ(SocketFrame::pongs(pongs)->body(),
            "\x8a\x01"
            "a\x8a\0"s);
}

RequestHead upgradeWith(Headers headers) {
  RequestHead head;
  head.method = "GET";
  head.upgrade = true;
  head.headers = std::move(headers);
  return head;
}

TEST(SocketHandshake, AnswersTheKeyAsTheStandardsExample) {
  const auto answer = handshakeOf(upgradeWith(
      {{"sec-websocket-version", "13"}, {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(answer->at("upgrade"), "websocket");
}

TEST(SocketHandshake, TakesNothingElse) {
  const Headers good{{"sec-websocket-version", "13"},
                     {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  ASSERT_TRUE(handshakeOf(upgradeWith(good)));
  for (const auto& [name, value] : Headers{{"sec-websocket-version", "12"}}) {
    Headers other = good;
    other[name] = value;
    EXPECT_FALSE(handshakeOf(upgradeWith(other)));
  }
  for (const std::string& key :
       {""s, "short"s, "dGhlIHNhbXBsZSBub25jZQ"s,
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="s, "dGhlIHNhbXBsZSBub25jZSE="s}) {
    Headers other = good;
    other["sec-websocket-key"] = key;
    EXPECT_FALSE(handshakeOf(upgradeWith(other))) << key;
  }
  RequestHead plain = upgradeWith(good);
  plain.upgrade = false;
  EXPECT_FALSE(handshakeOf(plain));
  RequestHead head = upgradeWith(good);
  head.method = "HEAD";
  EXPECT_FALSE(handshakeOf(head));
}

}  // namespace
}  // namespace pombo
