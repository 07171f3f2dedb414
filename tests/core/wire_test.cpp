#include "process/wire.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "pombo/testing/fake_host.hpp"

using namespace pombo;
using namespace std::chrono_literals;

namespace {

// As over a pipe: text, and open files beside it.
Packed overThePipe(Packed packed) {
  packed.body = read(written(packed.body));
  return packed;
}

template <class T>
T crossed(const T& value) {
  return resultOf<T>(overThePipe(packResult(value)));
}

template <class T>
void expectCrosses(const T& value) {
  EXPECT_EQ(crossed(value), value) << packResult(value).body;
}

// A struct whose every member is set, so that one which is left behind is missed.
template <class T>
void expectCrossesInFull(const T& value) {
  const Json written = packResult(value).body, blank = packResult(T()).body;
  for (const auto& [name, member] : written.as_object())
    EXPECT_NE(member, blank.at(name)) << name << " is not set: the test would not miss it";
  expectCrosses(value);
}

std::string everyByte() {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  return all;
}

template <class E>
void expectEveryEnumeratorCrosses() {
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(
      [](auto described) { expectCrosses(described.value); });
}

const Instance kShop{{"i-1"},
                     {"a-1"},
                     "shop",
                     "whatsapp",
                     "connected",
                     "5511988880000@s.whatsapp.net",
                     TimePoint(1795235297965757770ns)};
const Field kField{.name = "greeterName",
                   .type = Type::objects,
                   .fallback = {{"a", {1, 2.5, nullptr}}},
                   .doc = "Doc.",
                   .need = Need::whenEnabled,
                   .secret = true,
                   .min = -5,
                   .max = std::numeric_limits<std::int64_t>::max(),
                   .minLength = 1,
                   .maxLength = 4'000'000'000,
                   .choices = {"x", everyByte()},
                   .refusal = "Unknown: <value>",
                   .text = Text::segment,
                   .distinct = true,
                   .alias = "name"};
const Headers kHeaders{{"content-type", "text/plain"}, {"x", everyByte()}};
const Proxy kProxy{"socks5", "proxy.example.com", 1080, "user", everyByte()};
const Event kEvent{"e-1",    "message.exchange",  kShop.id, kShop.createdAt,
                   "chat-1", {{"text", "hello"}}, "key"};

}  // namespace

TEST(Wire, EveryStructOfTheContractCrossesWithEveryMember) {
  expectCrossesInFull(kShop.id);
  expectCrossesInFull(kShop.account);
  expectCrossesInFull(kShop);
  expectCrossesInFull(kField);
  expectCrossesInFull(Media{"image/png", "a.png", 256, mediaOf("", everyByte()).file});
  expectCrossesInFull(Route{.method = Method::put,
                            .path = "/x/:instance",
                            .access = Access::admin,
                            .summary = "Sum",
                            .query = {kField},
                            .body = {kField, {.name = "other"}},
                            .reply = {{"type", "object"}},
                            .status = 201,
                            .failure = "It failed",
                            .bucket = Bucket::own,
                            .perMinute = 7,
                            .bodyLimit = std::numeric_limits<std::uint64_t>::max(),
                            .slow = true,
                            .budget = 7ms,
                            .tokenHeader = "apikey",
                            .dialect = "evolution"});
  expectCrossesInFull(HttpRequest{"r-1",
                                  Method::patch,
                                  "/x/shop",
                                  "192.0.2.1",
                                  {{"instance", "shop"}},
                                  kHeaders,
                                  everyByte(),
                                  {{"page", 1}},
                                  {{"name", "n"}},
                                  {"name"},
                                  kShop.account,
                                  kShop});
  expectCrossesInFull(HttpReply{404,
                                {{"success", false}},
                                mediaOf("text/plain", "file"),
                                everyByte(),
                                kHeaders,
                                {"warning"},
                                true});
  expectCrossesInFull(
      Refusal{Code::tooLarge, 413, "sentence", "detail", "shop", "/x", Method::del});
  expectCrossesInFull(
      OutgoingRequest{Method::patch, "http://x", kHeaders, everyByte(), 7ms, 9, kShop.id});
  expectCrossesInFull(IncomingReply{503, kHeaders, everyByte()});
  expectCrossesInFull(kEvent);
  expectCrossesInFull(Verdict{Outcome::retry, "reason", kShop.createdAt});
  expectCrossesInFull(Delivery{Keep::memory, {1ms, 2ms}, 3, 4ms, true});
  expectCrossesInFull(kProxy);
  expectCrossesInFull(LinkRequest{"5511988880000", 30, kProxy});
  expectCrossesInFull(Link{Link::Kind::pairing, "ABCD-EFGH"});
  expectCrossesInFull(Profile{"name", "http://picture", true, "business", true});
  expectCrossesInFull(Statement{"SELECT :a", {SqlValue(), std::int64_t{1} << 60, 2.5, "text"}});
  expectCrossesInFull(Migration{3, "CREATE TABLE x"});
  expectCrossesInFull(ServerInfo{"0.1.0", "http://x"});
  expectCrossesInFull(Provisioned{kShop, {{"token", "t"}}, {"warning"}});
  expectCrossesInFull(Thrown{Code::rateLimited, "sentence", 3s});
}

