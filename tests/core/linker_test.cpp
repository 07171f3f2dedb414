#include "linker_test.hpp"

#include <future>

namespace pombo {
namespace {

TEST_F(LinkerTest, AnInstanceIsConnectingFromTheBeginAndUntilAnEventSaysMore) {
  const Instance shop = made("loggedout");
  connector_.onConnect = [&](const Instance& instance, const LinkRequest& request) {
    EXPECT_EQ(instance.id, shop.id);
    EXPECT_EQ(request.number, "5511999990000");
    EXPECT_EQ(request.historyDays, 7);
    EXPECT_EQ(statusOf(shop), "connecting");
    return Link{Link::Kind::pairing, "ABCD1234"};
  };
  EXPECT_EQ(linker_.connect(shop, {.number = "5511999990000", .historyDays = 7}, nobody()),
            (Link{Link::Kind::pairing, "ABCD1234"}));
  EXPECT_EQ(statusOf(shop), "connecting");
  tell(shop, "connected");
  EXPECT_EQ(statusOf(shop), "connected");
}

TEST_F(LinkerTest, AConnectorIsPreparedBeforeItLinksAnInstance) {
  const Instance shop = made("disconnected");
  std::vector<std::string> all;
  onPrepare_ = [&](const Instance& instance) {
    EXPECT_EQ(instance.id, shop.id);
    all.push_back("prepared");
  };
  connector_.onConnect = [&](const Instance&, const LinkRequest&) {
    all.push_back("linked");
    return Link{Link::Kind::connected};
  };
  connector_.onReconnect = [&](const Instance&) { all.push_back("linked"); };
  connected(shop);
  linker_.reconnect(shop);
  linker_.reset();
  linker_.resume(shop.id);
  EXPECT_EQ(all, (std::vector<std::string>{"prepared", "linked", "prepared", "linked", "prepared",
                                           "linked"}));
}

TEST_F(LinkerTest, EachFailureOfAConnectIsToldInTheWordsOfTheWire) {
  const std::vector<std::pair<Error, std::string>> cases{
      {Error(Code::conflict, "x"), said(Code::conflict, "Superseded by a newer connect call")},
      {Error(Code::timedOut, "x"),
       said(Code::timedOut, "Timed out waiting for a code from WhatsApp")},
      {Error(Code::unsupported, "x"),
       said(Code::unsupported, "Not supported by the links connector")},
      {Error(Code::invalid, "Number is not registered on WhatsApp"),
       said(Code::invalid, "Number is not registered on WhatsApp")},
      {Error(Code::rateLimited, "Rate limited by WhatsApp. Try again later."),
       said(Code::rateLimited, "Rate limited by WhatsApp. Try again later.")}};
  const Instance shop = made("disconnected");
  for (const auto& [error, sentence] : cases) {
    connector_.onConnect = [&, thrown = error](const Instance&, const LinkRequest&) -> Link {
      throw Error(thrown.code, thrown.what());
    };
    EXPECT_EQ(connectRefusal(shop), sentence);
  }
  for (const auto code : {Code::refused, Code::unavailable, Code::unauthorized, Code::forbidden,
                          Code::notFound, Code::internal}) {
    connector_.onConnect = [&](const Instance&, const LinkRequest&) -> Link {
      throw Error(code, "the proxy said 407");
    };
    EXPECT_EQ(connectRefusal(shop),
              said(Code::refused, "Failed to connect instance: the proxy said 407"));
  }
  connector_.onConnect = [](const Instance&, const LinkRequest&) -> Link {
    throw std::runtime_error("a bug, with a secret");
  };
  EXPECT_EQ(connectRefusal(shop),
            said(Code::refused, "Failed to connect instance: internal error"));
}

TEST_F(LinkerTest, AFailedConnectLeavesTheInstanceAsItWas) {
  connector_.onConnect = [](const Instance&, const LinkRequest&) -> Link {
    throw Error(Code::refused, "no");
  };
  for (const auto& [before, after] :
       std::vector<std::pair<std::string, std::string>>{{"disconnected", "disconnected"},
                                                        {"loggedout", "loggedout"},
                                                        {"banned", "banned"},
                                                        {"connecting", "disconnected"}}) {
    const Instance shop = made(before);
    EXPECT_NE(connectRefusal(shop), "");
    EXPECT_EQ(statusOf(shop), after) << before;
  }
}

TEST_F(LinkerTest, WhatAnEventHasSaidMeanwhileOutlivesTheFailure) {
  const Instance shop = made("disconnected");
  connector_.onConnect = [&](const Instance&, const LinkRequest&) -> Link {
    tell(shop, "temp_banned");
    throw Error(Code::refused, "banned");
  };
  EXPECT_NE(connectRefusal(shop), "");
  EXPECT_EQ(statusOf(shop), "banned");
}

TEST_F(LinkerTest, AnOlderConnectThatFailsLeavesTheNewerOneConnecting) {
  const Instance shop = made("disconnected");
  std::promise<void> begun, superseded;
  std::future<std::string> older;
  std::atomic<int> calls{0};
  connector_.onConnect = [&](const Instance&, const LinkRequest&) -> Link {
    if (++calls == 1) {
      begun.set_value();
      superseded.get_future().wait();
      throw Error(Code::conflict, "a newer one");
    }
    superseded.set_value();
    EXPECT_EQ(older.get(), said(Code::conflict, "Superseded by a newer connect call"));
    EXPECT_EQ(statusOf(shop), "connecting");
    return {Link::Kind::qr, "2@code"};
  };
  older = std::async(std::launch::async, [&] { return connectRefusal(shop); });
  begun.get_future().wait();
  EXPECT_EQ(connected(shop).code, "2@code");
  EXPECT_EQ(statusOf(shop), "connecting");
}

TEST_F(LinkerTest, OneThatIsConnectedOrGoneIsNotConnected) {
  connector_.onConnect = [](const Instance&, const LinkRequest&) -> Link {
    ADD_FAILURE();
    return {};
  };
  const Instance shop = made("connected");
  EXPECT_EQ(connectRefusal(shop), said(Code::conflict, "Instance is already connected"));
  EXPECT_EQ(statusOf(shop), "connected");
  const Instance gone = made("disconnected");
  gateway_.provisioner.remove(gone);
  EXPECT_EQ(connectRefusal(gone), said(Code::notFound, "Instance not found"));
}

TEST_F(LinkerTest, WithoutAConnectorNothingBegins) {
  const std::string refused = said(Code::unavailable, "No connector is available");
  for (const auto* connector : {"mute", "absent"}) {
    const Instance shop = made("disconnected", connector);
    EXPECT_EQ(connectRefusal(shop), refused);
    EXPECT_EQ(refusal([&] { linker_.reconnect(shop); }), refused);
    EXPECT_EQ(statusOf(shop), "disconnected");
  }
}

TEST_F(LinkerTest, OneThatHasNoSessionIsLoggedOutWithoutAConnector) {
  for (const auto* connector : {"mute", "absent"}) {
    const Instance never = made("disconnected", connector);
    published_.clear();
    linker_.logout(never);
    linker_.logout(gateway_.instances.find(never.id)->instance);
    EXPECT_EQ(statusOf(never), "loggedout");
    ASSERT_EQ(published_.size(), 1u);
    EXPECT_EQ(published_[0].at("state"), "logged_out");
  }
}

TEST_F(LinkerTest, ASessionIsWipedByItsConnectorAlone) {
  const std::string refused = said(Code::unavailable, "No connector is available");
  for (const auto* status : {"connected", "connecting", "disconnected", "banned"}) {
    const Instance shop = numbered(made(status, "absent"));
    EXPECT_EQ(refusal([&] { linker_.logout(shop); }), refused);
    EXPECT_EQ(statusOf(shop), status);
  }
  linker_.logout(numbered(made("loggedout", "absent")));
}

TEST_F(LinkerTest, AReconnectIsConnectingUnlessThereIsNoSession) {
  const Instance shop = made("connected");
  linker_.reconnect(shop);
  EXPECT_EQ(statusOf(shop), "connecting");
  connector_.onReconnect = [](const Instance&) { throw Error(Code::invalid, "nothing there"); };
  const std::string none =
      said(Code::invalid, "Instance has no saved session — call /connect first");
  const Instance out = made("loggedout");
  EXPECT_EQ(refusal([&] { linker_.reconnect(out); }), none);
  EXPECT_EQ(statusOf(out), "loggedout");
  EXPECT_EQ(refusal([&] { linker_.reconnect(shop); }), none);
  EXPECT_EQ(statusOf(shop), "connecting") << "what was begun before goes on";
  const Instance linked = made("connected");
  EXPECT_EQ(refusal([&] { linker_.reconnect(linked); }), none);
  EXPECT_EQ(statusOf(linked), "disconnected") << "it can be connected again";
  connector_.onReconnect = [](const Instance&) {
    throw Error(Code::refused, "the proxy said 407");
  };
  EXPECT_EQ(refusal([&] { linker_.reconnect(shop); }),
            said(Code::internal, "Failed to reconnect: the proxy said 407"));
  connector_.onReconnect = [](const Instance&) { throw Error(Code::unsupported, "x"); };
  EXPECT_EQ(refusal([&] { linker_.reconnect(shop); }),
            said(Code::unsupported, "Not supported by the links connector"));
}

TEST_F(LinkerTest, AReconnectWithoutASessionLeavesACodeWaiting) {
  const Instance shop = made("disconnected");
  connected(shop);
  for (const auto code : {Code::invalid, Code::unsupported}) {
    connector_.onReconnect = [&](const Instance&) { throw Error(code, "nothing there"); };
    EXPECT_NE(refusal([&] { linker_.reconnect(shop); }), "");
    EXPECT_EQ(statusOf(shop), "connecting");
  }
  connector_.onReconnect = [](const Instance&) { throw Error(Code::refused, "no"); };
  EXPECT_NE(refusal([&] { linker_.reconnect(shop); }), "");
  EXPECT_EQ(statusOf(shop), "disconnected") << "nobody says that the code still waits";
}

TEST_F(LinkerTest, AReconnectWithoutASessionLeavesTheRestToAConnectThatIsUnderWay) {
  const Instance shop = made("loggedout");
  connector_.onReconnect = [](const Instance&) { throw Error(Code::invalid, "nothing there"); };
  connector_.onConnect = [&](const Instance&, const LinkRequest&) -> Link {
    EXPECT_NE(refusal([&] { linker_.reconnect(shop); }), "");
    EXPECT_EQ(statusOf(shop), "connecting");
    throw Error(Code::refused, "no");
  };
  EXPECT_NE(connectRefusal(shop), "");
  EXPECT_EQ(statusOf(shop), "loggedout");
}

TEST_F(LinkerTest, AConnectThatFailsBesideAReconnectLeavesNothingConnecting) {
  const Instance shop = made("loggedout");
  std::promise<void> begun;
  std::future<std::string> connecting;
  std::promise<void> fails;
  connector_.onConnect = [&](const Instance&, const LinkRequest&) -> Link {
    begun.set_value();
    fails.get_future().wait();
    throw Error(Code::refused, "no");
  };
  connector_.onReconnect = [&](const Instance&) {
    fails.set_value();
    connecting.wait();
    EXPECT_EQ(statusOf(shop), "connecting");
    throw Error(Code::invalid, "nothing there");
  };
  connecting = std::async(std::launch::async, [&] { return connectRefusal(shop); });
  begun.get_future().wait();
  EXPECT_NE(refusal([&] { linker_.reconnect(shop); }), "");
  EXPECT_EQ(statusOf(shop), "loggedout");
}

TEST_F(LinkerTest, AResumeLeavesAloneWhatIsLinkedAlready) {
  int calls = 0;
  connector_.onReconnect = [&](const Instance&) { ++calls; };
  const Instance linked = made("connected"), lost = made("disconnected");
  EXPECT_EQ(refusal([&] { linker_.resume(linked.id); }),
            said(Code::conflict, "Instance is already connected"));
  EXPECT_EQ(statusOf(linked), "connected");
  EXPECT_EQ(calls, 0);
  linker_.resume(lost.id);
  EXPECT_EQ(statusOf(lost), "connecting");
  EXPECT_EQ(calls, 1);
  const Instance shop = made("disconnected");
  connector_.onConnect = [&](const Instance&, const LinkRequest&) {
    EXPECT_EQ(refusal([&] { linker_.resume(shop.id); }),
              said(Code::conflict, "Instance is being connected"));
    return Link{Link::Kind::qr, "2@code"};
  };
  connected(shop);
  EXPECT_EQ(calls, 1);
}

TEST_F(LinkerTest, AResumeWithoutASessionEndsWhatNobodyIsConnectingAnyMore) {
  connector_.onReconnect = [](const Instance&) { throw Error(Code::invalid, "nothing there"); };
  for (const bool whole : {true, false}) {
    const Instance half = made("connecting"), was = made("connected"), shop = made("disconnected");
    if (whole)
      linker_.reset();
    else
      linker_.reset({"links"});
    connected(shop);
    connected(half);  // by a client, before its turn
    for (const auto& each : {half, was, shop})
      EXPECT_NE(refusal([&] { linker_.resume(each.id); }), "");
    EXPECT_EQ(statusOf(was), "disconnected");
    EXPECT_EQ(statusOf(half), "connecting") << "its code is of this time";
    EXPECT_EQ(statusOf(shop), "connecting");
  }
}

TEST_F(LinkerTest, WhatSomebodyIsAtWorkOnAgainIsNotOfAnEarlierLife) {
  connector_.onReconnect = [](const Instance&) { throw Error(Code::invalid, "nothing there"); };
  const Instance shop = made("connecting"), half = made("connecting");
  linker_.reset();
  tell(shop, "stream_error");
  for (const auto& each : {shop, half}) EXPECT_NE(refusal([&] { linker_.resume(each.id); }), "");
  EXPECT_EQ(statusOf(shop), "connecting");
  EXPECT_EQ(statusOf(half), "disconnected");
}

TEST_F(LinkerTest, WhatCouldNotBeginIsOfAnEarlierLifeStill) {
  connector_.onReconnect = [](const Instance&) { throw Error(Code::invalid, "nothing there"); };
  const Instance shop = made("connecting");
  linker_.reset();
  {
    const Refusing refusing(gateway_.store.database(), "UPDATE", "instance");
    EXPECT_THROW(linker_.resume(shop.id), StorageError);
  }
  EXPECT_NE(refusal([&] { linker_.resume(shop.id); }), "");
  EXPECT_EQ(statusOf(shop), "disconnected");
}

TEST_F(LinkerTest, ACodeThatNobodyCanScanIsNone) {
  int closed = 0, expected = 0;  // the first under mutex_
  connector_.onDisconnect = [&](const Instance&) {
    const std::lock_guard lock(mutex_);
    ++closed;
    changed_.notify_all();
  };
  linker_.start();
  for (const auto& code : {std::string(), std::string(2954, 'x')}) {
    const Instance shop = made("disconnected");
    connector_.onConnect = [&](const Instance&, const LinkRequest&) {
      tell(shop, "qr_ready");
      return Link{Link::Kind::qr, code};
    };
    EXPECT_EQ(connectRefusal(shop),
              said(Code::refused, "Failed to connect instance: its code has no picture"));
    EXPECT_EQ(statusOf(shop), "disconnected");
    ++expected;
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::minutes(1), [&] { return closed == expected; }));
  }
  linker_.drain();
}

