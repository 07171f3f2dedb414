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
    const auto refused = refusal([&] {
      const auto link =
          linker_.connect(instance, {}, [promise](const Link* got, const Error* error) {
            promise->set_value(got ? wordsFor(*got) : said(error->code, error->what()));
          });
      if (link) promise->set_value("at once " + wordsFor(*link));
    });
    if (!refused.empty()) promise->set_value(refused);
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
  // A code that nobody can scan: it is closed.
  void tellUnfit(const Instance& instance) {
    happens(instance, {{"state", "qr_ready"}, {"codes", {std::string(2954, 'x')}}});
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
  tellUnfit(shop);
  EXPECT_EQ(told.get(), said(Code::refused, "Failed to connect instance: its code has no picture"));
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id});
  EXPECT_EQ(statusOf(shop), "disconnected");
  linker_.drain();
}

TEST_F(LinkerLater, AnOlderCallThatComesBackLaterIsSuperseded) {
  const Instance shop = made("disconnected");
  std::future<std::string> newer;
  bool isOlder = true;
  connector_.onConnect = [&](const Instance&, const LinkRequest&) {
    if (!std::exchange(isOlder, false)) return Link{Link::Kind::later};
    newer = waiting(shop);
    return Link{Link::Kind::qr, "2@old"};
  };
  EXPECT_EQ(connectRefusal(shop), said(Code::conflict, "Superseded by a newer connect call"));
  happens(shop, {{"state", "qr_ready"}, {"codes", {"2@new"}}});
  EXPECT_EQ(newer.get(), "qr 2@new");
}

TEST_F(LinkerLater, ANewerCallIsNotClosedForAnOlderOne) {
  const Instance slow = made("disconnected"), shop = made("disconnected"),
                 last = made("disconnected");
  std::promise<void> begun, goOn;
  connector_.onDisconnect = [&, record = connector_.onDisconnect](const Instance& instance) {
    if (instance.id == slow.id) {
      begun.set_value();
      goOn.get_future().wait();
    }
    record(instance);
  };
  linker_.start();
  std::vector<std::future<std::string>> told;
  for (const auto& each : {slow, shop, last}) told.push_back(waiting(each));
  tellUnfit(slow);
  begun.get_future().wait();
  tellUnfit(shop);  // is closed after the slow one
  told.push_back(waiting(shop));
  tellUnfit(last);
  goOn.set_value();
  EXPECT_EQ(closed(2), (std::vector<InstanceId>{slow.id, last.id}));
  EXPECT_FALSE(isTold(told.back()));
  linker_.drain();
}

TEST_F(LinkerLater, WhatAReconnectHasOpenedMeanwhileIsNotClosed) {
  const Instance shop = made("disconnected"), other = made("disconnected");
  linker_.start();
  auto told = waiting(shop), others = waiting(other);
  linker_.reconnect(shop);
  tellUnfit(shop);
  tellUnfit(other);
  EXPECT_EQ(told.get(), others.get());
  EXPECT_EQ(closed(1), std::vector<InstanceId>{other.id});
  EXPECT_EQ(statusOf(shop), "connecting");
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

TEST_F(LinkerLater, AStopAnswersWhileAConnectorIsSlowToClose) {
  const Instance slow = made("disconnected"), shop = made("disconnected");
  auto unfit = waiting(slow), told = waiting(shop);
  std::promise<void> begun;
  connector_.onDisconnect = [&](const Instance&) {
    begun.set_value();
    EXPECT_EQ(told.wait_for(std::chrono::minutes(1)), std::future_status::ready);
  };
  linker_.start();
  tellUnfit(slow);
  begun.get_future().wait();
  linker_.drain();
  EXPECT_EQ(told.get(), said(Code::unavailable, "Server is shutting down"));
}

TEST_F(LinkerLater, AConnectorThatHasEndedKeepsNoPromise) {
  const Instance shop = made("loggedout");
  auto told = waiting(shop);
  linker_.reset({"other"});
  EXPECT_FALSE(isTold(told));
  linker_.reset({"links"});
  EXPECT_EQ(told.get(), said(Code::refused, "Failed to connect instance: The connector has ended"));
  EXPECT_EQ(statusOf(shop), "loggedout");
}

TEST_F(LinkerLater, OneThatIsDeletedIsNotWaitedFor) {
  const Instance shop = made("disconnected");
  auto told = waiting(shop);
  gateway_.provisioner.remove(shop);
  linker_.forget(shop.id);
  EXPECT_EQ(told.get(), said(Code::notFound, "Instance not found"));
}

TEST_F(LinkerLater, OneThatIsDeletedWhileItsConnectorIsAskedIsNotWaitedFor) {
  const Instance shop = made("disconnected");
  connector_.onConnect = [&](const Instance&, const LinkRequest&) {
    gateway_.provisioner.remove(shop);
    linker_.forget(shop.id);
    return Link{Link::Kind::later};
  };
  EXPECT_EQ(connectRefusal(shop), said(Code::notFound, "Instance not found"));
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

// A call waits for a moment only.
class LinkerCodes : public LinkerLater {
 protected:
  explicit LinkerCodes(std::chrono::milliseconds scan = LinkTimes().scan)
      : LinkerLater({std::chrono::milliseconds(1), scan}) {
    linker_.start();
  }
  ~LinkerCodes() override { linker_.drain(); }

  const std::string late_ = said(Code::timedOut, "Timed out waiting for a code from WhatsApp");
};

TEST_F(LinkerCodes, NobodyWaitsForACodeForEver) {
  const Instance shop = made("loggedout");
  EXPECT_EQ(waiting(shop).get(), late_);
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id}) << "the connector goes on waiting";
  EXPECT_EQ(statusOf(shop), "loggedout");
}