TEST(Wire, EveryEnumeratorCrosses) {
  expectEveryEnumeratorCrosses<Access>();
  expectEveryEnumeratorCrosses<Bucket>();
  expectEveryEnumeratorCrosses<Code>();
  expectEveryEnumeratorCrosses<Keep>();
  expectEveryEnumeratorCrosses<Level>();
  expectEveryEnumeratorCrosses<Link::Kind>();
  expectEveryEnumeratorCrosses<Method>();
  expectEveryEnumeratorCrosses<Need>();
  expectEveryEnumeratorCrosses<Outcome>();
  expectEveryEnumeratorCrosses<Text>();
  expectEveryEnumeratorCrosses<Type>();
}

TEST(Wire, AbsentStaysAbsent) {
  expectCrosses(std::optional<Instance>());
  expectCrosses(std::optional<std::string>());
  expectCrosses(std::optional<Proxy>());
  expectCrosses(HttpRequest());
  expectCrosses(HttpReply());
  expectCrosses(Field());
  expectCrosses(Verdict());
  expectCrosses(LinkRequest());
  expectCrosses(Profile());
  expectCrosses(std::shared_ptr<const std::string>());
}

TEST(Wire, AnEmptyTextIsNotAnAbsentOne) {
  expectCrosses(std::optional<std::string>(""));
  expectCrosses(std::vector<SqlRow>{{}, {{"a", SqlValue()}, {"b", ""}}});
}

TEST(Wire, AStoredNullIsNotAnAbsentDocument) {
  expectCrosses(std::optional<Json>());
  EXPECT_TRUE(crossed(std::optional<Json>(Json())).has_value());
  expectCrosses(std::optional<Json>(Json{{"a", 1}}));
}

TEST(Wire, AnSqlValueComesBackAsTheSameAlternative) {
  const std::vector<SqlValue> values{SqlValue(),
                                     std::int64_t{0},
                                     std::numeric_limits<std::int64_t>::min(),
                                     std::numeric_limits<std::int64_t>::max(),
                                     0.0,
                                     2.0,
                                     1e300,
                                     0.1 + 0.2,
                                     5e-324,
                                     std::numeric_limits<double>::infinity(),
                                     "",
                                     "7",
                                     everyByte()};
  const auto back = crossed(values);
  ASSERT_EQ(back.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(back[i].index(), values[i].index()) << i;
    EXPECT_EQ(back[i], values[i]) << i;
  }
  const auto nan = crossed(SqlValue(std::numeric_limits<double>::quiet_NaN()));
  ASSERT_TRUE(std::holds_alternative<double>(nan));
  EXPECT_NE(std::get<double>(nan), std::get<double>(nan));
}

TEST(Wire, ADocumentAsDeepAsAllowedCrossesInsideACall) {
  Json deep;
  for (int i = 0; i < 32; ++i) deep = boost::json::array{deep};
  expectCrosses(Event{{}, {}, {}, {}, {}, {{"deep", deep}}, {}});
}

TEST(Wire, OpenFilesTravelBesideTheFrame) {
  const Media one = mediaOf("a/b", "one"), two = mediaOf("a/b", "two");
  const auto packed = overThePipe(pack(one, HttpReply{.file = two}, Media()));
  EXPECT_EQ(packed.attached, (Attachments{one.file, two.file}));
  std::string seen;
  const auto handler = unpacked<Media, HttpReply, Media>(
      [&](const Media& first, const HttpReply& second, const Media& third) {
        seen = bytesOf(first, 9) + bytesOf(*second.file, 9);
        EXPECT_FALSE(third.file);
        return *second.file;  // and back
      });
  EXPECT_EQ(resultOf<Media>(overThePipe(handler(packed))), two);
  EXPECT_EQ(seen, "onetwo");
}

