#include <gtest/gtest.h>

#include "pombo/testing/fake_host.hpp"

using namespace pombo;
using namespace std::chrono_literals;

namespace {

const Instance kShop{{"i-1"}, {"a-1"}, "shop", "whatsapp", "connected", "", {}};

Event eventOf(const std::string& type) {
  return {"e-1", type, kShop.id, {}, "chat-1", {{"text", "hi"}}, "key"};
}
const Event kMessage = eventOf("message.exchange");

// Posts to two places, and asks for patience as the server does.
class PostingBlock final : public IBlockConfigurator, private IHttpSink {
 public:
  void start(IHost& host) override {
    host_ = &host;
    host.events().subscribe(static_cast<IHttpSink&>(*this), {.retries = {1s, 5s}});
  }
  Json summary(const Instance&) override { return {}; }

 private:
  std::vector<std::string> route(const Event& event) override {
    if (event.chat.empty()) return {};
    return {"one", "two"};
  }
  OutgoingRequest request(const Event& event, const std::string& to, int attempt) override {
    if (attempt == 9) throw Error(Code::conflict, "Enough");
    if (attempt == 10) throw std::logic_error("a secret detail");
    return {.url = "http://" + to,
            .headers = {{"x-attempt", std::to_string(attempt)}},
            .body = serialize(host_->events().envelope(event, true)),
            .through = event.instance};
  }
  Verdict judge(const IncomingReply& reply) override {
    if (reply.status < 300) return {};
    if (reply.status == 410) return {Outcome::drop, "gone"};
    if (reply.status == 500) throw 7;
    return {Outcome::retry, "busy", host_->clock().now() + 5s};
  }
  IHost* host_ = nullptr;
};

// Counts what it is given, also what is not for clients.
class CountingBlock final : public IBlockConfigurator, private IEventSink {
 public:
  explicit CountingBlock(bool inner) : inner_(inner) {}
  int seen = 0;

  void start(IHost& host) override {
    host.events().subscribe(static_cast<IEventSink&>(*this),
                            {.keep = Keep::memory, .inner = inner_});
  }
  Json summary(const Instance&) override { return {}; }

 private:
  std::vector<std::string> route(const Event&) override { return {"all"}; }
  Verdict deliver(const Event& event, const std::string&) override {
    ++seen;
    if (event.mediaKey.empty()) throw Error(Code::unavailable, "No media");
    return {};
  }
  const bool inner_;
};

}  // namespace

TEST(FakeEvents, WhatIsPublishedGetsAnIdAndIsKept) {
  FakeHost host;
  using Ids = std::vector<std::string>;
  EXPECT_EQ(host.events().publish({kMessage, kMessage}), (Ids{"event-1", "event-2"}));
  EXPECT_EQ(host.events().publish({kMessage}), Ids{"event-3"});
  ASSERT_EQ(host.published.size(), 3u);
  EXPECT_EQ(host.published[0].id, "event-1");
  EXPECT_EQ(host.published[2].id, "event-3");
  EXPECT_EQ(host.published[2].data, kMessage.data);
}

TEST(FakeEvents, WhatIsNotAcceptedIsNotKept) {
  FakeHost host;
  host.accepting = false;
  EXPECT_THROW(host.events().publish({kMessage}), Error);
  EXPECT_TRUE(host.published.empty());
}

TEST(FakeEvents, DeliveriesAreFoundByAllThatIsAsked) {
  FakeHost host;
  const TimePoint early{std::chrono::seconds(1)}, late{std::chrono::seconds(2)};
  host.records = {
      {.id = "3", .destination = "crm", .status = DeliveryStatus::dead, .createdAt = late},
      {.id = "2", .destination = "crm", .createdAt = early},
      {.id = "1", .destination = "shop", .status = DeliveryStatus::dead, .createdAt = early}};
  const auto idsOf = [&](const DeliveryQuery& query) {
    std::string ids;
    for (const auto& each : host.events().deliveries({"i-1"}, query)) ids += each.id;
    return ids;
  };
  EXPECT_EQ(idsOf({}), "321");
  EXPECT_EQ(idsOf({.destination = "crm"}), "32");
  EXPECT_EQ(idsOf({.status = DeliveryStatus::dead}), "31");
  EXPECT_EQ(idsOf({.ids = {"1", "2", "9"}}), "21");
  EXPECT_EQ(idsOf({.since = late}), "3");
  EXPECT_EQ(idsOf({.after = "3", .limit = 1}), "2");
  EXPECT_THROW(idsOf({.after = "9"}), Error);
  host.events().redeliver({"i-1"}, {"3"});
  host.events().giveUp({"i-1"}, "crm", "webhook disabled");
  EXPECT_EQ(host.redelivered, std::vector<std::string>{"3"});
  EXPECT_EQ(host.givenUp.at(0).first, "crm");
}

