// What is posted and how an answer is read, without the block.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "instance_turns.hpp"
#include "posting.hpp"
#include "received_text.hpp"
#include "retry_after.hpp"
#include "rfc3339.hpp"
#include "signer.hpp"

namespace {

using namespace std::chrono_literals;
using TimePoint = std::chrono::system_clock::time_point;

constexpr auto kKey = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr auto kOtherKey = "whsec_HxwdHhscGRoYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";
constexpr auto kSignature = "v1,peUPRqp3pB9X4ryKww308em6qaR6wAfBjLUHmLqMvwE=";
constexpr auto kId = "0192f1d0-1111-7222-8333-444455556666";
constexpr std::int64_t kTimestamp = 1795255200;
const std::string kBody = R"({"event":"instance.state","data":{"state":"connected"}})";

// Turns ----------------------------------------------------------------------------------------

TEST(InstanceTurns, AreWaitedForByThoseOfTheSameInstanceAlone) {
  InstanceTurns turns;
  std::atomic<bool> over{false};
  std::jthread next;  // ends after the turn
  const InstanceTurns::Turn mine(turns, "a");
  for (int i = 0; i < 1000; ++i) const InstanceTurns::Turn others(turns, std::to_string(i));
  next = std::jthread([&] {
    const InstanceTurns::Turn second(turns, "a");
    EXPECT_TRUE(over);
  });
  over = true;
}

// Signatures -----------------------------------------------------------------------------------

TEST(WebhookSigner, SignsAsTheSpecificationDoes) {
  EXPECT_EQ(signaturesOf({kKey}, kId, kTimestamp, kBody), kSignature);
}

TEST(WebhookSigner, EveryPartCounts) {
  EXPECT_NE(signaturesOf({kKey}, "x", kTimestamp, kBody), kSignature);
  EXPECT_NE(signaturesOf({kKey}, kId, kTimestamp + 1, kBody), kSignature);
  EXPECT_NE(signaturesOf({kKey}, kId, kTimestamp, kBody + " "), kSignature);
  EXPECT_NE(signaturesOf({kOtherKey}, kId, kTimestamp, kBody), kSignature);
}

TEST(WebhookSigner, TwoKeysSignInTheirOrder) {
  const auto other = signaturesOf({kOtherKey}, kId, kTimestamp, kBody);
  EXPECT_EQ(signaturesOf({kOtherKey, kKey}, kId, kTimestamp, kBody), other + " " + kSignature);
}

// What is posted -------------------------------------------------------------------------------

const boost::json::value kEnvelope{{"event", "call.update"},
                                   {"data", {{"x", "\xc3\xa9"}}},
                                   {"instanceData", {{"instance", "loja \xc3\xa9/1~"}}},
                                   {"id", kId}};
const WebhookSecrets kSecrets{.authorization = "Bearer  k-123", .key = kKey};

TEST(WebhookPosting, HasEveryHeader) {
  const TimePoint now(std::chrono::seconds(kTimestamp) + 999ms);
  const auto posting = postingOf({.url = "https://crm.example/wa"}, kSecrets, kEnvelope, 3, now);
  EXPECT_EQ(posting.url, "https://crm.example/wa");
  EXPECT_EQ(posting.body, R"({"event":"call.update","data":{"x":"é"},)"
                          R"("instanceData":{"instance":"loja é/1~"},)"
                          R"("id":"0192f1d0-1111-7222-8333-444455556666"})");
  const std::map<std::string, std::string> headers{
      {"content-type", "application/json"},
      {"authorization", "Bearer  k-123"},
      {"webhook-id", kId},
      {"webhook-timestamp", "1795255200"},
      {"webhook-signature", signaturesOf({kKey}, kId, kTimestamp, posting.body)},
      {"x-pombo-event", "call.update"},
      {"x-pombo-instance", "loja%20%C3%A9%2F1~"},
      {"x-pombo-attempt", "3"}};
  EXPECT_EQ(posting.headers, headers);
}

TEST(WebhookPosting, HasNoAuthorizationWhereNoneIsConfigured) {
  const auto posting =
      postingOf({.url = "https://a.example"}, {.key = kKey}, kEnvelope, 1, TimePoint());
  EXPECT_FALSE(posting.headers.contains("authorization"));
}

TEST(WebhookPosting, ARotationSignsTwiceForADay) {
  WebhookSecrets secrets{.key = kKey};
  const TimePoint rotated(1000h);
  secrets.rotate(rotated);
  const auto signatures = [&](TimePoint now) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    const auto posting = postingOf({}, secrets, kEnvelope, 1, now);
    const auto fresh = signaturesOf({secrets.key}, kId, seconds, posting.body);
    const auto former = signaturesOf({kKey}, kId, seconds, posting.body);
    const auto& all = posting.headers.at("webhook-signature");
    return all == fresh + " " + former ? 2 : all == fresh ? 1 : 0;
  };
  EXPECT_EQ(signatures(rotated), 2);
  EXPECT_EQ(signatures(rotated + 24h - 1ms), 2);
  EXPECT_EQ(signatures(rotated + 24h), 1);
}