TEST(Wire, AFileThatIsNotThereIsNonsense) {
  EXPECT_THROW(resultOf<Descriptor>({7, {}}), std::out_of_range);
  EXPECT_ANY_THROW(resultOf<Descriptor>({-1, {mediaOf("", "x").file}}));
  EXPECT_THROW(boost::json::value_from(mediaOf("a/b", "x")), std::logic_error)
      << "there is nothing to pass it beside";
}

TEST(Wire, ACallThatMakesACallKeepsItsFilesApart) {
  const Media outer = mediaOf("a/b", "outer"), inner = mediaOf("a/b", "inner");
  const auto handler = unpacked<Media>([&](const Media&) {
    EXPECT_EQ(pack(inner).attached, (Attachments{inner.file}));
    return outer;
  });
  EXPECT_EQ(handler(pack(outer)).attached, (Attachments{outer.file}));
}

TEST(Wire, NonsenseIsRefused) {
  const auto handler = unpacked<Level, std::string, Json>([](auto&&...) {});
  for (const std::string text :
       {"7", "[]", R"(["info"])", R"([0,"m",null])", R"(["loud","m",null])", R"(["info",7,null])"})
    EXPECT_ANY_THROW(handler({read(text), {}})) << text;
  EXPECT_ANY_THROW(resultOf<Proxy>({read(R"({"protocol":"http"})"), {}}));
  EXPECT_ANY_THROW(resultOf<SqlValue>({read(R"({"double":"2x"})"), {}}));
  EXPECT_ANY_THROW(resultOf<SqlValue>({read("2.5"), {}}));
}

TEST(Wire, AnErrorCrossesAsItsCodeItsSentenceAndItsWait) {
  const auto thrownAs = [](const auto& body) {
    try {
      body();
    } catch (...) {
      return crossed(caught());
    }
    return Thrown();
  };
  const auto failure = thrownAs([] { throw Error(Code::rateLimited, "Too many", 7s); });
  try {
    raise(failure);
  } catch (const Error& error) {
    EXPECT_EQ(error.code, Code::rateLimited);
    EXPECT_STREQ(error.what(), "Too many");
    EXPECT_EQ(error.retryAfter, 7s);
  }
  EXPECT_EQ(thrownAs([&] { raise(failure); }), failure);

  const auto bug = thrownAs([] { throw std::logic_error("a secret detail"); });
  EXPECT_EQ(bug.code, std::nullopt);
  EXPECT_THROW(raise(bug), std::runtime_error);
  EXPECT_EQ(thrownAs([&] { raise(bug); }), bug);
  EXPECT_EQ(thrownAs([] { throw 7; }), (Thrown{{}, "not a std::exception", {}}));
}