TEST(FakeEvents, AnHttpSinkPostsToEveryDestination) {
  FakeHost host;
  PostingBlock block;
  block.start(host);
  EXPECT_EQ(host.httpDelivery->retries.size(), 2u);
  host.replies = {{200, {}, {}}, {410, {}, {}}};
  const auto said = host.deliver(kMessage, 3);
  EXPECT_EQ(said.at("one"), Verdict());
  EXPECT_EQ(said.at("two"), (Verdict{Outcome::drop, "gone", {}}));
  EXPECT_EQ(host.requests.at(0).url, "http://one");
  EXPECT_EQ(host.requests.at(1).headers.at("x-attempt"), "3");
  EXPECT_EQ(host.requests.at(1).through, kShop.id);
}

TEST(FakeEvents, AnHttpSinkIsNotAskedWhenNobodyAnswered) {
  FakeHost host;
  PostingBlock block;
  block.start(host);
  EXPECT_EQ(host.deliver(kMessage).at("one"), (Verdict{Outcome::retry, "Nobody answered", {}}));
}

TEST(FakeEvents, ASinkMayAskForPatience) {
  FakeHost host;
  host.time = TimePoint(100s);
  PostingBlock block;
  block.start(host);
  host.replies = {{429, {}, {}}};
  EXPECT_EQ(host.deliver(kMessage).at("one"), (Verdict{Outcome::retry, "busy", TimePoint(105s)}));
}

TEST(FakeEvents, AThrowIsARetryAndABugKeepsItsText) {
  FakeHost host;
  PostingBlock block;
  block.start(host);
  EXPECT_EQ(host.deliver(kMessage, 9).at("one"), (Verdict{Outcome::retry, "Enough", {}}));
  EXPECT_EQ(host.deliver(kMessage, 10).at("one"), (Verdict{Outcome::retry, "internal error", {}}));
  host.replies = {{500, {}, {}}};
  EXPECT_EQ(host.deliver(kMessage).at("one"), (Verdict{Outcome::retry, "internal error", {}}));
}

TEST(FakeEvents, AnEventThatNobodyWantsGoesNowhere) {
  FakeHost host;
  PostingBlock block;
  block.start(host);
  Event event = kMessage;
  event.chat.clear();
  EXPECT_TRUE(host.deliver(event).empty());
  EXPECT_TRUE(host.requests.empty());
}

TEST(FakeEvents, AnEventSinkDelivers) {
  FakeHost host;
  CountingBlock block(false);
  block.start(host);
  EXPECT_EQ(host.eventDelivery->keep, Keep::memory);
  EXPECT_EQ(host.deliver(kMessage).at("all"), Verdict());
  Event bare = kMessage;
  bare.mediaKey.clear();
  EXPECT_EQ(host.deliver(bare).at("all"), (Verdict{Outcome::retry, "No media", {}}));
  EXPECT_EQ(block.seen, 2);
}

TEST(FakeEvents, InnerEventsGoOnlyToWhoAsksForThem) {
  FakeHost host, inner;
  CountingBlock block(false), curious(true);
  block.start(host);
  curious.start(inner);
  EXPECT_TRUE(host.deliver(eventOf("presence.update")).empty());
  EXPECT_EQ(inner.deliver(eventOf("presence.update")).size(), 1u);
  EXPECT_EQ(inner.deliver(kMessage).size(), 1u);
}

TEST(FakeEvents, ASinkSubscribesOnce) {
  FakeHost host;
  PostingBlock block;
  block.start(host);
  EXPECT_THROW(block.start(host), Error);
}

TEST(FakeEvents, TheEnvelopeSaysWhatHappenedAndToWhom) {
  FakeHost host;
  host.known = {kShop};
  host.tokens = {{"good", kShop.id}};
  EXPECT_EQ(host.events().envelope(kMessage, false),
            (Json{{"event", "message.exchange"},
                  {"data", {{"text", "hi"}}},
                  {"instanceData",
                   {{"baseUrl", "http://pombo.test"}, {"instance", "shop"}, {"token", "good"}}},
                  {"id", "e-1"}}));
  EXPECT_EQ(host.events().envelope(kMessage, true).at_pointer("/data/media/base64"),
            "base64 of key");
}
