#include "pombo/testing/fake_host.hpp"

#include <gtest/gtest.h>

using namespace pombo;
using namespace std::chrono_literals;

namespace {

const Instance kShop{{"i-1"}, {"a-1"}, "shop", "loop", "connected", "", {}};
const Instance kBar{{"i-2"}, {"a-1"}, "bar", "loop", "connected", "", {}};
const Instance kFar{{"i-3"}, {"a-2"}, "shop", "loop", "connected", "", {}};
const Event kMessage{"e-1", "message.exchange", kShop.id, {}, "chat-1", {{"text", "hi"}}, "key"};

// Notes what it is told in every place that a block has.
class NotingBlock final : public IBlockConfigurator {
 public:
  std::vector<Field> options() const override {
    return {{.name = "limit", .type = Type::integer, .fallback = 3}};
  }
  void start(IHost& host) override {
    host_ = &host;
    limit_ = Fields(host.config()).get<int>("limit", 3);
    host.sql().migrate({{1, "CREATE TABLE noting_notes (note TEXT)"}});
  }
  void configure(const Instance& instance, const Fields& slice) override {
    const auto note = slice.require<std::string>("notingNote");
    host_->settings().save(instance.id, {{"length", note.size()}});
    host_->secrets().seal(instance.id, "note", note);
    host_->sql().apply(
        {{"DELETE FROM noting_notes"}, {"INSERT INTO noting_notes VALUES (:n)", {note}}});
    host_->log().write(Level::info, "Noted", {{"length", note.size()}});
    host_->metrics().count("notes", 1);
    host_->metrics().observe("length", static_cast<double>(note.size()));
  }
  Json summary(const Instance& instance) override {
    const auto rows = host_->sql().query({"SELECT count(*) AS n FROM noting_notes"});
    return {{"limit", limit_},
            {"note", host_->secrets().open(instance.id, "note") ? "set" : "none"},
            {"rows", rows.empty() ? 0 : std::get<std::int64_t>(rows.front().at("n"))},
            {"at", std::chrono::system_clock::to_time_t(host_->clock().now())}};
  }
  void forget(const Instance& instance) override {
    host_->secrets().erase(instance.id, "note");
    host_->settings().erase(instance.id);
  }
  std::optional<std::string> health() override { return "ok"; }

 private:
  IHost* host_ = nullptr;
  int limit_ = 0;
};

// Links without a phone; knows a proxy and adds to events as well.
class LoopBlock final : public IBlockConfigurator,
                        private IConnector,
                        private IEnricher,
                        private IProxySource {
 public:
  void start(IHost& host) override { host_ = &host; }
  Json summary(const Instance&) override { return {}; }
  IConnector* connector() noexcept override { return this; }
  IEnricher* enricher() noexcept override { return this; }
  IProxySource* proxies() noexcept override { return this; }

 private:
  Link connect(const Instance& instance, const LinkRequest& asked) override {
    if (!asked.number.empty()) return {Link::Kind::pairing, "ABCD-EFGH"};
    say(instance, "connecting");
    return {Link::Kind::qr, "loop:" + instance.name};
  }
  void reconnect(const Instance& instance, const std::optional<Proxy>&) override {
    say(instance, "connected");
  }
  void disconnect(const Instance& instance) override { say(instance, "disconnected"); }
  void logout(const Instance& instance) override { say(instance, "loggedout"); }
  Profile profile(const Instance& instance) override { return {.name = instance.name}; }
  Json perform(const Instance&, const std::string& operation, const Json& arguments) override {
    if (operation != "message.text") throw Error(Code::unsupported, operation);
    return {{"sent", arguments.at("text")}};
  }
  Media media(const Instance&, const std::string& key) override {
    return mediaOf("text/plain", key);
  }
  Json enrich(const Event& event) override {
    if (event.mediaKey.empty()) return {};
    return {{"media", {{"url", "http://store/" + event.mediaKey}}}};
  }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override { return host_->proxyFor(id); }
  void say(const Instance& instance, const std::string& state) {
    host_->events().publish(
        {{{}, "instance.state", instance.id, host_->clock().now(), {}, {{"state", state}}, {}}});
  }

  IHost* host_ = nullptr;
};

Code codeOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code;
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

}  // namespace