// Nor for a scan.
class LinkerBoth : public LinkerCodes {
 protected:
  LinkerBoth() : LinkerCodes(std::chrono::milliseconds(1)) {}
};

TEST_F(LinkerBoth, AConnectorThatIsNotHeardOfInTimeIsToldToClose) {
  const Instance shop = made("loggedout");
  std::promise<void> goOn;
  const auto gone = std::make_shared<std::promise<void>>();
  connector_.onConnect = [gone, late = goOn.get_future().share()](const Instance&,
                                                                  const LinkRequest&) {
    late.wait();
    gone->set_value();
    return Link{Link::Kind::qr, "2@late"};
  };
  EXPECT_EQ(connectRefusal(shop), late_);
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id});
  EXPECT_EQ(statusOf(shop), "loggedout");
  happens(shop, {{"state", "qr_ready"}, {"codes", {"2@late"}}});  // it has not listened
  EXPECT_EQ(closed(2).size(), 2u);
  EXPECT_EQ(statusOf(shop), "disconnected");
  goOn.set_value();
  gone->get_future().wait();
}

// A code is shown for a moment only.
class LinkerScans : public LinkerLater {
 protected:
  LinkerScans() : LinkerLater({.scan = std::chrono::milliseconds(1)}) {
    connector_.onConnect = [](const Instance&, const LinkRequest&) {
      return Link{Link::Kind::qr, "2@code"};
    };
    linker_.start();
  }
  ~LinkerScans() override { linker_.drain(); }
};

TEST_F(LinkerScans, ACodeThatNobodyScansIsTakenBack) {
  const Instance shop = made("loggedout");
  EXPECT_EQ(connected(shop).code, "2@code");
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id});
  EXPECT_EQ(statusOf(shop), "disconnected");
  const std::lock_guard lock(mutex_);
  ASSERT_EQ(published_.size(), 1u);
  EXPECT_EQ(published_[0].at("state"), "disconnected");
  EXPECT_EQ(published_[0].at("reason"), "pairing_timeout");
}

TEST_F(LinkerScans, ACodeOfAnInstanceThatIsGoneIsClosed) {
  const Instance shop = made("disconnected");
  connector_.onConnect = [&](const Instance&, const LinkRequest&) {
    gateway_.provisioner.remove(shop);
    return Link{Link::Kind::qr, "2@code"};
  };
  connected(shop);
  EXPECT_EQ(closed(1), std::vector<InstanceId>{shop.id});
}

TEST_F(LinkerScans, APhoneThatScansAtTheLastMomentIsNotThrownOut) {
  const Instance pairing = made("disconnected"), linked = made("disconnected"),
                 other = made("disconnected");
  onAccepted_ = [&](const Event& event) {
    if (event.data.at("state") != "disconnected") return;
    if (event.instance == pairing.id) tell(pairing, "pair_success");
    if (event.instance == linked.id) tell(linked, "connected");
  };
  for (const auto& each : {pairing, linked, other}) connected(each);
  EXPECT_EQ(closed(1), std::vector<InstanceId>{other.id}) << "which is closed last";
  EXPECT_EQ(statusOf(linked), "connected");
}

TEST_F(LinkerScans, ACodeThatWasScannedIsNotTakenBack) {
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

TEST_F(LinkerScans, ACodeWhoseTimeIsUpBesideACallIsTakenBackAfterIt) {
  const Instance shop = made("disconnected"), other = made("disconnected");
  connector_.onReconnect = [&](const Instance&) {
    connected(shop);
    connected(other);
    EXPECT_EQ(closed(1), std::vector<InstanceId>{other.id}) << "which is later";
    throw Error(Code::invalid, "There is no session");
  };
  EXPECT_NE(refusal([&] { linker_.reconnect(shop); }), "");
  EXPECT_EQ(closed(2), (std::vector<InstanceId>{other.id, shop.id}));
  EXPECT_EQ(statusOf(shop), "disconnected");
}

}  // namespace
}  // namespace pombo