TEST_F(LinkerTest, WhatCouldNotBeginIsNotUnderWay) {
  const Instance shop = made("disconnected");
  {
    const Refusing refusing(gateway_.store.database(), "UPDATE", "instance");
    EXPECT_THROW(connected(shop), StorageError);
  }
  linker_.resume(shop.id);
  EXPECT_EQ(statusOf(shop), "connecting");
}

TEST_F(LinkerTest, AStopIsToldToAllWhoAreLinkedAtOnce) {
  std::vector<Instance> told{made("connected"), made("connecting", "absent")};
  for (int i = 0; i < 20; ++i) told.push_back(made("connected"));
  gateway_.store.database().commit([](Session& session) {
    session.run("UPDATE instance SET number_jid = '5511' WHERE status = 'connected'", {});
  });
  const Instance unnumbered = made("connected");
  for (const auto* status : {"disconnected", "loggedout", "banned"}) made(status);
  linker_.close(std::chrono::steady_clock::time_point::max());
  EXPECT_EQ(publishes_, 1);
  ASSERT_EQ(published_.size(), told.size());
  std::set<std::string> expected, names;
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(statusOf(told[i]), "disconnected");
    expected.insert(told[i].name);
    names.emplace(published_[i].at("instance").as_string());
    EXPECT_EQ(published_[i].at("state"), "disconnected");
    EXPECT_EQ(published_[i].at("reason"), "shutdown");
    EXPECT_EQ(published_[i].at("status"), "disconnected");
  }
  EXPECT_EQ(names, expected);
  EXPECT_EQ(statusOf(unnumbered), "connected") << "or it would not be linked again";
  linker_.close(std::chrono::steady_clock::time_point::max());
  EXPECT_EQ(published_.size(), told.size());
}

