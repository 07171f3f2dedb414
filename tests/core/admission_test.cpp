#include "http/admission.hpp"

#include <gtest/gtest.h>

#include "instance/identity.hpp"
#include "temp_store.hpp"

namespace pombo {
namespace {

using std::chrono::seconds;

constexpr auto kAdminToken = "an-admin-token-of-forty-visible-letters.";
constexpr auto kPage = "https://app.example";

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() { cors_.own("http://wa.example/gateway"); }

  ServedRoute route(Access access, const std::string& path = "/x") {
    return {.route = {.path = path, .access = access}};
  }
  // One with these headers; the clock of the limits is real, but nothing here waits for it.
  std::shared_ptr<Call> call(const ServedRoute* served, Headers headers) {
    auto made = std::make_shared<Call>();
    RequestHead head;
    head.id = "r";
    head.method = "GET";
    head.target = "/x";
    head.headers = std::move(headers);
    head.peer = "192.0.2.1";
    made->head = std::make_shared<const RequestHead>(std::move(head));
    made->path = "/x";
    made->match.route = served;
    cors_.begin(*made, *made->head, served);
    return made;
  }
  std::string outcome(Call& call) {
    try {
      admission_.check(call);
      return "passes";
    } catch (const Error& error) {
      return error.what();
    }
  }
  std::string outcome(const ServedRoute* served, Headers headers) {
    return outcome(*call(served, std::move(headers)));
  }
  NewAccount account(const std::string& name, std::vector<std::string> origins = {}) {
    return accounts_.create({.name = name, .origins = std::move(origins)}, store_.clock.now());
  }
  std::string instanceOf(const NewAccount& owner) {
    const std::string token = newInstanceToken();
    store_.database().commit([&](Session& session) {
      instances_.insert(session,
                        {.id = {newId()},
                         .account = owner.account.id,
                         .name = "x",
                         .connector = "c",
                         .status = kDisconnected,
                         .createdAt = store_.clock.now()},
                        token);
    });
    return token;
  }

