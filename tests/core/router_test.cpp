#include "http/router.hpp"

#include <gtest/gtest.h>

#include <future>

#include "temp_store.hpp"

namespace pombo {
namespace {

constexpr auto kSlow = "/api/slow";

// One account that may have one slow call at a time.
class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    cors_.own("http://wa.example");
    table_.add({.route = {.method = Method::get, .path = kSlow, .slow = true},
                .handler = [this](const HttpRequest&) {
                  onCall();
                  return HttpReply();
                }});
    table_.close();
    router_ = std::make_unique<Router>(
        RouterOptions{.workers = 2, .slowWorkers = 2, .accessLog = false}, table_, admission_,
        cors_, *sockets_, audit_, log_, metrics_, store_.clock);
  }

  void ask(std::function<void(Answer)> then) {
    RequestHead head;
    head.id = "r";
    head.method = "GET";
    head.target = kSlow;
    head.headers = {{"token", owner_.token.reveal()}};
    head.peer = "192.0.2.1";
    const Expectation expectation = router_->expect(head);
    router_->serve(std::make_shared<const RequestHead>(std::move(head)), "", expectation.state,
                   std::move(then));
  }
  Answer ask() {
    std::promise<Answer> answered;
    ask([&](Answer answer) { answered.set_value(std::move(answer)); });
    return answered.get_future().get();
  }

  std::function<void()> onCall = [] {};
  TempStore store_;
  Log log_{"off"};
  Metrics metrics_;
  Accounts accounts_{store_.database(), store_.sealer()};
  InstanceStore instances_{store_.database(), store_.sealer()};
  Authentication authentication_{store_.database(), store_.sealer(), accounts_, store_.clock};
  ClientAddress addresses_{{}};
  Cors cors_{{}, {}, accounts_};
  Limits limits_;
  Admission admission_{
      {.slowPerAccount = 1}, authentication_, addresses_, cors_, instances_, limits_};
  const NewAccount owner_ = accounts_.create({.name = "one"}, store_.clock.now());
  AuditLog audit_{"", log_, metrics_};
  std::shared_ptr<Sockets> sockets_ = std::make_shared<Sockets>(SocketLimits(), log_);
  RouteTable table_;
  std::unique_ptr<Router> router_;
};

TEST_F(RouterTest, ASlowCallTooManyIsRefused) {
  Answer meanwhile;
  onCall = [&] { meanwhile = ask(); };
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(meanwhile.status, 503);
  EXPECT_EQ(meanwhile.headers.at("retry-after"), "1");
}

TEST_F(RouterTest, WhoHasTheAnswerOfASlowCallMayMakeAnother) {
  std::promise<std::pair<int, int>> both;
  ask([&](Answer first) { both.set_value({first.status, ask().status}); });
  EXPECT_EQ(both.get_future().get(), std::pair(200, 200));
}

}  // namespace
}  // namespace pombo
