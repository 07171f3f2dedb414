// Codes that a connector promises: who waits for them holds no thread.
#include <future>

#include "instance/qr_code.hpp"
#include "linker_test.hpp"

namespace pombo {
namespace {

class LinkerLater : public LinkerTest {
 protected:
  explicit LinkerLater(const LinkTimes& times = {}) : LinkerTest(times) {
    connector_.onConnect = [](const Instance&, const LinkRequest&) {
      return Link{Link::Kind::later};
    };
    connector_.onDisconnect = [this](const Instance& instance) {
      const std::lock_guard lock(mutex_);
      closed_.push_back(instance.id);
      changed_.notify_all();
    };
  }
  // What the caller is told: "qr 2@code", or why not.
  std::future<std::string> waiting(const Instance& instance) {
    auto promise = std::make_shared<std::promise<std::string>>();
    auto told = promise->get_future();
    const auto link = linker_.connect(instance, {}, [promise](const Link* got, const Error* error) {
      promise->set_value(got ? wordsFor(*got) : TempGateway::refusal(error->code, error->what()));
    });
    if (link) promise->set_value("at once " + wordsFor(*link));
    return told;
  }
  static std::string wordsFor(const Link& link) {
    switch (link.kind) {
      case Link::Kind::qr:
        return "qr " + link.code;
      case Link::Kind::pairing:
        return "pairing " + link.code;
      case Link::Kind::connected:
        return "connected";
      default:
        return "later";
    }
  }
  static bool isTold(const std::future<std::string>& told) {
    return told.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  void happens(const Instance& instance, const Json& data) {
    publish({{.type = "instance.state", .instance = instance.id, .data = data}});
  }
  std::vector<InstanceId> closed(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::minutes(1), [&] { return closed_.size() >= count; });
    return closed_;
  }

  std::vector<InstanceId> closed_;  // under mutex_
};

TEST_F(LinkerLater, TheCodeComesByAnEvent) {
  for (const auto& [data, words] : std::vector<std::pair<Json, std::string>>{
           {{{"state", "qr_ready"}, {"codes", {"2@a", "2@b"}}}, "qr 2@a"},
           {{{"state", "qr_ready"}, {"codes", boost::json::array()}, {"pairingCode", "ABCD1234"}},
            "pairing ABCD1234"},
           {{{"state", "connected"}, {"jid", "5511@s.whatsapp.net"}}, "connected"}}) {
    const Instance shop = made("loggedout"), other = made("disconnected");
    auto told = waiting(shop);
    auto others = waiting(other);
    EXPECT_EQ(statusOf(shop), "connecting");
    happens(shop, {{"state", "keepalive_timeout"}});
    happens(shop, {{"state", "stream_error"}});
    EXPECT_FALSE(isTold(told));
    happens(shop, data);
    EXPECT_EQ(told.get(), words);
    EXPECT_FALSE(isTold(others));
    happens(shop, data);  // nobody waits any more
  }
  linker_.drain();
}

TEST_F(LinkerLater, WhatHappensBeforeTheConnectorHasReturnedIsHeard) {
  const Instance shop = made("disconnected");
  connector_.onConnect = [&](const Instance&, const LinkRequest&) {
    happens(shop, {{"state", "qr_ready"}, {"codes", {"2@a"}}});
    return Link{Link::Kind::later};
  };
  EXPECT_EQ(waiting(shop).get(), "at once qr 2@a");
  connector_.onConnect = [&](const Instance&, const LinkRequest&) {
    happens(shop, {{"state", "connect_failure"}, {"code", 405}, {"reason", "no"}});
    return Link{Link::Kind::later};
  };
  EXPECT_EQ(connectRefusal(shop), said(Code::refused, "Failed to connect instance: no"));
  EXPECT_EQ(statusOf(shop), "disconnected");
}

TEST_F(LinkerLater, WhyThereIsNoCodeComesByAnEvent) {
  for (const auto& [data, words, status] : std::vector<std::tuple<Json, std::string, std::string>>{
           {{{"state", "connect_failure"}, {"code", 405}, {"reason", "no such client"}},
            said(Code::refused, "Failed to connect instance: no such client"),
            "disconnected"},
           {{{"state", "client_outdated"}},
            said(Code::refused, "Failed to connect instance: client_outdated"),
            "disconnected"},
           {{{"state", "logged_out"}, {"reason", "406: banned"}},
            said(Code::refused, "Failed to connect instance: 406: banned"),
            "banned"},
           {{{"state", "disconnected"}, {"reason", "pairing_timeout"}},
            said(Code::timedOut, "Timed out waiting for a code from WhatsApp"),
            "disconnected"}}) {
    const Instance shop = made("loggedout");
    auto told = waiting(shop);
    happens(shop, data);
    EXPECT_EQ(told.get(), words);
    EXPECT_EQ(statusOf(shop), status);
  }
}

TEST_F(LinkerLater, ANewerCallEndsAnOlderOneAtOnce) {
  const Instance shop = made("loggedout");
  auto first = waiting(shop), second = waiting(shop);
  const auto superseded = said(Code::conflict, "Superseded by a newer connect call");
  EXPECT_EQ(first.get(), superseded);
  EXPECT_FALSE(isTold(second));
  connector_.onConnect = [](const Instance&, const LinkRequest&) -> Link {
    throw Error(Code::refused, "no");
  };
  EXPECT_EQ(connectRefusal(shop), said(Code::refused, "Failed to connect instance: no"));
  EXPECT_EQ(second.get(), superseded);
  EXPECT_EQ(statusOf(shop), "loggedout") << "what it was before all three";
}

TEST_F(LinkerLater, ACodeWithoutAPictureIsNone) {
  const Instance shop = made("disconnected");
  linker_.start();
  auto told = waiting(shop);
  happens(shop, {{"state", "qr_ready"}, {"codes", {std::string(2954, 'x')}}});
  EXPECT_EQ(told.get(), said(Code::refused, "Failed to connect instance: its code has no picture"));
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id});
  EXPECT_EQ(statusOf(shop), "disconnected");
  linker_.drain();
}

