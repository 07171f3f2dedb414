#include "event/events.hpp"

#include <gtest/gtest.h>

#include "gate.hpp"
#include "pombo/error.hpp"
#include "temp_events.hpp"
#include "tiny_server.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

class EventsTest : public ::testing::Test {
 protected:
  using Names = std::vector<std::string>;

  EventsTest() { open(); }

  // As another start of the gateway finds it.
  void open() {
    events_ = nullptr;
    events_ = std::make_unique<Events>(options_, store_.database(), egress_, around_, clock_, log_,
                                       metrics_);
  }
  void keep(const std::string& block, ScriptedSink& sink, const Delivery& delivery = {}) {
    events_->subscribe(block, sink, delivery, 4);
  }
  void publish(const Names& names, const std::string& chat = "chat",
               const std::string& instance = "i-1") {
    std::vector<Event> all;
    for (const auto& name : names) all.push_back(eventOf(name, chat, instance));
    events_->publish(all);
  }
  // From here to the end of the test: nobody is inside of its sinks any more when they go.
  class Running {
   public:
    explicit Running(EventsTest& test) : test_(test) { test.events_->start(); }
    ~Running() {
      test_.events_->stop(std::chrono::steady_clock::now());
      while (test_.around_.missing() > 0) std::this_thread::yield();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    EventsTest& test_;
  };
  static Names namesOf(const std::vector<Handed>& all) {
    Names names;
    for (const auto& each : all) names.push_back(nameOf(each.event));
    return names;
  }
  static Names numbered(int count) {
    Names names;
    for (int i = 0; i < count; ++i) names.push_back(std::to_string(i));
    return names;
  }
  std::vector<DeliveryRecord> records(const std::string& block, DeliveryStatus status) {
    return events_->deliveries().list(block, {"i-1"}, {.status = status});
  }
  // Once there are so many.
  std::vector<DeliveryRecord> records(const std::string& block, DeliveryStatus status,
                                      std::size_t count) {
    for (;; std::this_thread::yield())
      if (auto found = records(block, status); found.size() >= count) return found;
  }
  static std::function<Verdict(const Event&)> doneIf(const std::atomic<bool>& good) {
    return [&good](const Event&) { return Verdict{good ? Outcome::done : Outcome::retry, "no"}; };
  }
  std::string refusalOf(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::to_string(static_cast<int>(error.code)) + " " + error.what();
    }
    return "";
  }
  static std::string refusal(Code code, const std::string& sentence) {
    return std::to_string(static_cast<int>(code)) + " " + sentence;
  }

  TempStore store_;
  EventsOptions options_;
  Egress egress_{{{"127.0.0.1"}, true}};
  TempSurroundings around_;
  SystemClock clock_;
  Log log_{"off"};
  Metrics metrics_;
  std::unique_ptr<Events> events_;
};

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

class Enricher final : public IEnricher {
 public:
  std::function<Json(const Event&)> onEnrich;
  Json enrich(const Event& event) override { return onEnrich(event); }
};

TEST_F(EventsTest, WhatABlockAddsIsThereForEveryone) {
  Enricher enricher;
  enricher.onEnrich = [](const Event&) { return Json{{"extra", 1}, {"gone", nullptr}}; };
  around_.asked = {{"adds", &enricher}};
  ScriptedSink sink;
  keep("own", sink);
  const Running running(*this);
  Event event = eventOf("a");
  event.data.as_object()["gone"] = true;
  events_->publish({event});
  EXPECT_EQ(sink.handed.first(1)[0].event.data, (Json{{"name", "a"}, {"extra", 1}}));
}

TEST_F(EventsTest, AnEnricherThatIsLateOrFailsIsDoneWithout) {
  options_.enrichTime = 10ms;
  open();
  std::atomic<int> asked{0};
  Enricher enricher;
  around_.asked = {{"adds", &enricher}};
  ScriptedSink sink;
  keep("own", sink);
  const Running running(*this);
  Gate gate;
  enricher.onEnrich = [&asked, hold = gate.wait()](const Event&) -> Json {
    ++asked;
    hold();
    return nullptr;
  };
  publish(numbered(6));
  EXPECT_EQ(namesOf(sink.handed.first(6)), numbered(6));
  EXPECT_EQ(asked, 3) << "after three it is not asked for a while";
}

