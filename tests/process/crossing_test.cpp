// Every service and every side of the contract, from the same library inside and in a process of
// its own.
#include <sys/socket.h>

#include <fstream>
#include <limits>

#include "mirror.hpp"
#include "process/child_host.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;

const Event kEvent{"e-1", "message.exchange", kShop.id, kShop.createdAt,
                   "c-1", {{"text", "hi"}},   "m-1"};

HttpRequest requested(const std::string& id) {
  HttpRequest request = requestFor(kShop);
  request.id = id;
  request.path = "/mirror/shop";
  request.remote = "192.0.2.1";
  request.headers = {{"x-a", "b"}};
  request.body = std::string("\0\xff\x01", 3);
  return request;
}

using Check = std::function<void(Mirror&)>;

// What a block asks of its host, and what it tells it.
const std::map<std::string, Check>& ofTheHost() {
  static const std::map<std::string, Check> checks{
      {"host.server",
       [](Mirror& m) { EXPECT_EQ(m.asked<ServerInfo>("host.server"), m.host.fake.serverInfo); }},
      {"host.proxyFor",
       [](Mirror& m) {
         m.host.fake.proxies[kShop.id] = {.protocol = "http", .host = "h", .port = 8};
         EXPECT_EQ(m.asked<std::optional<Proxy>>("host.proxyFor", kShop.id),
                   m.host.fake.proxies[kShop.id]);
         EXPECT_EQ(m.asked<std::optional<Proxy>>("host.proxyFor", InstanceId{"i-2"}), std::nullopt);
       }},
      {"host.perform",
       [](Mirror& m) {
         m.host.fake.performAnswers.emplace_back(Json{{"sent", true}});
         EXPECT_EQ(m.asked<Json>("host.perform", kShop, std::string("message.text"), Json(7)),
                   (Json{{"sent", true}}));
         EXPECT_EQ(m.host.fake.performed.at(0).operation, "message.text");
       }},
      {"host.performWith",
       [](Mirror& m) {
         m.host.fake.performAnswers.emplace_back(Json{{"sent", true}});
         const std::vector<Media> files{mediaOf("a/b", "one"), mediaOf("c/d", "another")};
         EXPECT_EQ(m.connector().performWith(kShop, "message.media", {{"mediaFile", 1}}, files),
                   (Json{{"sent", true}}));
         const auto& performed = m.host.fake.performed.at(0);
         EXPECT_EQ(performed.arguments, (Json{{"mediaFile", 1}}));
         ASSERT_EQ(performed.files.size(), 2u);
         EXPECT_EQ(performed.files[1].mimeType, "c/d");
         EXPECT_EQ(bytesOf(performed.files[1], 100), "another");
       }},
      {"host.media",
       [](Mirror& m) {
         std::string bytes;
         for (int i = 0; i < 100'000; ++i) bytes.push_back(static_cast<char>(i * 7));
         m.host.fake.mediaByKey["m-1"] = mediaOf("image/png", bytes);
         const Media found = m.connector().media(kShop, "m-1");
         EXPECT_EQ(found.mimeType, "image/png");
         EXPECT_EQ(bytesOf(found, 1 << 20), bytes);
         EXPECT_EQ(errorOf([&] { m.connector().media(kShop, "m-2"); }),
                   "notFound: Media not found");
       }},
      {"host.provision",
       [](Mirror& m) {
         const Provisioned made{kShop, {{"token", "t"}}, {"careful"}};
         m.host.fake.provisionAnswers.emplace_back(made);
         EXPECT_EQ(m.asked<Provisioned>("host.provision", kShop.account, Json{{"name", "x"}}),
                   made);
         EXPECT_EQ(m.host.fake.provisioned.at(0).second, (Json{{"name", "x"}}));
       }},
      {"host.configure",
       [](Mirror& m) {
         const Provisioned made{kShop, nullptr, {}};
         m.host.fake.provisionAnswers.emplace_back(made);
         EXPECT_EQ(m.asked<Provisioned>("host.configure", kShop, Json{{"a", 1}}), made);
         EXPECT_EQ(m.host.fake.configured.at(0).first, kShop);
       }},
      {"log.write",
       [](Mirror& m) {
         m.ask("log.write", Level::warn, std::string("a line"), Json{{"a", 1}});
         EXPECT_EQ(m.host.line("a line"), (Json{{"a", 1}}));
       }},
      {"metrics.count",
       [](Mirror& m) {
         m.ask("metrics.count", std::string("things"), 2.5);
         m.ask("metrics.count", std::string("things"), 1.0);
         EXPECT_EQ(m.host.counter("things"), 3.5);
       }},
      {"metrics.observe",
       [](Mirror& m) {
         m.ask("metrics.observe", std::string("level"), -2.25);
         EXPECT_EQ(m.host.gauge("level"), -2.25);
       }},
      {"clock.now",
       [](Mirror& m) { EXPECT_EQ(m.asked<TimePoint>("clock.now"), m.host.fake.time); }},
      {"settings.load",
       [](Mirror& m) {
         const auto loaded = [&] {
           return m.asked<std::optional<Json>>("settings.load", kShop.id);
         };
         EXPECT_EQ(loaded(), std::nullopt);
         m.host.fake.documents[kShop.id] = nullptr;
         EXPECT_EQ(loaded(), std::optional<Json>(nullptr)) << "a stored null is not nothing";
       }},
      {"settings.save",
       [](Mirror& m) {
         m.ask("settings.save", kShop.id, Json{{"a", {1, "\xff", nullptr}}});
         EXPECT_EQ(m.host.fake.documents.at(kShop.id), (Json{{"a", {1, "\xff", nullptr}}}));
       }},
      {"settings.erase",
       [](Mirror& m) {
         m.host.fake.documents[kShop.id] = 1;
         m.ask("settings.erase", kShop.id);
         EXPECT_TRUE(m.host.fake.documents.empty());
       }},
      {"secrets.open",
       [](Mirror& m) {
         const auto open = [&](const char* name) {
           return m.asked<std::optional<std::string>>("secrets.open", kShop.id, std::string(name));
         };
         m.host.fake.sealed[{kShop.id, "key"}] = "s3cret";
         EXPECT_EQ(open("key"), "s3cret");
         EXPECT_EQ(open("other"), std::nullopt);
       }},
      {"secrets.seal",
       [](Mirror& m) {
         m.ask("secrets.seal", kShop.id, std::string("key"), std::string("s3cret"));
         EXPECT_EQ(m.host.fake.sealed.at({kShop.id, "key"}), "s3cret");
       }},
      {"secrets.erase",
       [](Mirror& m) {
         m.host.fake.sealed[{kShop.id, "key"}] = "s3cret";
         m.ask("secrets.erase", kShop.id, std::string("key"));
         EXPECT_TRUE(m.host.fake.sealed.empty());
       }},
      {"sql.migrate",
       [](Mirror& m) {
         m.ask("sql.migrate", std::vector<Migration>{{1, "CREATE TABLE mirror_a (x BIGINT)"}});
         EXPECT_EQ(m.host.fake.migrations.at(0).number, 1);
       }},
      {"sql.query",
       [](Mirror& m) {
         const std::vector<SqlRow> rows{
             {{"a", std::int64_t(1)}, {"b", 2.0}, {"c", "x"}, {"d", {}}}};
         m.host.fake.rows = {rows};
         EXPECT_EQ(m.asked<std::vector<SqlRow>>("sql.query", Statement{"SELECT", {2.0, "x"}}),
                   rows);
       }},
      {"sql.apply",
       [](Mirror& m) {
         const std::vector<Statement> all{{"DELETE", {std::int64_t(1)}}, {"INSERT", {}}};
         m.ask("sql.apply", all);
         EXPECT_EQ(m.host.fake.statements, all);
       }},
      {"routes.add",
       [](Mirror& m) {
         EXPECT_EQ(m.host.fake.declared.at(0).path, "/mirror/:instance");
         EXPECT_EQ(m.host.fake.declared.at(0).summary, "Shows the request");
         EXPECT_EQ(m.host.fake.declared.at(1).method, Method::post);
       }},
      {"routes.addSocket",
       [](Mirror& m) { EXPECT_EQ(m.host.fake.declared.at(2).summary, "Talks"); }},
      {"routes.addDialect", [](Mirror& m) { EXPECT_TRUE(m.host.fake.dialects.contains("plain")); }},
      {"routes.answer",
       [](Mirror& m) {
         EXPECT_TRUE(m.host.fake.call(Method::post, "/mirror/:instance", requested("r-2")).later);
         m.stop();  // and with it the thread that answers
         EXPECT_EQ(m.host.fake.answered.at("r-2").status, 203);
         EXPECT_EQ(m.host.fake.answered.at("r-2").body, (Json{{"id", "r-2"}}));
       }},
      {"http.send",
       [](Mirror& m) {
         const OutgoingRequest request{Method::put, "http://x/", {{"a", "b"}}, "\xff",
                                       1234ms,      99,          kShop.id};
         m.host.fake.replies = {{418, {{"c", "d"}}, "\x01"}};
         EXPECT_EQ(m.asked<IncomingReply>("http.send", request),
                   (IncomingReply{418, {{"c", "d"}}, "\x01"}));
         EXPECT_EQ(m.host.fake.requests.at(0), request);
         EXPECT_EQ(errorOf([&] { m.ask("http.send", request); }), "unavailable: Nobody answered");
       }},
      {"http.requireAllowed",
       [](Mirror& m) {
         m.host.fake.refused["http://x"] = "no";
         EXPECT_EQ(errorOf([&] { m.ask("http.requireAllowed", std::string("http://x")); }),
                   "invalid: URL is not allowed: no");
         EXPECT_EQ(errorOf([&] { m.ask("http.requireAllowed", std::string("http://y")); }), "");
       }},
      {"http.requireAllowedProxy",
       [](Mirror& m) {
         m.host.fake.refused["10.0.0.1"] = "no";
         EXPECT_EQ(errorOf([&] { m.ask("http.requireAllowedProxy", std::string("10.0.0.1")); }),
                   "invalid: URL is not allowed: no");
       }},
      {"events.publish",
       [](Mirror& m) {
         EXPECT_EQ(m.asked<std::vector<std::string>>("events.publish", std::vector<Event>{kEvent}),
                   std::vector<std::string>{"event-1"});
         ASSERT_EQ(m.host.fake.published.size(), 1u);
         EXPECT_EQ(m.host.fake.published[0].data, kEvent.data);
       }},
      {"events.envelope",
       [](Mirror& m) {
         const Json envelope = m.asked<Json>("events.envelope", kEvent, true);
         EXPECT_EQ(envelope.at("instanceData").at("token"), Json("t-1"));
         EXPECT_EQ(envelope.at("data").at("media").at("base64"), Json("base64 of m-1"));
       }},
      {"events.deliveries",
       [](Mirror& m) {
         m.host.fake.records = {{.id = "2", .destination = "crm", .attemptedAt = kShop.createdAt},
                                {.id = "1", .status = DeliveryStatus::dead, .reason = "gone"}};
         const DeliveryQuery all, dead{.status = DeliveryStatus::dead, .ids = {"1"}, .after = "2"};
         const auto ask = [&](const DeliveryQuery& query) {
           return m.asked<std::vector<DeliveryRecord>>("events.deliveries", kShop.id, query);
         };
         EXPECT_EQ(ask(all), m.host.fake.records);
         EXPECT_EQ(ask(dead), std::vector{m.host.fake.records[1]});
       }},
      {"events.redeliver",
       [](Mirror& m) {
         const std::vector<std::string> ids{"2", "1"};
         m.ask("events.redeliver", kShop.id, ids);
         EXPECT_EQ(m.host.fake.redelivered, ids);
       }},
      {"events.giveUp",
       [](Mirror& m) {
         m.ask("events.giveUp", kShop.id, std::string("crm"), std::string("webhook disabled"));
         EXPECT_EQ(m.host.fake.givenUp.at(0),
                   std::pair(std::string("crm"), std::string("webhook disabled")));
       }},
      {"instances.find",
       [](Mirror& m) {
         EXPECT_EQ(m.asked<std::optional<Instance>>("instances.find", kShop.id), kShop);
         EXPECT_EQ(m.asked<std::optional<Instance>>("instances.find", InstanceId{}), std::nullopt);
       }},
      {"instances.findByName",
       [](Mirror& m) {
         EXPECT_EQ(m.asked<std::optional<Instance>>("instances.findByName", kShop.account,
                                                    std::string("shop")),
                   kShop);
       }},
      {"instances.list",
       [](Mirror& m) {
         EXPECT_EQ(m.asked<std::vector<Instance>>("instances.list", kShop.account),
                   std::vector{kShop});
       }},
      {"instances.admit",
       [](Mirror& m) {
         const auto admit = [&](const char* token) {
           return m.asked<Instance>("instances.admit", std::string(token), std::string("shop"));
         };
         EXPECT_EQ(admit("t-1"), kShop);
         EXPECT_EQ(errorOf([&] { admit("t-2"); }), "unauthorized: Invalid token");
       }},
  };
  return checks;
}

// What core asks of a block.
const std::map<std::string, Check>& ofTheBlock() {
  static const std::map<std::string, Check> checks{
      {"block.declare",
       [](Mirror& m) {
         EXPECT_EQ(m.block->fields().at(0).name, "mirrorWord");
         EXPECT_EQ(m.block->fields().at(0).maxLength, 10u);
         EXPECT_EQ(m.block->options().at(0).fallback, Json("grey"));
       }},
      {"block.start",
       [](Mirror& m) {
         EXPECT_EQ(m.asked<Json>("config"), (Json{{"tone", "green"}}));
       }},
      {"block.configure",
       [](Mirror& m) {
         const Json slice{{"mirrorWord", "w"}};
         m.block->configure(kShop, Fields(slice));
         EXPECT_EQ(m.host.fake.documents.at(kShop.id), slice);
       }},
      {"block.summary",
       [](Mirror& m) {
         EXPECT_EQ(m.block->summary(kShop), (Json{{"kept", nullptr}, {"closed", 0}}));
       }},
      {"block.forget",
       [](Mirror& m) {
         m.host.fake.documents[kShop.id] = 1;
         m.block->forget(kShop);
         EXPECT_TRUE(m.host.fake.documents.empty());
       }},
      {"block.health", [](Mirror& m) { EXPECT_EQ(m.block->health(), "ok"); }},
      {"block.stop",
       [](Mirror& m) {
         m.stop();
         EXPECT_EQ(m.host.lines("stopped"), 1u);
       }},
      {"connector.connect",
       [](Mirror& m) {
         EXPECT_EQ(m.connector().connect(kShop, {.number = "55"}),
                   (Link{Link::Kind::pairing, "shop55"}));
         try {
           m.connector().connect(kShop, {.number = "0"});
           FAIL();
         } catch (const Error& error) {
           EXPECT_EQ(error.code, Code::rateLimited);
           EXPECT_STREQ(error.what(), "Too often");
           EXPECT_EQ(error.retryAfter, 7s);
         }
         EXPECT_EQ(errorOf([&] { m.connector().connect(kShop, {.number = "1"}); }),
                   "bug: a secret detail");
       }},
      {"connector.reconnect",
       [](Mirror& m) {
         m.connector().reconnect(kShop, Proxy{.host = "p"});
         EXPECT_EQ(m.kept(), (Json{{"reconnected", "p"}}));
         m.connector().reconnect(kShop, std::nullopt);
         EXPECT_EQ(m.kept(), (Json{{"reconnected", "directly"}}));
       }},
      {"connector.disconnect",
       [](Mirror& m) {
         m.connector().disconnect(kShop);
         EXPECT_EQ(m.kept(), Json("disconnected"));
       }},
      {"connector.logout",
       [](Mirror& m) {
         m.connector().logout(kShop);
         EXPECT_EQ(m.kept(), Json("logged out"));
       }},
      {"connector.profile",
       [](Mirror& m) {
         EXPECT_EQ(m.connector().profile(kShop), (Profile{"shop", std::nullopt, true, "B", true}));
       }},
      {"connector.perform",
       [](Mirror& m) {
         EXPECT_EQ(errorOf([&] { m.connector().perform(kShop, "fly", nullptr); }),
                   "unsupported: No fly");
       }},
      {"connector.performWith",
       [](Mirror& m) {
         EXPECT_EQ(errorOf([&] { m.connector().performWith(kShop, "fly", nullptr, {}); }),
                   "unavailable: No connector is available");
       }},
      {"connector.media",
       [](Mirror& m) {
         m.host.fake.mediaByKey["k"] = mediaOf("a/b", "");
         EXPECT_EQ(m.connector().media(kShop, "k").size, 0u);
       }},
      {"enricher.enrich",
       [](Mirror& m) {
         EXPECT_EQ(m.block->enricher()->enrich(kEvent), (Json{{"seen", kEvent.type}}));
       }},
      {"proxies.proxyFor",
       [](Mirror& m) {
         EXPECT_EQ(m.block->proxies()->proxyFor(kShop.id),
                   (Proxy{.protocol = "socks5", .host = "i-1", .port = 1080}));
         EXPECT_EQ(m.block->proxies()->proxyFor({}), std::nullopt);
       }},
      {"route.handle",
       [](Mirror& m) {
         const auto request = requested("r-1");
         const auto reply = m.host.fake.call(Method::get, "/mirror/:instance", request);
         EXPECT_EQ(reply.status, 202);
         EXPECT_EQ(boost::json::value_to<HttpRequest>(reply.body), request);
         EXPECT_EQ(reply.headers, (Headers{{"x-mirror", "r-1"}}));
         EXPECT_EQ(reply.warnings, std::vector<std::string>{"seen"});
         auto forFile = request;
         forFile.query = {{"file", true}};
         const auto file = m.host.fake.call(Method::get, "/mirror/:instance", forFile).file;
         ASSERT_TRUE(file);
         EXPECT_EQ(bytesOf(*file, 100), "a file of shop");
       }},
      {"dialect.write",
       [](Mirror& m) {
         EXPECT_EQ(m.host.fake.dialects.at("plain")({.sentence = "No", .path = "/x"}),
                   (Json{{"said", "No"}, {"path", "/x"}}));
       }},
      {"socket.open",
       [](Mirror& m) {
         auto refused = requested("r");
         refused.path = "/refused";
         EXPECT_EQ(errorOf([&] { m.host.fake.connect("/mirror/live/:instance", refused); }),
                   "forbidden: Not to you");
       }},
  };
  return checks;
}

// Of sockets, in both directions.
const std::map<std::string, Check>& ofSockets() {
  static const std::map<std::string, Check> checks{
      {"socket.send",
       [](Mirror& m) {
         const auto socket = m.host.fake.connect("/mirror/live/:instance", requested("r"));
         EXPECT_EQ(socket->received, std::vector<std::string>{"hello shop"});
       }},
      {"socket.close",
       [](Mirror& m) {
         auto request = requested("r");
         request.path = "/short";
         const auto socket = m.host.fake.connect("/mirror/live/:instance", request);
         EXPECT_EQ(socket->closedWith, 4001);
         EXPECT_EQ(socket->closeReason, "that was all");
       }},
      {"socket.closed",
       [](Mirror& m) {
         const auto socket = m.host.fake.connect("/mirror/live/:instance", requested("r"));
         EXPECT_EQ(m.block->summary(kShop).at("closed"), Json(0));
         socket->close(1000, "");
         while (m.block->summary(kShop).at("closed") != Json(1)) continue;
       }},
      {"socket.release",
       [](Mirror& m) {
         auto request = requested("r");
         request.path = "/short";
         const std::weak_ptr<FakeSocket> socket =
             m.host.fake.connect("/mirror/live/:instance", request);
         while (!socket.expired()) m.block->summary(kShop);
       }},
  };
  return checks;
}

const std::map<std::string, Check>& ofSinks() {
  static const std::map<std::string, Check> checks{
      {"events.subscribeHttp",
       [](Mirror& m) {
         EXPECT_EQ(m.host.fake.httpDelivery, (Delivery{.retries = {1s}, .inFlight = 3}));
       }},
      {"events.subscribe",
       [](Mirror& m) { EXPECT_EQ(m.host.fake.eventDelivery->keep, Keep::memory); }},
      {"httpSink.route",
       [](Mirror& m) {
         EXPECT_EQ(m.host.httpSink->route(kEvent), (std::vector<std::string>{kEvent.type, "c-1"}));
       }},
      {"httpSink.request",
       [](Mirror& m) { EXPECT_EQ(m.host.httpSink->request(kEvent, "x", 4).url, "http://x/4"); }},
      {"httpSink.judge",
       [](Mirror& m) {
         EXPECT_EQ(m.host.httpSink->judge({503, {}, ""}), (Verdict{Outcome::retry, "503", {}}));
       }},
      {"eventSink.route", [](Mirror& m) { EXPECT_EQ(m.host.eventSink->route(kEvent).size(), 2u); }},
      {"eventSink.deliver",
       [](Mirror& m) {
         EXPECT_EQ(m.host.eventSink->deliver(kEvent, "x"),
                   (Verdict{Outcome::drop, "e-1 to x", kEvent.at}));
       }},
  };
  return checks;
}

std::map<std::string, Check> all() {
  std::map<std::string, Check> checks;
  for (const auto* some : {&ofTheHost(), &ofTheBlock(), &ofSockets(), &ofSinks()})
    checks.insert(some->begin(), some->end());
  return checks;
}

class EitherWay : public ::testing::TestWithParam<std::tuple<std::string, bool>> {};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const auto& [name, check] : all()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Crossing, EitherWay,
                         ::testing::Combine(::testing::ValuesIn(names()), ::testing::Bool()),
                         [](const auto& chosen) {
                           std::string name = std::get<0>(chosen.param);
                           name[name.find('.')] = '_';
                           return name + (std::get<1>(chosen.param) ? "_Process" : "_Inside");
                         });

