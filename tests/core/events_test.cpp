// The way of an event: accepted, routed, tried, and what becomes of it when somebody fails.
#include "events_fixture.hpp"
#include "tiny_server.hpp"

namespace pombo {
namespace {

TEST_F(EventsTest, WhatIsPublishedIsPosted) {
  TinyServer server([](const std::string&) { return TinyServer::reply(200, "ok"); });
  PostingSink sink;
  sink.url = server.url("/hook");
  sink.body = [this](const Event& event) { return events_->envelope(event, false); };
  events_->subscribe("hook", sink, {});
  const Running running(*this);
  const auto ids = events_->publish({eventOf("a")});
  const auto record = records("hook", DeliveryStatus::delivered, 1).at(0);
  EXPECT_EQ(record.event, ids.at(0));
  EXPECT_EQ(record.destination, "default");
  EXPECT_EQ(record.attempts, 1);
  EXPECT_EQ(record.httpStatus, 200);
  const auto request = server.requests().at(0);
  EXPECT_NE(request.find("x-attempt: 1"), request.npos) << request;
  const Json body = boost::json::parse(request.substr(request.find("\r\n\r\n") + 4));
  EXPECT_EQ(body.at("data"), (Json{{"name", "a"}}));
  EXPECT_EQ(body.at("id").as_string(), ids[0]);
  EXPECT_EQ(
      body.at("instanceData"),
      (Json{{"baseUrl", "https://wa.example"}, {"instance", "shop-i-1"}, {"token", "token-i-1"}}));
}

TEST_F(EventsTest, OneInstancesEventsComeInOrder) {
  ScriptedSink sink;
  keep("own", sink);
  const Running running(*this);
  const Names all = numbered(100);
  for (const auto& name : all) publish({name});
  EXPECT_EQ(namesOf(sink.handed.first(100)), all);
}

TEST_F(EventsTest, OneInstancesRequestsAreMadeInOrder) {
  TinyServer server([](const std::string&) { return TinyServer::reply(200, "ok"); });
  Told<std::string> made;
  PostingSink sink;
  sink.url = server.url("/hook");
  sink.body = [&made](const Event& event) {
    std::this_thread::yield();  // whoever made others meanwhile would be before this one
    made.add(nameOf(event));
    return event.data;
  };
  events_->subscribe("hook", sink, {});
  const Running running(*this);
  const Names all = numbered(200);
  publish(all);
  EXPECT_EQ(made.first(200), all);
}

TEST_F(EventsTest, ASinkThatHangsDelaysNobodyElse) {
  ScriptedSink hanging, good;
  keep("hanging", hanging, {.timeout = 10ms});
  keep("good", good);
  const Running running(*this);
  Gate gate;
  hanging.onDeliver = [hold = gate.wait()](const Event&) {
    hold();
    return Verdict();
  };
  publish(numbered(50));
  EXPECT_EQ(good.handed.first(50).size(), 50u);
  EXPECT_TRUE(hanging.handed.all().empty());
}

TEST_F(EventsTest, WhatFailsIsTriedAgainOnItsSchedule) {
  ScriptedSink sink;
  std::atomic<int> calls{0};
  sink.onDeliver = [&](const Event&) -> Verdict {
    if (++calls < 3) throw std::runtime_error("no");
    return {};
  };
  keep("own", sink, {.retries = {1ms, 1ms}});
  const Running running(*this);
  publish({"a"});
  sink.handed.first(1);
  EXPECT_EQ(records("own", DeliveryStatus::delivered, 1).at(0).attempts, 3);
}

TEST_F(EventsTest, WhatFailsForTheLastTimeIsADeadLetter) {
  ScriptedSink sink;
  sink.onDeliver = [](const Event&) { return Verdict{Outcome::retry, "busy"}; };
  keep("own", sink, {.retries = {1ms}});
  const Running running(*this);
  publish({"a"});
  const auto dead = records("own", DeliveryStatus::dead, 1).at(0);
  EXPECT_EQ(dead.attempts, 2);
  EXPECT_EQ(dead.error, "busy");
  EXPECT_EQ(dead.reason, "attempts exhausted");
}

TEST_F(EventsTest, AnAddressThatIsRefusedIsTheReasonOfTheDeadLetter) {
  PostingSink sink;
  sink.url = "http://169.254.169.254/";
  events_->subscribe("hook", sink, {});
  const Running running(*this);
  publish({"a"});
  EXPECT_EQ(records("hook", DeliveryStatus::dead, 1).at(0).reason, "target not allowed");
}

TEST_F(EventsTest, AWayThatIsRefusedIsSaidAndABugIsNot) {
  PostingSink sink;
  sink.url = "http://93.184.216.34/";
  sink.through = InstanceId{"i-1"};
  events_->subscribe("hook", sink, {});
  const Running running(*this);
  around_.onProxy = []() -> std::optional<Proxy> {
    throw Error(Code::refused, "plugin proxy not loaded");
  };
  publish({"a"});
  EXPECT_EQ(records("hook", DeliveryStatus::dead, 1).at(0).error, "plugin proxy not loaded");
  around_.onProxy = []() -> std::optional<Proxy> { throw std::logic_error("of no use to them"); };
  publish({"b"});
  EXPECT_EQ(records("hook", DeliveryStatus::dead, 2).at(0).error, "internal error");
}

TEST_F(EventsTest, WhereNobodyWaitsAnyMoreIsADeadLetterAtOnce) {
  PostingSink sink;
  sink.body = [](const Event&) -> Json { throw Error(Code::notFound, "webhook disabled"); };
  events_->subscribe("hook", sink, {.retries = {1h}});
  const Running running(*this);
  publish({"a"});
  const auto dead = records("hook", DeliveryStatus::dead, 1).at(0);
  EXPECT_EQ(dead.reason, "webhook disabled");
  EXPECT_EQ(dead.attempts, 1);
}

TEST_F(EventsTest, ABlockThatCannotSayWhoWantsItIsAskedLaterAndHoldsUpNobody) {
  TinyServer server([](const std::string&) { return TinyServer::reply(200, ""); });
  std::atomic<bool> broken{true};
  PostingSink sink;
  sink.url = server.url();
  sink.onRoute = [&](const Event&) -> std::vector<std::string> {
    if (broken) throw Error(Code::unavailable, "not now");
    return {"a", "b"};
  };
  events_->subscribe("hook", sink, {.retries = std::vector<std::chrono::milliseconds>(50, 10ms)});
  ScriptedSink good;
  keep("good", good);
  const Running running(*this);
  publish({"a"});
  good.handed.first(1);
  const auto waiting = records("hook", DeliveryStatus::pending, 1).at(0);
  EXPECT_EQ(waiting.destination, "");
  broken = false;
  const auto delivered = records("hook", DeliveryStatus::delivered, 2);
  std::set<std::string> destinations;
  for (const auto& each : delivered) destinations.insert(each.destination);
  EXPECT_EQ(destinations, (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(EventsTest, WhatNobodyHasSaidWhoWantsIsNotGivenUp) {
  TinyServer server([](const std::string&) { return TinyServer::reply(200, ""); });
  std::atomic<int> asked{0};
  PostingSink sink;
  sink.url = server.url();
  sink.onRoute = [&](const Event&) -> std::vector<std::string> {
    if (++asked < 20) throw Error(Code::unavailable, "not now");
    return {"late"};
  };
  events_->subscribe("hook", sink, {.retries = {1ms, 2ms}});
  const Running running(*this);
  publish({"a"});
  EXPECT_EQ(records("hook", DeliveryStatus::delivered, 1).at(0).destination, "late");
  EXPECT_EQ(asked, 20);
  EXPECT_TRUE(records("hook", DeliveryStatus::dead).empty());
}

TEST_F(EventsTest, ADestinationThatCannotBeNamedHoldsUpNobody) {
  ScriptedSink odd, long_, good;
  odd.to = {std::string("a\0b", 3)};
  long_.to = {std::string(1025, 'a')};
  keep("odd", odd, {.retries = {1h}});
  keep("long", long_, {.retries = {1h}});
  keep("good", good);
  const Running running(*this);
  publish({"a"});
  good.handed.first(1);
  for (const auto* block : {"odd", "long"})
    EXPECT_EQ(records(block, DeliveryStatus::pending, 1).at(0).destination, "") << block;
}

TEST_F(EventsTest, WhatIsNotSettledIsDeliveredAfterTheNextStart) {
  TinyServer silent([](const std::string&) { return ""; });
  PostingSink sink;
  sink.url = silent.url();
  events_->subscribe("hook", sink, {});
  const Running running(*this);
  const auto ids = events_->publish({eventOf("a"), eventOf("b")});
  while (silent.requests().empty()) std::this_thread::yield();
  EXPECT_EQ(events_->stop(std::chrono::steady_clock::now()), 0);
  EXPECT_EQ(refusalOf([&] { publish({"c"}); }),
            refusal(Code::unavailable, "Server is shutting down"));
  open();
  TinyServer good([](const std::string&) { return TinyServer::reply(200, ""); });
  sink.url = good.url();
  events_->subscribe("hook", sink, {});
  const Running again(*this);
  const auto delivered = records("hook", DeliveryStatus::delivered, 2);
  EXPECT_EQ(delivered[1].event, ids[0]);
  EXPECT_EQ(delivered[0].event, ids[1]);
}

TEST_F(EventsTest, AStopWaitsForWhatIsInFlight) {
  std::atomic<bool> asked{false};
  Gate gate;
  TinyServer slow([&asked, hold = gate.wait()](const std::string&) {
    asked = true;
    hold();
    return TinyServer::reply(200, "");
  });
  PostingSink sink;
  sink.url = slow.url();
  events_->subscribe("hook", sink, {});
  const Running running(*this);
  publish({"a"});
  while (!asked) std::this_thread::yield();
  std::jthread stopping([&] { events_->stop(std::chrono::steady_clock::now() + 60s); });
  gate.open();
  stopping.join();
  EXPECT_EQ(records("hook", DeliveryStatus::delivered).size(), 1u);
}

TEST_F(EventsTest, WhatTheDatabaseDoesNotTakeIsNotAccepted) {
  ScriptedSink sink;
  keep("own", sink);
  const Running running(*this);
  {
    const Refusing refusing(store_.database(), "INSERT", "event");
    EXPECT_EQ(refusalOf([&] { publish({"a"}); }),
              refusal(Code::unavailable, "Events cannot be accepted now"));
  }
  publish({"b"});
  EXPECT_EQ(namesOf(sink.handed.first(1)), Names{"b"});
}

TEST_F(EventsTest, WhatCannotBeWrittenIsWrittenWhenTheDatabaseIsBack) {
  ScriptedSink sink;
  keep("own", sink);
  const Running running(*this);
  {
    const Refusing refusing(store_.database(), "INSERT", "delivery");
    publish({"a"});
    while (metrics_.text().find("pombo_events_write_failures_total") == std::string::npos)
      std::this_thread::yield();
  }
  EXPECT_EQ(namesOf(sink.handed.first(1)), Names{"a"});
}

TEST_F(EventsTest, AnEventThatCannotBeIsRefused) {
  Event event = eventOf("a");
  event.type = "no.such";
  EXPECT_EQ(refusalOf([&] { events_->publish({event}); }),
            refusal(Code::invalid, "Unknown event: no.such"));
  EXPECT_EQ(refusalOf([&] { publish({"a"}, "chat", "other"); }),
            refusal(Code::invalid, "An event's instance does not exist"));
  event = eventOf("a");
  event.data = {{"n", {1, std::numeric_limits<double>::infinity()}}};
  EXPECT_EQ(refusalOf([&] { events_->publish({event}); }),
            refusal(Code::invalid, "An event's numbers must be finite"));
  EXPECT_EQ(refusalOf([&] { publish({"\xff"}); }),
            refusal(Code::invalid, "An event must be UTF-8 without NUL"));
}

TEST_F(EventsTest, AMessageThatWasSeenKeepsTheIdOfTheFirst) {
  Event message = eventOf("a");
  message.type = "message.exchange";
  message.data = {{"id", "3EB0"}, {"message", {{"type", "text"}}}};
  const auto first = events_->publish({message});
  const auto again = events_->publish({eventOf("b"), message});
  EXPECT_EQ(again[1], first[0]);
  EXPECT_NE(again[0], first[0]);
}

TEST_F(EventsTest, WhatTheSettingsKeepOutIsNotAccepted) {
  ScriptedSink sink;
  keep("own", sink);
  const Running running(*this);
  around_.unwanted = {"noise"};
  publish({"a"}, "noise");
  publish({"b"});
  EXPECT_EQ(namesOf(sink.handed.first(1)), Names{"b"});
}

TEST_F(EventsTest, WhatClientsAreNotToldOfReachesBlocksThatListenToEachOther) {
  ScriptedSink store, client;
  keep("store", store, {.inner = true});
  keep("client", client);
  std::atomic<int> mediaKept = 0;
  around_.onKeep = [&](const Event&) { ++mediaKept; };
  around_.inner = {"history"};
  const Running running(*this);
  Event old = eventOf("old", "history");
  old.data = {{"name", "old"}, {"message", {{"media", {{"type", "image"}}}}}};
  old.mediaKey = "key";
  events_->publish({old});
  store.handed.first(1);
  publish({"new"});
  EXPECT_EQ(namesOf(client.handed.first(1)), Names{"new"});
  EXPECT_EQ(namesOf(store.handed.first(2)), (Names{"old", "new"}));
  EXPECT_EQ(mediaKept, 0) << "nobody is sent a link to them";
}

TEST_F(EventsTest, AMessageThatNoClientWasToldOfIsToldWhenItComesToThem) {
  ScriptedSink store, client;
  keep("store", store, {.inner = true});
  keep("client", client);
  const Running running(*this);
  Event message = eventOf("A", "chat");
  message.type = "message.exchange";
  message.data = {{"name", "A"}, {"id", "3EB0"}, {"message", {{"type", "text"}}}};
  for (const bool isInner : {true, true, false, false, true}) {
    around_.inner.clear();
    if (isInner) around_.inner = {"chat"};
    events_->publish({message});
    store.handed.first(isInner ? 1 : 2);
  }
  around_.inner.clear();
  publish({"B"});
  EXPECT_EQ(namesOf(client.handed.first(2)), (Names{"A", "B"}));
  EXPECT_EQ(namesOf(store.handed.first(3)), (Names{"A", "A", "B"}));
}

TEST_F(EventsTest, ALiveSinkThatIsSlowLosesWhatDoesNotFit) {
  options_.liveDeliveries = 4;
  open();
  ScriptedSink live, kept;
  keep("live", live, {.keep = Keep::memory});
  keep("own", kept);
  const Running running(*this);
  Gate gate;
  live.onDeliver = [hold = gate.wait()](const Event&) {
    hold();
    return Verdict();
  };
  publish(numbered(10));
  kept.handed.first(10);
  gate.open();
  EXPECT_EQ(namesOf(live.handed.first(4)), numbered(4));
  EXPECT_NE(metrics_.text().find("pombo_live_dropped_total 6"), std::string::npos)
      << metrics_.text();
  EXPECT_TRUE(records("live", DeliveryStatus::delivered).empty()) << "nothing is kept of it";
}

TEST_F(EventsTest, ABlockSubscribesOnce) {
  ScriptedSink sink;
  PostingSink posting;
  keep("own", sink, {.keep = Keep::memory});
  EXPECT_EQ(refusalOf([&] { keep("own", sink); }),
            refusal(Code::conflict, "The sink is subscribed already"));
  events_->subscribe("own", posting, {});
  EXPECT_EQ(refusalOf([&] { events_->subscribe("live", posting, {.keep = Keep::memory}); }),
            refusal(Code::unsupported, "A sink that posts keeps on disk"));
}

}  // namespace
}  // namespace pombo