TEST_F(EventsTest, WhatIsGivenUpIsDeadAndCanBeDeliveredAgain) {
  ScriptedSink sink;
  std::atomic<bool> good{false};
  sink.onDeliver = doneIf(good);
  keep("own", sink, {.retries = {1h}});
  const Running running(*this);
  publish({"a", "b"});
  sink.handed.first(2);
  while (records("own", DeliveryStatus::pending).at(1).attempts == 0) std::this_thread::yield();
  while (records("own", DeliveryStatus::pending).at(0).attempts == 0) std::this_thread::yield();
  events_->deliveries().giveUp({{"i-1"}, "own", "default"}, "webhook deleted");
  const auto dead = records("own", DeliveryStatus::dead, 2);
  EXPECT_EQ(dead[0].reason, "webhook deleted");
  good = true;
  events_->deliveries().redeliver("own", {"i-2"}, {dead[0].id});
  events_->deliveries().redeliver("own", {"i-1"}, {dead[0].id, "no id"});
  EXPECT_EQ(records("own", DeliveryStatus::delivered, 1).at(0).id, dead[0].id);
  EXPECT_EQ(records("own", DeliveryStatus::dead).size(), 1u);
}

TEST_F(EventsTest, DeliveriesAreListedPageByPage) {
  ScriptedSink sink;
  sink.to = {"a", "b"};
  keep("own", sink);
  const Running running(*this);
  publish(numbered(3));
  const auto all = records("own", DeliveryStatus::delivered, 6);
  const auto list = [&](const DeliveryQuery& query) {
    return events_->deliveries().list("own", {"i-1"}, query);
  };
  EXPECT_EQ(list({.limit = 2}), std::vector(all.begin(), all.begin() + 2));
  EXPECT_EQ(list({.after = all[1].id}), std::vector(all.begin() + 2, all.end()));
  EXPECT_EQ(list({.ids = {all[3].id, "x"}}), std::vector{all[3]});
  EXPECT_EQ(list({.destination = "a"}).size(), 3u);
  EXPECT_TRUE(list({.since = clock_.now() + 1h}).empty());
  EXPECT_EQ(refusalOf([&] { list({.after = "x"}); }), refusal(Code::invalid, "Invalid cursor"));
}

TEST_F(EventsTest, QueuesOfABlockThatIsNotThereWait) {
  ScriptedSink sink, other;
  sink.onDeliver = [](const Event&) { return Verdict{Outcome::retry, "no"}; };
  keep("own", sink, {.retries = {1h}});
  const Running running(*this);
  publish({"a"});
  sink.handed.first(1);
  open();
  keep("other", other);
  const Running again(*this);
  publish({"b"});
  other.handed.first(1);
  EXPECT_EQ(records("own", DeliveryStatus::pending).size(), 1u);
}

TEST_F(EventsTest, ShowsHowLongTheOldestHasWaited) {
  ScriptedSink sink;
  std::atomic<bool> good{false};
  sink.onDeliver = doneIf(good);
  keep("own", sink, {.retries = {1h}});
  const Running running(*this);
  const auto age = [this] {
    events_->collect(metrics_);
    const std::string text = metrics_.text(), name = "\npombo_own_oldest_pending_seconds ";
    const auto at = text.find(name);
    return at == text.npos ? -1 : std::stod(text.substr(at + name.size()));
  };
  EXPECT_EQ(age(), 0);
  publish({"a"});
  const auto waiting = records("own", DeliveryStatus::pending, 1).at(0);
  store_.database().commit([](Session& session) {
    session.once("UPDATE delivery SET created_at = created_at - 3600000");
  });
  EXPECT_GE(age(), 3600);
  EXPECT_LT(age(), 7200);
  while (records("own", DeliveryStatus::pending).at(0).attempts == 0) std::this_thread::yield();
  good = true;
  events_->deliveries().redeliver("own", {"i-1"}, {waiting.id});
  records("own", DeliveryStatus::delivered, 1);
  EXPECT_EQ(age(), 0);
}

TEST_F(EventsTest, WhatIsLeftOfAnInstanceGoesWithTheNextTidying) {
  ScriptedSink sink;
  sink.onDeliver = [](const Event&) { return Verdict{Outcome::retry, "no"}; };
  keep("own", sink, {.retries = {1h}});
  const Running running(*this);
  publish(numbered(20));
  records("own", DeliveryStatus::pending, 20);
  store_.database().commit([](Session& session) { DatabaseEventStore::erase(session, {"i-1"}); });
  events_->forget({"i-1"});
  EXPECT_TRUE(records("own", DeliveryStatus::pending).empty());
  events_->tidy();
  const auto left = [this] {
    return store_.database().read([](Session& session) {
      return session
          .rows(
              "SELECT (SELECT COUNT(*) FROM delivery) + (SELECT COUNT(*) FROM event) + "
              "(SELECT COUNT(*) FROM event_erased)",
              "n")[0]
          .number(0);
    });
  };
  while (left() > 0) std::this_thread::yield();
}