  TempStore store_;
  Accounts accounts_{store_.database(), store_.sealer()};
  InstanceStore instances_{store_.database(), store_.sealer()};
  Authentication authentication_{store_.database(), store_.sealer(), accounts_, store_.clock};
  ClientAddress addresses_{{}};
  Cors cors_{{"https://everywhere.example"}, {"https://live.example"}, accounts_};
  Limits limits_;
  Admission admission_{{.anonymousPerMinute = 3, .adminPerMinute = 2, .adminToken = kAdminToken},
                       authentication_,
                       addresses_,
                       cors_,
                       instances_,
                       limits_};
  const ServedRoute own_ = route(Access::account);
  const ServedRoute open_ = route(Access::open);
  const ServedRoute admin_ = route(Access::admin);
};

TEST_F(AdmissionTest, APageMayCallWhereItsAccountSaysSo) {
  const auto one = account("one", {kPage}), other = account("other"), any = account("any", {"*"});
  const std::string token = instanceOf(one);
  const auto as = [&](const std::string& value, const std::string& origin) {
    ServedRoute served = route(Access::instance);
    return outcome(&served, {{"token", value}, {"origin", origin}});
  };
  EXPECT_EQ(as(one.token.reveal(), kPage), "passes");
  EXPECT_EQ(as(token, kPage), "passes") << "its instances' tokens, too";
  EXPECT_EQ(as(other.token.reveal(), kPage), "Origin is not allowed");
  EXPECT_EQ(as(one.token.reveal(), "https://other.example"), "Origin is not allowed");
  EXPECT_EQ(as(one.token.reveal(), "null"), "Origin is not allowed");
  EXPECT_EQ(as(one.token.reveal(), ""), "passes") << "no page";
  for (const auto* origin : {"https://other.example", "null", "what is this"})
    EXPECT_EQ(as(any.token.reveal(), origin), "passes") << origin;
  for (const auto* origin : {"https://everywhere.example", "http://wa.example"})
    EXPECT_EQ(as(other.token.reveal(), origin), "passes") << origin;
  EXPECT_EQ(as(other.token.reveal(), "https://wa.example"), "Origin is not allowed");
}

TEST_F(AdmissionTest, SpellingsOfOneOriginAreOne) {
  const auto one = account("one", {"HTTPS://App.Example:443"});
  for (const auto* origin : {kPage, "https://app.example:443", "https://APP.example"})
    EXPECT_EQ(outcome(&own_, {{"token", one.token.reveal()}, {"origin", origin}}), "passes");
  EXPECT_EQ(outcome(&own_, {{"token", one.token.reveal()}, {"origin", "https://app.example:8443"}}),
            "Origin is not allowed");
}

TEST_F(AdmissionTest, TheTokenComesBeforeTheOriginAndTheOriginBeforeTheLimit) {
  const auto one = accounts_.create({.name = "one", .generalLimit = 1}, store_.clock.now());
  const Headers foreign{{"token", one.token.reveal()}, {"origin", kPage}};
  EXPECT_EQ(outcome(&own_, {{"token", "wrong"}, {"origin", kPage}}), "Invalid token");
  for (int i = 0; i < 3; ++i) {
    const auto refused = call(&own_, foreign);
    EXPECT_EQ(outcome(*refused), "Origin is not allowed");
    EXPECT_FALSE(refused->limited);
  }
  EXPECT_EQ(outcome(&own_, {{"token", one.token.reveal()}}), "passes") << "the one there was";
  EXPECT_EQ(outcome(&own_, {{"token", one.token.reveal()}}),
            "Rate limit exceeded. Try again later.");
  EXPECT_EQ(outcome(&own_, foreign), "Origin is not allowed");
}

TEST_F(AdmissionTest, TheOriginComesBeforeThePath) {
  const auto one = account("one");
  EXPECT_EQ(outcome(nullptr, {{"token", one.token.reveal()}, {"origin", kPage}}),
            "Origin is not allowed");
  EXPECT_EQ(outcome(nullptr, {{"token", one.token.reveal()}}), "Not found");
}

// Whether the page may read the answer.
TEST_F(AdmissionTest, AStrangersAnswerIsForThePagesOfAnybody) {
  account("one", {kPage});
  const auto off = account("off", {"https://off.example"});
  accounts_.set(off.account.id, {.enabled = false});
  const auto allowed = [&](const ServedRoute* served, const std::string& origin) {
    const auto made = call(served, {{"token", "wrong"}, {"origin", origin}});
    outcome(*made);
    Answer answer;
    Cors::addTo(*made, answer);
    return answer.headers["access-control-allow-origin"] == origin;
  };
  EXPECT_TRUE(allowed(&own_, kPage)) << "401";
  EXPECT_FALSE(allowed(&own_, "https://other.example"));
  EXPECT_FALSE(allowed(&own_, "https://off.example")) << "of an account that is disabled";
  EXPECT_TRUE(allowed(&open_, kPage));
  EXPECT_FALSE(allowed(&open_, "https://other.example")) << "served, but not to be read";
  EXPECT_EQ(outcome(&open_, {{"origin", "https://other.example"}}),
            "Rate limit exceeded. Try again later.")
      << "strangers have had three calls";
}

TEST_F(AdmissionTest, AnyPageMayReadWhatSaysSo) {
  ServedRoute probe = route(Access::open);
  probe.route.bucket = Bucket::none;
  probe.anyOrigin = true;
  const auto made = call(&probe, {{"origin", "https://other.example"}});
  EXPECT_EQ(outcome(*made), "passes");
  EXPECT_TRUE(made->originWelcome);
}

TEST_F(AdmissionTest, TheAdminCallsFromTheServersPagesAlone) {
  account("any", {"*"});
  const auto from = [&](const std::string& origin) {
    return outcome(&admin_, {{"token", kAdminToken}, {"origin", origin}});
  };
  EXPECT_EQ(from(kPage), "Origin is not allowed") << "an account has no say in it";
  EXPECT_EQ(from("https://everywhere.example"), "passes");
  EXPECT_EQ(from("http://wa.example"), "passes");
  EXPECT_EQ(from("http://wa.example"), "Rate limit exceeded. Try again later.");
}

TEST_F(AdmissionTest, TheAdminsTokenIsNoneInAQuery) {
  const auto made = call(&admin_, {});
  made->query = std::string("token=") + kAdminToken;
  EXPECT_EQ(outcome(*made), "Invalid token");
  EXPECT_EQ(made->tokenPlace, "none");
  EXPECT_EQ(outcome(&admin_, {{"authorization", std::string("Bearer ") + kAdminToken}}), "passes");
}

TEST_F(AdmissionTest, WithoutAnAdminTokenNothingIsTheAdmins) {
  Admission without({}, authentication_, addresses_, cors_, instances_, limits_);
  for (const auto* token : {"", "x"}) {
    const auto made = call(&admin_, {{"token", token}});
    EXPECT_THROW(without.check(*made), Error) << token;
    EXPECT_FALSE(made->admin);
  }
}

TEST_F(AdmissionTest, SocketsHaveOriginsOfTheirOwn) {
  const auto owner = account("socket", {kPage});
  const std::string token = owner.token.reveal();
  ServedRoute socket = route(Access::instance);
  socket.socket = [](const HttpRequest&, std::shared_ptr<ISocket>) {};
  const auto from = [&](const std::string& origin) {
    return outcome(&socket, {{"token", token}, {"origin", origin}});
  };
  EXPECT_EQ(from("https://live.example"), "passes");
  EXPECT_EQ(from("http://wa.example"), "passes");
  EXPECT_EQ(outcome(&socket, {{"token", token}}), "passes");
  for (const std::string other : {kPage, "https://everywhere.example", "null", "https://x.example"})
    EXPECT_EQ(from(other), "Origin is not allowed") << other;
  EXPECT_EQ(outcome(&socket, {{"token", "wrong"}, {"origin", "null"}}), "Invalid token");
  EXPECT_EQ(outcome(&socket, {{"origin", "null"}}),
            "Missing token in header, Authorization header, or query parameter");
  EXPECT_EQ(outcome(&own_, {{"token", token}, {"origin", "https://live.example"}}),
            "Origin is not allowed");
}

TEST_F(AdmissionTest, TheAdminsTokenIsNotLookedUpLater) {
  for (const auto& [access, kept] : {std::pair(Access::account, true), {Access::admin, false}}) {
    ServedRoute socket = route(access);
    socket.socket = [](const HttpRequest&, std::shared_ptr<ISocket>) {};
    const auto token = kept ? account("one").token.reveal() : kAdminToken;
    const auto made = call(&socket, {{"token", token}});
    EXPECT_EQ(outcome(*made), "passes");
    EXPECT_EQ(made->tokenHash.empty(), !kept);
  }
}

TEST_F(AdmissionTest, WhoListensIsKnownByTheHashOfTheToken) {
  const auto owner = account("listener"), stranger = account("stranger");
  const std::string token = instanceOf(owner);
  const auto instance = authentication_.callerOf(Secret(token))->instance;
  const auto may = [&](const std::string& by, const InstanceId& id) {
    return admission_.mayListen({id, authentication_.hashOf(Secret(by))});
  };
  EXPECT_TRUE(may(token, instance->id));
  EXPECT_TRUE(may(owner.token.reveal(), instance->id));
  EXPECT_FALSE(may(token, {"another"}));
  EXPECT_FALSE(may(stranger.token.reveal(), instance->id));
  EXPECT_FALSE(may(owner.token.reveal(), {"gone"}));
  EXPECT_FALSE(may("nobody's", instance->id));
  EXPECT_FALSE(admission_.mayListen({instance->id, ""}));
}

TEST_F(AdmissionTest, AGraceEndsWithItsTime) {
  const auto one = account("one");
  const Secret fresh = accounts_.rotate(one.account.id, seconds(60), store_.clock.now());
  const auto with = [&](const Secret& token) {
    return outcome(&own_, {{"token", token.reveal()}});
  };
  store_.clock.time += seconds(59);
  EXPECT_EQ(with(one.token), "passes");
  store_.clock.time += seconds(1);
  EXPECT_EQ(with(one.token), "Invalid token");
  EXPECT_EQ(with(fresh), "passes");
  accounts_.set(one.account.id, {.enabled = false});
  EXPECT_EQ(with(fresh), "Invalid token");
}

TEST_F(AdmissionTest, TellsWhereATokenStood) {
  ServedRoute evolution = route(Access::account);
  evolution.route.tokenHeader = "apikey";
  const auto place = [&](Headers headers, const std::string& query = "") {
    const auto made = call(&evolution, std::move(headers));
    made->query = query;
    outcome(*made);
    return made->tokenPlace;
  };
  EXPECT_EQ(place({{"token", "a"}, {"apikey", "b"}}), "header token");
  EXPECT_EQ(place({{"token", " "}, {"authorization", "Bearer a"}}), "header authorization");
  EXPECT_EQ(place({{"apikey", "a"}}, "token=b"), "header apikey");
  EXPECT_EQ(place({}, "token=b"), "query");
  EXPECT_EQ(place({{"authorization", "Basic a"}}), "none");
}

TEST(CorsTest, EntriesAreOrigins) {
  TempStore store;
  const Accounts accounts(store.database(), store.sealer());
  for (const auto* wrong : {"", "null", "app.example", "https://app.example/", "https://*.example"})
    EXPECT_THROW(Cors({kPage, wrong}, {}, accounts), std::runtime_error) << wrong;
  EXPECT_NO_THROW(Cors({kPage, "*", "HTTP://[::1]:3000"}, {"*"}, accounts));
}

TEST_F(AdmissionTest, WhereSeveralMayBeNamedAllOfThemAreChecked) {
  const auto one = account("one");
  const std::string token = instanceOf(one);  // its name is x
  ServedRoute served = route(Access::instance, "/metrics/:instance");
  served.several = true;
  const auto named = [&](const std::string& value, const std::string& names) {
    const auto made = call(&served, {{"token", value}});
    made->match.params = {{"instance", names}};
    return outcome(*made);
  };
  for (const auto& value : {token, one.token.reveal()}) {
    for (const char* good : {"x", " x ,x,", "x,x"}) EXPECT_EQ(named(value, good), "passes") << good;
    for (const char* none : {" ", ",", " , "})
      EXPECT_EQ(named(value, none), "Instance name is required") << none;
  }
  for (const char* bad : {"x,gone", "gone,x", "gone"}) {
    EXPECT_EQ(named(one.token.reveal(), bad), "Instance not found") << bad;
    EXPECT_EQ(named(token, bad), "Instance token does not match the requested instance") << bad;
  }
  served.several = false;
  EXPECT_EQ(named(one.token.reveal(), "x,x"), "Instance not found");
}

}  // namespace
}  // namespace pombo