namespace {

// Whether a method can be called from another process.
template <auto kMethod>
concept CanCross = requires {
  method([] { return nullptr; }, kMethod);
};

struct Undescribed {
  int x;
};
struct Wrong {
  void inPlace(Event&) {}
  void view(std::string_view) {}
  void pointer(const int*) {}
  void callback(std::function<void()>) {}
  void undescribed(const Undescribed&) {}
  void right(const Event&) {}
};

static_assert(CanCross<&Wrong::right>);
static_assert(!CanCross<&Wrong::inPlace>);
static_assert(!CanCross<&Wrong::view>);
static_assert(!CanCross<&Wrong::pointer>);
static_assert(!CanCross<&Wrong::callback>);
static_assert(!CanCross<&Wrong::undescribed>);
static_assert(!CanCross<&IRoutes::add>, "its handler stays where it is");
static_assert(!CanCross<&IHost::log>, "a service is called, not handed over");

// Every call of the contract that goes from one side to the other. One that is missing here is
// found when it is called from a process of its own; one that cannot cross does not compile.
Handlers everyCall(IHost& gateway, IBlockConfigurator* block, ISocket* client) {
  const auto host = [&]() -> IHost& { return gateway; };
  const auto of = [host](auto service) {
    return [host, service]() -> decltype(auto) { return (host().*service)(); };
  };
  const auto self = [block]() -> IBlockConfigurator& { return *block; };
  const auto connector = [self]() -> IConnector& { return *self().connector(); };
  const auto enricher = [self]() -> IEnricher& { return *self().enricher(); };
  const auto proxies = [self]() -> IProxySource& { return *self().proxies(); };
  const auto httpSink = [self]() -> IHttpSink& { return dynamic_cast<IHttpSink&>(self()); };
  const auto eventSink = [self]() -> IEventSink& { return dynamic_cast<IEventSink&>(self()); };
  const auto socket = [client]() -> ISocket& { return *client; };
  return {
      // what a block asks of the gateway
      {"config", method(host, &IHost::config)},
      {"server", method(host, &IHost::server)},
      {"proxyFor", method(host, &IHost::proxyFor)},
      {"perform", method(host, &IHost::perform)},
      {"media", method(host, &IHost::media)},
      {"provision", method(host, &IHost::provision)},
      {"configure", method(host, &IHost::configure)},
      {"write", method(of(&IHost::log), &ILogger::write)},
      {"count", method(of(&IHost::metrics), &IMetrics::count)},
      {"observe", method(of(&IHost::metrics), &IMetrics::observe)},
      {"now", method(of(&IHost::clock), &IClock::now)},
      {"load", method(of(&IHost::settings), &ISettings::load)},
      {"save", method(of(&IHost::settings), &ISettings::save)},
      {"erase", method(of(&IHost::settings), &ISettings::erase)},
      {"open", method(of(&IHost::secrets), &ISecrets::open)},
      {"seal", method(of(&IHost::secrets), &ISecrets::seal)},
      {"eraseSecret", method(of(&IHost::secrets), &ISecrets::erase)},
      {"migrate", method(of(&IHost::sql), &ISql::migrate)},
      {"query", method(of(&IHost::sql), &ISql::query)},
      {"apply", method(of(&IHost::sql), &ISql::apply)},
      {"answer", method(of(&IHost::routes), &IRoutes::answer)},
      {"send", method(of(&IHost::http), &IHttpClient::send)},
      {"requireAllowed", method(of(&IHost::http), &IHttpClient::requireAllowed)},
      {"requireAllowedProxy", method(of(&IHost::http), &IHttpClient::requireAllowedProxy)},
      {"publish", method(of(&IHost::events), &IEvents::publish)},
      {"envelope", method(of(&IHost::events), &IEvents::envelope)},
      {"deliveries", method(of(&IHost::events), &IEvents::deliveries)},
      {"redeliver", method(of(&IHost::events), &IEvents::redeliver)},
      {"giveUp", method(of(&IHost::events), &IEvents::giveUp)},
      {"find", method(of(&IHost::instances), &IInstances::find)},
      {"findByName", method(of(&IHost::instances), &IInstances::findByName)},
      {"list", method(of(&IHost::instances), &IInstances::list)},
      {"admit", method(of(&IHost::instances), &IInstances::admit)},
      {"socketSend", method(socket, &ISocket::send)},
      {"socketClose", method(socket, &ISocket::close)},
      // declared without their handlers, which stay behind under the same names
      {"addRoute", unpacked<Route>([](const Route&) {})},
      {"addDialect", unpacked<std::string>([](const std::string&) {})},
      {"subscribe", unpacked<Delivery>([](const Delivery&) {})},
      // what the gateway asks of a block
      {"fields", method(self, &IBlockConfigurator::fields)},
      {"options", method(self, &IBlockConfigurator::options)},
      {"blockConfigure", unpacked<Instance, Json>([self](const Instance& instance, const Json& j) {
         self().configure(instance, Fields(j));
       })},
      {"summary", method(self, &IBlockConfigurator::summary)},
      {"forget", method(self, &IBlockConfigurator::forget)},
      {"health", method(self, &IBlockConfigurator::health)},
      {"stop", method(self, &IBlockConfigurator::stop)},
      {"connect", method(connector, &IConnector::connect)},
      {"reconnect", method(connector, &IConnector::reconnect)},
      {"disconnect", method(connector, &IConnector::disconnect)},
      {"logout", method(connector, &IConnector::logout)},
      {"profile", method(connector, &IConnector::profile)},
      {"connectorPerform", method(connector, &IConnector::perform)},
      {"connectorMedia", method(connector, &IConnector::media)},
      {"enrich", method(enricher, &IEnricher::enrich)},
      {"proxyOf", method(proxies, &IProxySource::proxyFor)},
      {"routeHttp", method(httpSink, &IHttpSink::route)},
      {"request", method(httpSink, &IHttpSink::request)},
      {"judge", method(httpSink, &IHttpSink::judge)},
      {"routeEvent", method(eventSink, &IEventSink::route)},
      {"deliver", method(eventSink, &IEventSink::deliver)},
      // of a route, a socket and a dialect
      {"handle", unpacked<HttpRequest>([](const HttpRequest&) { return HttpReply(); })},
      {"refuse", unpacked<Refusal>([](const Refusal&) { return Json(); })},
  };
}

class SidesBlock final : public IBlockConfigurator,
                         public IConnector,
                         public IProxySource,
                         public IEventSink {
 public:
  Json configured;
  std::optional<Proxy> dialled;

  std::vector<Field> fields() const override { return {kField}; }
  void start(IHost&) override {}
  void configure(const Instance&, const Fields& slice) override { configured = slice.document(); }
  Json summary(const Instance& instance) override { return {{"name", instance.name}}; }
  std::optional<std::string> health() override { return "ok"; }
  IConnector* connector() noexcept override { return this; }
  IProxySource* proxies() noexcept override { return this; }

  Link connect(const Instance&, const LinkRequest& asked) override {
    dialled = asked.proxy;
    return {Link::Kind::pairing, "code for " + asked.number};
  }
  void reconnect(const Instance&, const std::optional<Proxy>& proxy) override { dialled = proxy; }
  void disconnect(const Instance&) override {}
  void logout(const Instance&) override {}
  Profile profile(const Instance&) override { return {.name = "Ana"}; }
  Json perform(const Instance&, const std::string& operation, const Json&) override {
    throw Error(Code::unsupported, operation);
  }
  Media media(const Instance&, const std::string& key) override { return mediaOf("a/b", key); }
  std::optional<Proxy> proxyFor(const InstanceId&) const override { return kProxy; }
  std::vector<std::string> route(const Event& event) override { return {event.chat}; }
  Verdict deliver(const Event&, const std::string& to) override {
    return {Outcome::drop, to, kShop.createdAt};
  }
};

// Both ends of the pipe, and text between.
struct WireCalls : ::testing::Test {
  FakeHost host;
  SidesBlock block;
  FakeSocket client;
  Handlers calls = everyCall(host, &block, &client);