TEST_P(EitherWay, IsTheSame) {
  Mirror mirror(std::get<1>(GetParam()));
  all().at(std::get<0>(GetParam()))(mirror);
}

// The two ends of the pipe, without one: for the names of what they answer.
struct Ends : IInhabitant {
  void furnish(Peer&) override {}
  void revive(Child&) override {}
  void mourn(bool) noexcept override {}
  void revived() noexcept override {}

  std::set<std::string> calls() {
    Supervisor supervisor({}, *this);
    ServedHost served(supervisor);
    Peer peer(::socket(AF_UNIX, SOCK_STREAM, 0), {1, 1, 0s, 1s, 1s});
    ChildHost child(peer);
    const auto block = load(libraryOf("mirror"));
    std::set<std::string> names;
    for (const auto& handlers :
         {served.calls(), served.posts(), child.callsOf(*block), child.postsOf()})
      for (const auto& [name, handler] : handlers) names.insert(name);
    return names;
  }
};

TEST(Crossing, AFileIsAsLongAsItSays) {
  Mirror m(true);
  Media shorter = mediaOf("a/b", "one");
  shorter.size = 4;
  EXPECT_EQ(errorOf([&] { m.connector().performWith(kShop, "x", nullptr, {shorter}); }),
            "unavailable: The mirror block handed over what is no file of that size");
}

TEST(Crossing, ANumberBeyondAllMeasureStaysOne) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Json read = pombo::read(written({{"most", kInfinity},
                                         {"least", -kInfinity},
                                         {"none", std::numeric_limits<double>::quiet_NaN()},
                                         {"said \"NaN", "\\Infinity \"NaN\\"},
                                         {"number", 7}}));
  EXPECT_EQ(read, (Json{{"most", kInfinity},
                        {"least", -kInfinity},
                        {"none", kInfinity},
                        {"said \"NaN", "\\Infinity \"NaN\\"},
                        {"number", 7}}));
}

TEST(Crossing, IsTestedForEveryCallThatThereIs) {
  std::set<std::string> tested;
  for (const auto& [name, check] : all()) tested.insert(name);
  EXPECT_EQ(tested, Ends().calls());
}

TEST(Crossing, IsDocumentedForEveryCallThatThereIs) {
  std::ifstream in(POMBO_SOURCE_DIR "/docs/process-protocol.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto names = Ends().calls();
  names.insert({"ready", "refused", "ping", "pong"});
  for (const auto& name : names)
    EXPECT_NE(text.find("`" + name + "`"), text.npos) << "docs/process-protocol.md lacks " << name;
}

}  // namespace
}  // namespace pombo