TEST_F(LinkerTest, ALogoutIsToldOnceAndMayBeRepeated) {
  for (const auto* status : {"connected", "connecting", "disconnected", "banned"}) {
    published_.clear();
    const Instance shop = made(status);
    linker_.logout(shop);
    EXPECT_EQ(statusOf(shop), "loggedout");
    ASSERT_EQ(published_.size(), 1u);
    EXPECT_EQ(published_[0].at("state"), "logged_out");
    EXPECT_EQ(published_[0].at("reason"), "requested");
    EXPECT_EQ(published_[0].at("status"), "loggedout");
    linker_.logout(gateway_.instances.find(shop.id)->instance);
    EXPECT_EQ(published_.size(), 1u);
  }
}

TEST_F(LinkerTest, ALogoutGoesByWhatTheInstanceIsThen) {
  const Instance shop = made("loggedout");
  tell(shop, "connected");  // since the request was let in
  published_.clear();
  linker_.logout(shop);
  EXPECT_EQ(statusOf(shop), "loggedout");
  EXPECT_EQ(published_.size(), 1u);

  const Instance other = made("connected");
  connector_.onLogout = [&](const Instance&) { tell(other, "logged_out"); };
  published_.clear();
  linker_.logout(other);
  EXPECT_EQ(published_.size(), 1u) << "its connector has told it";
}