  template <class R = Json, class... A>
  R ask(const std::string& name, const A&... arguments) {
    auto answer = overThePipe(calls.at(name)(overThePipe(pack(arguments...))));
    return resultOf<R>(std::move(answer));
  }
};

}  // namespace

TEST_F(WireCalls, ReachTheServicesOfTheHost) {
  host.configNode = {{"a", 1}};
  EXPECT_EQ(ask("config"), host.configNode);
  EXPECT_EQ(ask<ServerInfo>("server"), host.serverInfo);
  host.time = kShop.createdAt;
  EXPECT_EQ(ask<TimePoint>("now"), kShop.createdAt);
  ask("write", Level::warn, std::string("line"), Json{{"k", 1}});
  EXPECT_EQ(host.logLines.at(0).level, Level::warn);
  ask("count", std::string("sent"), 2.0);
  EXPECT_EQ(host.counters, (std::map<std::string, double>{{"sent", 2}}));

  EXPECT_EQ(ask<std::optional<Json>>("load", kShop.id), std::nullopt);
  ask("save", kShop.id, Json{{"k", everyByte()}});
  EXPECT_EQ(ask<std::optional<Json>>("load", kShop.id), (Json{{"k", everyByte()}}));
  ask("seal", kShop.id, std::string("key"), everyByte());
  EXPECT_EQ(ask<std::optional<std::string>>("open", kShop.id, std::string("key")), everyByte());

  const std::vector<SqlRow> rows{{{"n", std::int64_t{1}}, {"x", 1.0}, {"s", "1"}, {"z", {}}}};
  host.rows = {rows};
  const Statement statement{"SELECT :a", {2.0}};
  EXPECT_EQ(ask<std::vector<SqlRow>>("query", statement), rows);
  EXPECT_EQ(host.statements.at(0), statement);
  ask("migrate", std::vector<Migration>{{1, "CREATE"}});
  EXPECT_EQ(host.migrations.at(0).sql, "CREATE");
}