TEST_F(EventsTest, AnEnvelopeCarriesMediaAsFarAsTheyFit) {
  around_.media = {{"small", "abc"}, {"large", std::string((16 << 20) + 1, 'x')}};
  Event event = eventOf("a");
  event.data = {{"message", {{"media", {{"base64", nullptr}}}}}};
  event.mediaKey = "small";
  const auto mediaIn = [&](bool wanted) {
    return events_->envelope(event, wanted).at("data").at("message").at("media");
  };
  around_.link = "/media/1?exp=2&sig=3";
  const Json url = "https://wa.example/media/1?exp=2&sig=3";
  EXPECT_EQ(mediaIn(true), (Json{{"base64", "YWJj"}, {"url", url}}));
  EXPECT_EQ(mediaIn(false), (Json{{"base64", nullptr}, {"url", url}}));
  event.mediaKey = "large";
  EXPECT_EQ(mediaIn(true), (Json{{"base64", nullptr}, {"base64Omitted", true}, {"url", url}}));
}

TEST_F(EventsTest, AnEnvelopeSaysWhatHasBecomeOfItsMedia) {
  around_.media = {{"key", "abc"}};
  Event event = eventOf("a");
  event.data = {{"message", {{"media", {{"base64", nullptr}, {"url", "https://elsewhere/"}}}}}};
  event.mediaKey = "key";
  const auto mediaOf = [&](bool wanted) {
    return events_->envelope(event, wanted).at("data").at("message").at("media");
  };
  EXPECT_EQ(mediaOf(false),
            (Json{{"base64", nullptr}, {"url", nullptr}, {"error", "Media are no longer stored"}}));
  EXPECT_EQ(mediaOf(true), (Json{{"base64", "YWJj"}, {"url", nullptr}}));
  event.data.at("message").at("media").as_object()["error"] = "it was gone";
  EXPECT_EQ(mediaOf(false).at("error"), "it was gone");
  event.mediaKey = "";
  EXPECT_EQ(mediaOf(false).at("url"), "https://elsewhere/") << "it is nobody's to change";
}

class EventsWithMedia : public EventsTest {
 protected:
  void tell(const std::string& name, const std::string& chat, const std::string& mediaKey = "",
            const std::string& instance = "i-1") {
    Event event = eventOf(name, chat, instance);
    if (!mediaKey.empty()) event.data.as_object()["message"] = {{"media", {{"url", nullptr}}}};
    event.mediaKey = mediaKey;
    events_->publish({event});
  }
};

TEST_F(EventsWithMedia, OnlyTheSameChatWaitsForThem) {
  ScriptedSink sink;
  keep("own", sink);
  Gate gate;
  around_.onKeep = [hold = gate.wait()](const Event&) { hold(); };
  const Running running(*this);
  tell("picture", "a", "key");
  tell("after it", "a");
  tell("elsewhere", "b");
  EXPECT_EQ(namesOf(sink.handed.first(1)), Names{"elsewhere"});
  gate.open();
  EXPECT_EQ(namesOf(sink.handed.first(3)), (Names{"elsewhere", "picture", "after it"}));
}

TEST_F(EventsWithMedia, FourOfAnInstanceAreFetchedAtOnceAndItsOtherChatsGoOn) {
  options_.limits.preparing = 16;
  open();
  ScriptedSink sink;
  keep("own", sink);
  Gate gate;
  std::atomic<int> now{0}, beyond{0};
  around_.onKeep = [&, hold = gate.wait()](const Event& event) {
    if (event.instance.value != "i-1") return;
    if (++now > 4) ++beyond;
    hold();
    --now;
  };
  const Running running(*this);
  for (const auto& name : numbered(12)) tell(name, name, "key");
  tell("text", "other");
  tell("picture", "chat", "key", "i-2");
  auto first = namesOf(sink.handed.first(2));
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (Names{"picture", "text"}));
  while (now < 4) std::this_thread::yield();
  gate.open();
  sink.handed.first(14);
  EXPECT_EQ(beyond, 0);
}

TEST_F(EventsWithMedia, WhatCannotBeFetchedIsSaidInTheEvent) {
  ScriptedSink sink;
  keep("own", sink);
  around_.onKeep = [](const Event& event) {
    if (event.mediaKey == "full") throw Error(Code::unavailable, "Media storage is full");
    if (event.mediaKey == "bug") throw std::runtime_error("secret");
  };
  const Running running(*this);
  tell("a", "chat", "full");
  tell("b", "chat", "bug");
  tell("c", "chat", "good");
  const auto handed = sink.handed.first(3);
  const auto media = [&](int i) { return handed[i].event.data.at("message").at("media"); };
  EXPECT_EQ(media(0), (Json{{"url", nullptr}, {"error", "Media storage is full"}}));
  EXPECT_EQ(media(1), (Json{{"url", nullptr}, {"error", "Media could not be stored"}}));
  EXPECT_EQ(media(2), (Json{{"url", nullptr}}));
}

