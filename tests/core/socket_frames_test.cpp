#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "client_frames.hpp"
#include "http/deflate.hpp"
#include "http/frame_reader.hpp"
#include "http/handshake.hpp"
#include "http/socket_frame.hpp"

namespace pombo {
namespace {

using Got = FrameReader::Got;
using std::string_literals::operator""s;

// What the first frame or frames come to that are more than data; `piece` bytes at a time.
Got readIn(const std::string& bytes, std::size_t piece, std::string* payload = nullptr,
           const BodyMemory* inflating = nullptr) {
  FrameReader reader(inflating);
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

// "Hello", of RFC 7692: as one block, in two stored ones, and in a last block.
const std::string kHello = "\xf2\x48\xcd\xc9\xc9\x07\0"s,
                  kStored = "\0\x05\0\xfa\xff\x48\x65\x6c\x6c\x6f\0"s,
                  kLast = "\xf3\x48\xcd\xc9\xc9\x07\0\0"s;

// A message that was deflated, in one frame.
std::string packed(const std::string& text, std::uint8_t first = 0xc1) {
  return clientFrame(first, deflated(text).value());
}

const std::vector<Example>& deflatedExamples() {
  static const std::string letters(65536, 'a'), bomb(8 << 20, 'a');
  static const std::string half = kHello.substr(0, 3), rest = kHello.substr(3);
  static const std::vector<Example> all{
      {"hello", clientFrame(0xc1, kHello), Got::nothing},
      {"stored", clientFrame(0xc1, kStored), Got::nothing},
      {"in a last block", clientFrame(0xc1, kLast), Got::nothing},
      {"hello, twice", clientFrame(0xc1, kHello + "\0\0\xff\xff"s + kHello), Got::nothing},
      {"empty", clientFrame(0xc1, "\0"s), Got::nothing},
      {"not deflated", clientFrame(0x81, "hello"), Got::nothing},
      {"in fragments", clientFrame(0x41, half) + clientFrame(0x80, rest), Got::nothing},
      {"with a ping within",
       clientFrame(0x41, half) + clientFrame(0x89, "") + clientFrame(0x80, rest), Got::ping},
      {"one after the other, then a close",
       clientFrame(0xc1, kHello) + clientFrame(0xc2, kLast) + clientFrame(0x88, ""), Got::close},
      {"exactly the limit", packed(letters), Got::nothing},
      {"a byte more", packed(letters + "a"), Got::tooLarge},
      {"a bomb", packed(bomb), Got::tooLarge},
      {"a binary bomb", packed(bomb, 0xc2), Got::tooLarge},
      {"text that is no UTF-8", packed(std::string(300, 'a') + "\xff"), Got::badText},
      {"half a letter at the end", packed(std::string(300, 'a') + "\xc3"), Got::badText},
      {"binary that is no UTF-8", packed(std::string(300, '\xff'), 0xc2), Got::nothing},
      {"a block of no kind", clientFrame(0xc1, "\x07"), Got::badText},
      {"binary that is no DEFLATE", clientFrame(0xc2, "\xff\xff"), Got::badText},
      {"a reference to what was before", clientFrame(0xc1, "\xf2\0\x11\0\0"s), Got::badText},
      {"cut short", clientFrame(0xc1, half), Got::badText},
      {"broken behind a text, before its end",
       "\xc1\x90\0\0\0\0\x72\x2f\x3a\xbc\xe7\xf0\xfc\x54\x1a\x6e\x14\0"s, Got::badText},
      {"nothing at all", clientFrame(0xc1, ""), Got::badText},
      {"a last block without what ends a message", clientFrame(0xc1, kLast.substr(0, 7)),
       Got::badText},
      {"a continuation that says it again", clientFrame(0x41, half) + clientFrame(0xc0, rest),
       Got::violation},
      {"a continuation of what is not deflated", clientFrame(0x01, "a") + clientFrame(0xc0, kHello),
       Got::violation},
      {"a deflated ping", clientFrame(0xc9, ""), Got::violation},
      {"a deflated close", clientFrame(0xc8, ""), Got::violation},
      {"second reserved bit", clientFrame(0xe1, kHello), Got::violation},
      {"third reserved bit", clientFrame(0xd1, kHello), Got::violation},
  };
  return all;
}

TEST(SocketFrames, AreInflatedWhereverTheyAreCut) {
  const BodyMemory memory(1 << 20);
  for (const auto& example : deflatedExamples())
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, example.bytes.size()})
      EXPECT_EQ(readIn(example.bytes, piece, nullptr, &memory), example.got)
          << example.name << " in pieces of " << piece;
  EXPECT_EQ(memory.used(), 0u);
}

TEST(SocketFrames, ManySmallBombsAreOneAsWell) {
  const BodyMemory memory(1 << 20);
  const std::string bomb = packed(std::string(65536, 'a'));
  std::string few, many;
  for (int i = 0; i < 10; ++i) few += bomb;
  for (int i = 0; i < 100; ++i) many += bomb;
  EXPECT_EQ(readIn(few, 1000, nullptr, &memory), Got::nothing);
  EXPECT_EQ(readIn(many, 1000, nullptr, &memory), Got::tooLarge);
  // What is as long as it says is never that.
  std::string noise;
  for (unsigned i = 0, x = 1; i < 60'000; ++i) noise += static_cast<char>((x *= 69069) >> 24 & 127);
  std::string honest;
  for (int i = 0; i < 100; ++i) honest += packed(noise);
  EXPECT_EQ(readIn(honest, honest.size(), nullptr, &memory), Got::nothing);
}

TEST(SocketFrames, HalfAMessageIsCountedAndWhatDoesNotFitIsNotLookedInto) {
  const BodyMemory memory(2 * Inflater::kMemory);
  const std::string half = clientFrame(0x41, kHello.substr(0, 3));
  const std::string wrong = clientFrame(0xc1, "\x07") + clientFrame(0x89, "");
  {
    FrameReader first(&memory);
    std::string_view bytes = half;
    EXPECT_EQ(first.read(bytes), Got::nothing);
    EXPECT_EQ(memory.used(), Inflater::kMemory);
    EXPECT_EQ(readIn(wrong, 100, nullptr, &memory), Got::ping);
  }
  EXPECT_EQ(memory.used(), 0u);
  EXPECT_EQ(readIn(wrong, 100, nullptr, &memory), Got::badText);
}

TEST(SocketFrames, WhatIsDeflatedIsWhatItWas) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "{\"id\":" + std::to_string(i * i) + "},";
  const std::string small = deflated(text).value();
  EXPECT_LT(small.size(), text.size() / 2);
  Inflater inflater;
  std::string all;
  std::array<char, 100> into;
  inflater.give(small);
  for (auto some = inflater.take(into); some && !some->empty(); some = inflater.take(into))
    all += *some;
  EXPECT_EQ(all, text);
  EXPECT_FALSE(deflated(""));
  EXPECT_FALSE(deflated("abcdefghij0123456789"));
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

std::string offered(const std::string& extensions) {
  return deflateOf(upgradeWith({{"sec-websocket-extensions", extensions}})).value_or("none");
}

TEST(SocketHandshake, AgreesToWhatItCanKeep) {
  const std::string plain =
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  for (const auto* offer : {"permessage-deflate", "permessage-deflate; client_max_window_bits",
                            "permessage-deflate;client_max_window_bits=8",
                            "x-webkit, permessage-deflate ; "
                            "client_no_context_takeover;server_no_context_takeover",
                            "permessage-deflate; x, permessage-deflate",
                            "permessage-deflate; server_max_window_bits=8, permessage-deflate"})
    EXPECT_EQ(offered(offer), plain) << offer;
  for (const auto* offer : {"permessage-deflate; server_max_window_bits=12",
                            "permessage-deflate; server_max_window_bits=\"15\""})
    EXPECT_EQ(offered(offer), plain + "; server_max_window_bits=12") << offer;
}

TEST(SocketHandshake, DeclinesWhatItCannotKeepOrUnderstand) {
  EXPECT_FALSE(deflateOf(upgradeWith({})));
  for (const auto* offer :
       {"", ",", ";", "x-webkit-deflate-frame", "Permessage-Deflate", "permessage-deflate;",
        "permessage-deflate; server_max_window_bits=11",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=012",
        "permessage-deflate; server_max_window_bits=12; server_max_window_bits=12",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; unknown",
        "permessage-deflate; client_max_window_bits=\"", "permessage-deflate; =12"})
    EXPECT_EQ(offered(offer), "none") << offer;
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