TEST(FakeHost, KeepsWhatABlockStores) {
  FakeHost host;
  NotingBlock block;
  block.start(host);
  const Json slice{{"notingNote", "hello"}};
  block.configure(kShop, Fields(slice));
  EXPECT_EQ(host.documents.at(kShop.id), (Json{{"length", 5}}));
  EXPECT_EQ(host.sealed.at({kShop.id, "note"}), "hello");
  EXPECT_EQ(host.settings().load(kBar.id), std::nullopt);
  EXPECT_EQ(host.secrets().open(kBar.id, "note"), std::nullopt);
  block.forget(kShop);
  EXPECT_TRUE(host.documents.empty());
  EXPECT_TRUE(host.sealed.empty());
}

TEST(FakeHost, RecordsSqlAndFindsWhatTheTestSays) {
  FakeHost host;
  NotingBlock block;
  block.start(host);
  ASSERT_EQ(host.migrations.size(), 1u);
  const Json slice{{"notingNote", "hello"}};
  block.configure(kShop, Fields(slice));
  ASSERT_EQ(host.statements.size(), 2u);
  EXPECT_EQ(host.statements[1].values, (std::vector<SqlValue>{"hello"}));
  host.rows = {{{{"n", std::int64_t{7}}}}};
  EXPECT_EQ(block.summary(kShop).at("rows"), 7);
  EXPECT_EQ(block.summary(kShop).at("rows"), 0) << "the queue is empty";
}

TEST(FakeHost, ShowsWhatABlockTellsTheOperator) {
  FakeHost host;
  NotingBlock block;
  block.start(host);
  const Json slice{{"notingNote", "hello"}};
  block.configure(kShop, Fields(slice));
  block.configure(kShop, Fields(slice));
  ASSERT_EQ(host.logLines.size(), 2u);
  EXPECT_EQ(host.logLines[0].level, Level::info);
  EXPECT_EQ(host.logLines[0].message, "Noted");
  EXPECT_EQ(host.logLines[0].fields, (Json{{"length", 5}}));
  EXPECT_EQ(host.counters.at("notes"), 2);
  EXPECT_EQ(host.gauges.at("length"), 5);
}

TEST(FakeHost, ItsClockAndConfigurationAreTheTests) {
  FakeHost host;
  host.configNode = {{"limit", 9}};
  host.time = TimePoint(42s);
  host.serverInfo = {"1.2.3", "https://wa.example.com"};
  NotingBlock block;
  block.start(host);
  EXPECT_EQ(block.summary(kShop).at("limit"), 9);
  EXPECT_EQ(block.summary(kShop).at("at"), 42);
  EXPECT_EQ(host.server().baseUrl, "https://wa.example.com");
}

TEST(FakeHost, KnowsTheInstancesItIsGiven) {
  FakeHost host;
  host.known = {kShop, kFar, kBar};
  const auto& instances = host.instances();
  EXPECT_EQ(instances.find(kBar.id), kBar);
  EXPECT_EQ(instances.find({"i-9"}), std::nullopt);
  EXPECT_EQ(instances.findByName({"a-2"}, "shop"), kFar);
  EXPECT_EQ(instances.findByName({"a-2"}, "bar"), std::nullopt);
  EXPECT_EQ(instances.list({"a-1"}), (std::vector{kBar, kShop})) << "in order of their names";
}

TEST(FakeHost, AdmitsByTheTableOfTokens) {
  FakeHost host;
  host.known = {kShop, kBar};
  host.tokens = {{"good", kShop.id}, {"orphan", {"i-9"}}};
  EXPECT_EQ(host.instances().admit("good", "shop"), kShop);
  const auto refusal = [&](const char* token, const char* name) {
    return codeOf([&] { host.instances().admit(token, name); });
  };
  EXPECT_EQ(refusal("good", "bar"), Code::forbidden);
  EXPECT_EQ(refusal("bad", "shop"), Code::unauthorized);
  EXPECT_EQ(refusal("orphan", "shop"), Code::unauthorized);
}