TEST_F(LinkerTest, ASessionThatCouldNotBeWipedIsStillThere) {
  connector_.onLogout = [](const Instance&) { throw Error(Code::unavailable, "the disk is full"); };
  const Instance shop = made("connected");
  EXPECT_EQ(refusal([&] { linker_.logout(shop); }),
            said(Code::internal, "Failed to logout instance"));
  EXPECT_EQ(statusOf(shop), "connected");
  EXPECT_TRUE(published_.empty());
}

TEST_F(LinkerTest, AtTheStartNothingIsLinked) {
  const std::vector<std::pair<Instance, std::string>> expected{
      {made("connected"), "connecting"},
      {made("connecting"), "connecting"},
      {made("disconnected"), "disconnected"},
      {made("loggedout"), "loggedout"},
      {made("banned"), "banned"},
      {made("connected", "absent"), "disconnected"},
      {made("connecting", "absent"), "disconnected"},
      {made("banned", "absent"), "banned"}};
  const auto again = linker_.reset();
  EXPECT_EQ(std::set<InstanceId>(again.begin(), again.end()),
            (std::set<InstanceId>{expected[0].first.id, expected[1].first.id}));
  for (const auto& [instance, status] : expected)
    EXPECT_EQ(statusOf(instance), status) << instance.status << " by " << instance.connector;
}