TEST_F(LinkerLater, AStopAnswersAllWhoWait) {
  const Instance shop = made("loggedout"), other = made("disconnected");
  auto told = waiting(shop);
  linker_.drain();
  const auto stopping = said(Code::unavailable, "Server is shutting down");
  EXPECT_EQ(told.get(), stopping);
  EXPECT_EQ(statusOf(shop), "loggedout");
  EXPECT_EQ(connectRefusal(other), stopping);
  EXPECT_EQ(statusOf(other), "disconnected");
}

TEST_F(LinkerLater, AConnectorThatWasStartedAgainKeepsNoPromise) {
  const Instance shop = made("loggedout");
  auto told = waiting(shop);
  linker_.reset("other");
  EXPECT_FALSE(isTold(told));
  linker_.reset("links");
  EXPECT_EQ(told.get(),
            said(Code::refused, "Failed to connect instance: The connector was started again"));
  EXPECT_EQ(statusOf(shop), "loggedout");
}

TEST_F(LinkerLater, OneThatIsDeletedIsNotWaitedFor) {
  const Instance shop = made("disconnected");
  auto told = waiting(shop);
  gateway_.provisioner.remove(shop);
  linker_.forget(shop.id);
  EXPECT_EQ(told.get(), said(Code::notFound, "Instance not found"));
}

TEST_F(LinkerLater, WhoeverWaitsIsNotResumed) {
  const Instance shop = made("disconnected");
  auto told = waiting(shop);
  EXPECT_EQ(refusal([&] { linker_.resume(shop.id); }),
            said(Code::conflict, "Instance is being connected"));
  linker_.drain();
}

TEST_F(LinkerLater, WhatCannotBeGivenUpIsGivenUpLater) {
  const Instance shop = made("loggedout"), other = made("disconnected");
  for (const auto& each : {shop, other}) {
    std::optional<Refusing> refusing;
    connector_.onConnect = [&](const Instance&, const LinkRequest&) -> Link {
      refusing.emplace(gateway_.store.database(), "UPDATE", "instance");
      throw Error(Code::refused, "no");
    };
    EXPECT_EQ(connectRefusal(each), said(Code::refused, "Failed to connect instance: no"));
    EXPECT_EQ(statusOf(each), "connecting");
    linker_.sweep();
    EXPECT_EQ(statusOf(each), "connecting");
  }
  happens(other, {{"state", "stream_error"}});  // somebody is at work on it
  linker_.sweep();
  EXPECT_EQ(statusOf(shop), "loggedout");
  EXPECT_EQ(statusOf(other), "connecting");
}

// Times that are over at once.
class LinkerTimes : public LinkerLater {
 protected:
  LinkerTimes() : LinkerLater({std::chrono::milliseconds(1), std::chrono::milliseconds(1)}) {
    linker_.start();
  }
  ~LinkerTimes() override { linker_.drain(); }
};

TEST_F(LinkerTimes, NobodyWaitsForACodeForEver) {
  const Instance shop = made("loggedout");
  EXPECT_EQ(waiting(shop).get(),
            said(Code::timedOut, "Timed out waiting for a code from WhatsApp"));
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id}) << "the connector goes on waiting";
  EXPECT_EQ(statusOf(shop), "loggedout");
}

TEST_F(LinkerTimes, ACodeThatNobodyScansIsTakenBack) {
  connector_.onConnect = [](const Instance&, const LinkRequest&) {
    return Link{Link::Kind::qr, "2@code"};
  };
  const Instance shop = made("loggedout");
  EXPECT_EQ(connected(shop).code, "2@code");
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id});
  EXPECT_EQ(statusOf(shop), "disconnected");
  const std::lock_guard lock(mutex_);
  ASSERT_EQ(published_.size(), 1u);
  EXPECT_EQ(published_[0].at("state"), "disconnected");
  EXPECT_EQ(published_[0].at("reason"), "pairing_timeout");
}

TEST_F(LinkerTimes, ACodeThatWasScannedIsNotTakenBack) {
  const Instance scanned = made("disconnected"), shop = made("disconnected");
  connector_.onConnect = [&](const Instance& instance, const LinkRequest&) {
    if (instance.id == scanned.id) tell(scanned, "connected");
    return Link{Link::Kind::qr, "2@code"};
  };
  connected(scanned);
  connected(shop);
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id});
  EXPECT_EQ(statusOf(scanned), "connected");
}

}  // namespace
}  // namespace pombo