TEST(WebhookPosting, ByEventsPutsTheEventBeforeTheQuery) {
  const std::pair<const char*, const char*> table[]{
      {"https://a.example", "https://a.example/call.update"},
      {"https://a.example/", "https://a.example/call.update"},
      {"https://a.example/wa", "https://a.example/wa/call.update"},
      {"https://a.example/wa/", "https://a.example/wa/call.update"},
      {"https://a.example/wa?k=1/2", "https://a.example/wa/call.update?k=1/2"},
      {"https://a.example/wa/?k=1", "https://a.example/wa/call.update?k=1"},
      {"https://a.example?k=1", "https://a.example/call.update?k=1"},
      {"https://a.example/wa?", "https://a.example/wa/call.update?"},
      {"https://a.example/wa#x", "https://a.example/wa/call.update#x"},
      {"https://a.example/wa#x?y", "https://a.example/wa/call.update#x?y"}};
  for (const auto& [url, expected] : table) {
    EXPECT_EQ(addressFor({.url = url, .byEvents = true}, "call.update"), expected);
    EXPECT_EQ(addressFor({.url = url}, "call.update"), url);
  }
}

// Retry-After ----------------------------------------------------------------------------------

TEST(WebhookRetryAfter, IsSecondsOrADate) {
  const TimePoint now = *timeIn("1994-11-06T08:49:37Z");
  const std::pair<const char*, std::optional<std::chrono::seconds>> table[]{
      {"1", 1s},
      {"120", 120s},
      {"86400", 24h},
      {"86401", 24h},
      {"999999999", 24h},
      {"99999999999999999999999999", 24h},
      {"Sun, 06 Nov 1994 08:50:37 GMT", 60s},
      {"Sunday, 06-Nov-94 08:50:37 GMT", 60s},
      {"Sun Nov  6 08:50:37 1994", 60s},
      {"Mon, 07 Nov 1994 08:49:36 GMT", 24h - 1s},
      {"Sat, 06 Nov 2094 08:49:37 GMT", 24h},
      {"Friday, 06-Nov-44 08:49:37 GMT", 24h},  // in fifty years
      {"Sunday, 06-Nov-45 08:49:37 GMT", {}},   // forty-nine years ago
      {"Fri, 31 Dec 9999 23:59:59 GMT", 24h},
      {"Mon, 01 Jan 0001 00:00:00 GMT", {}},
      {"0", {}},
      {"-5", {}},
      {"+5", {}},
      {"1.5", {}},
      {"", {}},
      {"soon", {}},
      {"5 s", {}},
      {"Sun, 06 Nov 1994 08:49:37 GMT", {}},
      {"Sun, 06 Nov 1994 08:49:36 GMT", {}},
      {"Sun, 06 Nov 1994 08:50:37 GMT.", {}},
      {"Sun, 06 Nov 1994 08:50:37 +0100", {}},
      {"1994-11-06T08:50:37Z", {}}};
  for (const auto& [value, wait] : table)
    EXPECT_EQ(retryAt(value, now), wait ? std::optional(now + *wait) : std::nullopt) << value;
}

// Times ----------------------------------------------------------------------------------------

TEST(WebhookTimes, AreWrittenInWholeSeconds) {
  EXPECT_EQ(rfc3339(TimePoint(std::chrono::seconds(kTimestamp) + 999ms)), "2026-11-21T10:00:00Z");
  EXPECT_EQ(rfc3339(TimePoint()), "1970-01-01T00:00:00Z");
}

TEST(WebhookTimes, AreReadWithOffsetsAndFractions) {
  const TimePoint time{std::chrono::seconds(kTimestamp)};
  EXPECT_EQ(timeIn("2026-11-21T10:00:00Z"), time);
  EXPECT_EQ(timeIn("2026-11-21t10:00:00z"), time);
  EXPECT_EQ(timeIn("2026-11-21T10:00:00.250Z"), time + 250ms);
  EXPECT_EQ(timeIn("2026-11-21T07:00:00-03:00"), time);
  EXPECT_EQ(timeIn("2026-11-21T15:30:00+05:30"), time);
  EXPECT_EQ(timeIn("2026-11-21T10:00:00." + std::string(1 << 20, '0') + "Z"), time);
  EXPECT_EQ(timeIn("2024-02-29T00:00:00Z"), *timeIn("2024-02-28T23:59:60Z"));
}

TEST(WebhookTimes, BeyondTheClockAreItsEnds) {
  EXPECT_GT(timeIn("9999-12-31T23:59:59Z"), timeIn("2262-01-01T00:00:00Z"));
  EXPECT_LT(timeIn("0000-01-01T00:00:00Z"), timeIn("1678-01-01T00:00:00Z"));
}

TEST(WebhookTimes, AreNothingElse) {
  for (const std::string text :
       {"", "2026", "2026-11-21", "2026-11-21T10:00:00", "2026-11-21 10:00:00Z",
        "2026-11-21T10:00Z", "2026-13-21T10:00:00Z", "2026-02-29T10:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z", "2026-11-21T10:00:61Z", "2026-11-21T10:00:00+24:00",
        "2026-11-21T10:00:00.Z", " 2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z\n", "1795255200"})
    EXPECT_EQ(timeIn(text), std::nullopt) << text;
}

// What a receiver said -------------------------------------------------------------------------

TEST(WebhookReceivedText, IsUtf8WhateverCame) {
  const std::string mark = "\xef\xbf\xbd";
  const std::pair<std::string, std::string> table[]{
      {"", ""},
      {"plain\n\t", "plain\n\t"},
      {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
      {"a\xff"
       "b",
       "a" + mark + "b"},
      {"\x80", mark},
      {"\xc3", mark},
      {"\xc3(", mark + "("},
      {"\xe2\x82", mark + mark},
      {"\xc0\xaf", mark + mark},                        // overlong
      {"\xe0\x80\xaf", mark + mark + mark},             // likewise
      {"\xed\xa0\x80", mark + mark + mark},             // half of a pair
      {"\xf4\x90\x80\x80", mark + mark + mark + mark},  // beyond Unicode
      {"\xf5", mark}};
  for (const auto& [bytes, text] : table) EXPECT_EQ(asText(bytes), text);
}

}  // namespace