TEST_F(LinkerTest, WhatIsLostWithItsConnectorIsTold) {
  const Instance linked = made("connected"), half = made("connecting"),
                 closed = made("disconnected"), other = made("connected", "other");
  const auto lost = linker_.lose({"links"});
  EXPECT_EQ(std::set<InstanceId>(lost.begin(), lost.end()),
            (std::set<InstanceId>{linked.id, half.id}));
  ASSERT_EQ(published_.size(), 2u);
  for (const auto& each : published_) {
    EXPECT_EQ(each.at("state"), "disconnected");
    EXPECT_EQ(each.at("reason"), "closed");
  }
  EXPECT_EQ(statusOf(linked), "disconnected");
  EXPECT_EQ(statusOf(half), "disconnected");
  EXPECT_EQ(statusOf(other), "connected");
}

TEST_F(LinkerTest, WhatWasLinkedAndCannotBeAnyMoreIsTold) {
  for (const auto code : {Code::invalid, Code::refused}) {
    const Instance was = made("connected"), half = made("connecting");
    linker_.reset();
    const Instance shown = made("connecting"), closed = made("disconnected");
    connector_.onReconnect = [&](const Instance&) { throw Error(code, "no"); };
    published_.clear();
    for (const auto& each : {was, half, shown, closed})
      EXPECT_NE(refusal([&] { linker_.resume(each.id); }), "");
    ASSERT_EQ(published_.size(), 2u) << "of the others nobody believes that they are linked";
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(published_[i].at("instance").as_string(), i ? half.name : was.name);
      EXPECT_EQ(published_[i].at("state"), "disconnected");
      EXPECT_EQ(published_[i].at("reason"), "closed");
    }
  }
}