TEST_F(EventsWithMedia, NobodyIsAskedForThoseOfAnEventWithoutAny) {
  ScriptedSink sink;
  keep("own", sink);
  std::atomic<int> asked{0};
  around_.onKeep = [&](const Event&) { ++asked; };
  const Running running(*this);
  tell("text", "chat");
  Event odd = eventOf("key alone");
  odd.mediaKey = "key";
  events_->publish({odd});
  sink.handed.first(2);
  EXPECT_EQ(asked, 0);
}

TEST_F(EventsTest, MediaThatAreSlowHoldUpNobodyElsesNorWhatCarriesNone) {
  TinyServer server([](const std::string&) { return TinyServer::reply(200, "ok"); });
  PostingSink sink;
  sink.url = server.url("/hook");
  sink.body = [this](const Event& event) {
    return events_->envelope(event, !nameOf(event).starts_with("plain"));
  };
  events_->subscribe("hook", sink, {.inFlight = 64});
  around_.media = {{"slow", "abc"}, {"quick", "abc"}};
  Gate gate;
  around_.onMedia = [hold = gate.wait()](const std::string& key) {
    if (key == "slow") hold();
  };
  const Running running(*this);
  const auto tell = [&](const std::string& name, const std::string& key,
                        const std::string& instance) {
    Event event = eventOf(name, name, instance);
    event.data.as_object()["message"] = {{"media", {{"size", 3}}}};
    event.mediaKey = key;
    events_->publish({event});
  };
  for (int i = 0; i < 32; ++i) tell("slow " + std::to_string(i), "slow", "i-2");
  tell("plain", "slow", "i-1");
  records("hook", DeliveryStatus::delivered, 1);
  tell("inlined", "quick", "i-1");
  records("hook", DeliveryStatus::delivered, 2);
  const auto request = server.requests().at(1);
  EXPECT_NE(request.find(R"("base64":"YWJj")"), request.npos) << request;
  EXPECT_EQ(server.requests().size(), 2u);
  gate.open();
}

TEST_F(EventsTest, BodiesThatAreLargeTogetherWaitForOneAnother) {
  options_.bodyBytes = 1 << 20;
  open();
  Gate gate;
  TinyServer server([hold = gate.wait()](const std::string&) {
    hold();
    return TinyServer::reply(200, "ok");
  });
  Told<std::string> made;
  PostingSink sink;
  sink.url = server.url("/hook");
  sink.body = [&](const Event& event) {
    made.add(nameOf(event));
    return event.data;
  };
  events_->subscribe("hook", sink, {});
  const Running running(*this);
  for (const auto* name : {"large", "larger", "largest"}) {
    Event event = eventOf(name);
    event.data.as_object()["more"] = std::string(900 << 10, 'x');
    events_->publish({event});
  }
  publish({"small"});
  Names first = made.first(2);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (Names{"large", "small"}));
  gate.open();
  const Names all = made.first(4);
  EXPECT_EQ(Names(all.begin() + 2, all.end()), (Names{"larger", "largest"}));
  records("hook", DeliveryStatus::delivered, 4);
}

TEST_F(EventsTest, AnEnvelopeHasNoTokenWhereTheOperatorDoesNotWantIt) {
  options_.includeToken = false;
  open();
  EXPECT_TRUE(events_->envelope(eventOf("a"), false).at("instanceData").at("token").is_null());
}

TEST_F(EventsTest, AnEnvelopeShowsMessagesAsTheOperatorWantsThem) {
  options_.messageShape = MessageShape::catalogue;
  open();
  around_.media = {{"small", "abc"}, {"large", std::string((16 << 20) + 1, 'x')}};
  around_.link = "/media/1?exp=2&sig=3";
  Event event = eventOf("a");
  event.type = "message.exchange";
  event.data = {{"id", "3EB0"},
                {"direction", "incoming"},
                {"message", {{"type", "image"}, {"media", {{"base64", nullptr}}}}}};
  event.mediaKey = "small";
  const auto shown = [&](Json media) {
    return Json{{"id", "3EB0"},
                {"message",
                 {{"id", "3EB0"},
                  {"type", "image"},
                  {"direction", "incoming"},
                  {"media", std::move(media)}}}};
  };
  const Json url = "https://wa.example/media/1?exp=2&sig=3";
  EXPECT_EQ(events_->envelope(event, true).at("data"), shown({{"base64", "YWJj"}, {"url", url}}));
  EXPECT_EQ(events_->envelope(event, false).at("data"), shown({{"url", url}}));
  event.mediaKey = "large";
  EXPECT_EQ(events_->envelope(event, true).at("data"),
            shown({{"base64Omitted", true}, {"url", url}}));
  event.type = "message.status";
  event.mediaKey = "";
  EXPECT_EQ(events_->envelope(event, true).at("data"), event.data) << "others are as they were";
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