TEST_F(WireCalls, ReachTheWorldThroughTheHost) {
  host.replies = {{204, kHeaders, everyByte()}};
  const OutgoingRequest request{.url = "http://x", .body = everyByte(), .through = kShop.id};
  EXPECT_EQ(ask<IncomingReply>("send", request), (IncomingReply{204, kHeaders, everyByte()}));
  EXPECT_EQ(host.requests.at(0), request);
  host.refused["http://10.0.0.1"] = "private address";
  EXPECT_THROW(ask("requireAllowed", std::string("http://10.0.0.1")), Error);

  EXPECT_EQ(ask<std::vector<std::string>>("publish", std::vector<Event>{kEvent, kEvent}).size(),
            2u);
  EXPECT_EQ(host.published.at(1).data, kEvent.data);
  EXPECT_EQ(ask("envelope", kEvent, true), host.events().envelope(kEvent, true));
  host.records = {{.id = "1", .destination = "crm", .httpStatus = 500, .nextAt = kShop.createdAt}};
  EXPECT_EQ(ask<std::vector<DeliveryRecord>>("deliveries", kShop.id, DeliveryQuery{}),
            host.records);
  ask("redeliver", kShop.id, std::vector<std::string>{"1"});
  EXPECT_EQ(host.redelivered, std::vector<std::string>{"1"});
  ask("giveUp", kShop.id, std::string("crm"), std::string("webhook disabled"));
  EXPECT_EQ(host.givenUp.at(0).second, "webhook disabled");

  host.known = {kShop};
  host.tokens["good"] = kShop.id;
  EXPECT_EQ(ask<Instance>("admit", std::string("good"), kShop.name), kShop);
  EXPECT_EQ(ask<std::optional<Instance>>("findByName", kShop.account, kShop.name), kShop);
  EXPECT_EQ(ask<std::vector<Instance>>("list", kShop.account), host.known);

  host.mediaByKey["key"] = mediaOf("image/png", everyByte());
  EXPECT_EQ(bytesOf(ask<Media>("media", kEvent), 1000), everyByte());
  host.provisionAnswers.push_back(Provisioned{kShop, {{"token", "t"}}, {"w"}});
  EXPECT_EQ(ask<Provisioned>("provision", kShop.account, Json{{"name", "shop"}}).warnings.at(0),
            "w");
}

TEST_F(WireCalls, ReachASocket) {
  ask("socketSend", std::make_shared<const std::string>(everyByte()));
  ask("socketClose", 4000, std::string("bye"));
  EXPECT_EQ(client.received, std::vector{everyByte()});
  EXPECT_EQ(client.closedWith, 4000);
}

TEST_F(WireCalls, ReachTheBlockAndItsSides) {
  EXPECT_EQ(ask<std::vector<Field>>("fields"), std::vector{kField});
  ask("blockConfigure", kShop, Json{{"greeterName", "Ana"}});
  EXPECT_EQ(block.configured, (Json{{"greeterName", "Ana"}}));
  EXPECT_EQ(ask("summary", kShop), (Json{{"name", "shop"}}));
  EXPECT_EQ(ask<std::optional<std::string>>("health"), "ok");
  EXPECT_EQ(ask<Link>("connect", kShop, LinkRequest{"55", 3, kProxy}),
            (Link{Link::Kind::pairing, "code for 55"}));
  EXPECT_EQ(block.dialled, kProxy);
  ask("reconnect", kShop, std::optional<Proxy>());
  EXPECT_EQ(block.dialled, std::nullopt);
  EXPECT_EQ(ask<Profile>("profile", kShop).name, "Ana");
  EXPECT_EQ(bytesOf(ask<Media>("connectorMedia", kShop, everyByte()), 1000), everyByte());
  EXPECT_EQ(ask<std::optional<Proxy>>("proxyOf", kShop.id), kProxy);
  EXPECT_EQ(ask<std::vector<std::string>>("routeEvent", kEvent), std::vector{kEvent.chat});
  EXPECT_EQ(ask<Verdict>("deliver", kEvent, std::string("to")),
            (Verdict{Outcome::drop, "to", kShop.createdAt}));
}