TEST_F(LinkerTest, WhatFailsInPassingIsConnectingUntilItHasFailedForGood) {
  connector_.onReconnect = [](const Instance&) { throw Error(Code::timedOut, "it is busy"); };
  const Instance shop = made("connected");
  linker_.reset();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(refusal([&] { linker_.resume(shop.id); }), said(Code::timedOut, "it is busy"));
    EXPECT_EQ(statusOf(shop), "connecting");
    EXPECT_TRUE(published_.empty());
  }
  EXPECT_NE(refusal([&] { linker_.resume(shop.id, true); }), "");
  EXPECT_EQ(statusOf(shop), "disconnected");
  EXPECT_EQ(published_.size(), 1u);
}

TEST_F(LinkerTest, WhatItsConnectorIsAtWorkOnIsLeftToIt) {
  const Instance shop = made("connected");
  linker_.reset();
  connector_.onReconnect = [&](const Instance&) {
    tell(shop, "stream_error");
    throw Error(Code::timedOut, "it is busy");
  };
  EXPECT_NE(refusal([&] { linker_.resume(shop.id); }), "");
  EXPECT_EQ(statusOf(shop), "connecting");
  connector_.onReconnect = [](const Instance&) { throw Error(Code::invalid, "no session"); };
  EXPECT_NE(refusal([&] { linker_.resume(shop.id); }), "");
  EXPECT_EQ(statusOf(shop), "connecting") << "it is of this life";
}

TEST_F(LinkerTest, WhatIsBeingLinkedAsItsConnectorEndsIsNotOfThatLife) {
  const Instance shop = made("disconnected"), linked = made("connected");
  connector_.onConnect = [&](const Instance&, const LinkRequest&) {
    linker_.reset({"links"});  // and the call waits for the next process
    return Link{Link::Kind::qr, "2@code"};
  };
  connected(shop);
  connector_.onReconnect = [](const Instance&) { throw Error(Code::invalid, "no session"); };
  EXPECT_NE(refusal([&] { linker_.resume(shop.id); }), "");
  EXPECT_EQ(statusOf(shop), "connecting") << "its code is good";
  tell(linked, "connected");
  connector_.onReconnect = [&](const Instance&) {
    linker_.reset({"links"});
    throw Error(Code::unsupported, "no");
  };
  EXPECT_NE(refusal([&] { linker_.reconnect(linked); }), "");
  EXPECT_EQ(statusOf(linked), "disconnected") << "its link is gone";
}

TEST_F(LinkerTest, WhatAConnectorWasAtWorkOnWhenItEndedIsNotLeftToIt) {
  const Instance shop = made("connected");
  linker_.reset({"links"});
  connector_.onReconnect = [&](const Instance&) {
    tell(shop, "stream_error");
    linker_.reset({"links"});
    throw Error(Code::unavailable, "it has ended");
  };
  EXPECT_NE(refusal([&] { linker_.resume(shop.id); }), "");
  EXPECT_EQ(statusOf(shop), "connecting");
  connector_.onReconnect = [](const Instance&) { throw Error(Code::invalid, "no session"); };
  EXPECT_NE(refusal([&] { linker_.resume(shop.id); }), "");
  EXPECT_EQ(statusOf(shop), "disconnected");
}

TEST_F(LinkerTest, AfterARestartOfItsConnectorNothingOfItIsLinked) {
  const Instance linked = made("connected"), other = made("connected", "other");
  EXPECT_EQ(linker_.reset({"links"}), std::vector<InstanceId>{linked.id});
  EXPECT_EQ(statusOf(linked), "connecting");
  EXPECT_EQ(statusOf(other), "connected");
}

}  // namespace
}  // namespace pombo