TEST(FakeHost, PerformsAsTheTestSays) {
  FakeHost host;
  host.performAnswers.push_back(Json{{"id", "m-1"}});
  host.performAnswers.push_back(Error(Code::timedOut, "Timed out", 3s));
  const auto perform = [&] { return host.perform(kShop, "message.text", {{"text", "hi"}}); };
  EXPECT_EQ(perform(), (Json{{"id", "m-1"}}));
  EXPECT_EQ(codeOf(perform), Code::timedOut);
  EXPECT_EQ(codeOf(perform), Code::unavailable) << "no connector";
  ASSERT_EQ(host.performed.size(), 3u);
  EXPECT_EQ(host.performed[0].operation, "message.text");
  EXPECT_EQ(host.performed[0].arguments, (Json{{"text", "hi"}}));
  EXPECT_EQ(host.performed[0].instance, kShop);
}

TEST(FakeHost, HasTheMediaItIsGiven) {
  FakeHost host;
  host.mediaByKey["key"] = mediaOf("image/png", "bytes");
  EXPECT_EQ(bytesOf(host.media(kMessage), 10), "bytes");
  Event other = kMessage;
  other.mediaKey = "other";
  EXPECT_EQ(codeOf([&] { host.media(other); }), Code::notFound);
}

TEST(FakeHost, ProvisionsAndConfiguresAsTheTestSays) {
  FakeHost host;
  host.provisionAnswers.push_back(Provisioned{kShop, {{"token", "t"}}, {}});
  host.provisionAnswers.push_back(Provisioned{kShop, {}, {"unknown field"}});
  host.provisionAnswers.push_back(Error(Code::conflict, "Instance or token already exists"));
  const Json body{{"instance", "shop"}};
  EXPECT_EQ(host.provision(kShop.account, body).shown.at("token"), "t");
  EXPECT_EQ(host.configure(kShop, body).warnings.size(), 1u);
  EXPECT_EQ(codeOf([&] { host.provision(kShop.account, body); }), Code::conflict);
  EXPECT_EQ(host.provisioned.size(), 2u);
  EXPECT_EQ(host.provisioned[0].second, body);
  ASSERT_EQ(host.configured.size(), 1u);
  EXPECT_EQ(host.configured[0].first, kShop);
}

TEST(FakeHost, AConnectorIsTestedByItsSideAndItsEvents) {
  FakeHost host;
  LoopBlock block;
  block.start(host);
  IConnector& loop = *block.connector();
  EXPECT_EQ(loop.connect(kShop, {}), (Link{Link::Kind::qr, "loop:shop"}));
  EXPECT_EQ(loop.connect(kShop, {.number = "55119"}).kind, Link::Kind::pairing);
  loop.reconnect(kShop, std::nullopt);
  loop.disconnect(kShop);
  loop.logout(kShop);
  std::vector<std::string> states;
  for (const auto& event : host.published) states.emplace_back(event.data.at("state").as_string());
  EXPECT_EQ(states,
            (std::vector<std::string>{"connecting", "connected", "disconnected", "loggedout"}));
  EXPECT_EQ(loop.profile(kShop).name, "shop");
  EXPECT_EQ(loop.perform(kShop, "message.text", {{"text", "hi"}}), (Json{{"sent", "hi"}}));
  EXPECT_EQ(codeOf([&] { loop.perform(kShop, "group.create", {}); }), Code::unsupported);
  EXPECT_EQ(bytesOf(loop.media(kShop, "key"), 10), "key");
}

TEST(FakeHost, AnEnricherAndAProxySourceAreTestedByTheirSides) {
  FakeHost host;
  host.proxies[kShop.id] = {"socks5", "proxy", 1080, {}, {}};
  LoopBlock block;
  block.start(host);
  EXPECT_EQ(block.enricher()->enrich(kMessage), (Json{{"media", {{"url", "http://store/key"}}}}));
  EXPECT_EQ(block.proxies()->proxyFor(kShop.id)->port, 1080);
  EXPECT_EQ(block.proxies()->proxyFor(kBar.id), std::nullopt);
}

TEST(FakeHost, ABlockOffersNothingUnlessItSaysSo) {
  NotingBlock block;
  EXPECT_EQ(block.connector(), nullptr);
  EXPECT_EQ(block.enricher(), nullptr);
  EXPECT_EQ(block.proxies(), nullptr);
  EXPECT_TRUE(block.fields().empty());
  EXPECT_EQ(block.options().size(), 1u);
  EXPECT_EQ(block.health(), "ok");
}
