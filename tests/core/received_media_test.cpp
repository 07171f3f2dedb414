#include "media/received_media.hpp"

#include <gtest/gtest.h>

#include "observe/request_scope.hpp"
#include "temp_spool.hpp"

namespace pombo {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Event eventOf(const std::string& mediaKey, const InstanceId& instance = kShop) {
  return {.type = "message.exchange",
          .instance = instance,
          .data = {{"message", {{"media", {{"size", 5}}}}}},
          .mediaKey = mediaKey};
}

constexpr auto kHangs = "The phone did not answer in time";

class ReceivedMediaTest : public ::testing::Test {
 protected:
  std::string keep(const Event& event, Clock::time_point deadline = Clock::now() + 30s) {
    return reasonOf([&] { media_->keep(event, deadline); });
  }
  template <class Call>
  static std::string reasonOf(const Call& call) {
    try {
      call();
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  Media fetch(const std::string& key, std::chrono::milliseconds budget) {
    ++fetched_;
    budget_ = budget;
    if (key == "gone") throw Error(Code::notFound, "It is gone");
    if (key == "hangs") throw Error(Code::timedOut, kHangs);
    if (key == "deleting") known_ = false;
    return mediaNamed("a.png", "bytes");
  }
  bool has(const std::string& text) { return metrics_.text().find(text) != std::string::npos; }

  TempSpool temp_;
  Spool& spool_ = temp_.open();
  TempStore store_;
  Metrics metrics_;
  bool known_ = true;
  int fetched_ = 0;
  std::chrono::milliseconds budget_{};
  MediaLinks links_{store_.sealer(), temp_.clock, 72h};
  std::unique_ptr<ReceivedMedia> media_ = std::make_unique<ReceivedMedia>(
      spool_, links_,
      [this](const InstanceId&, const std::string& key, std::chrono::milliseconds budget) {
        return fetch(key, budget);
      },
      [this](const InstanceId&) { return known_; }, metrics_);
};

TEST_F(ReceivedMediaTest, TheyAreFetchedOnceAndThenThere) {
  EXPECT_FALSE(media_->linkTo(eventOf("key")));
  EXPECT_EQ(keep(eventOf("key")), "");
  EXPECT_GT(budget_, 20s);
  EXPECT_EQ(keep(eventOf("key")), "") << "as after a crash";
  EXPECT_EQ(bytesOf(media_->of(kShop, "key"), 5), "bytes");
  EXPECT_EQ(fetched_, 1);
  const auto link = media_->linkTo(eventOf("key"));
  ASSERT_TRUE(link);
  EXPECT_TRUE(link->starts_with("/media/" + links_.idOf(kShop, "key") + "?exp="));
  EXPECT_FALSE(media_->linkTo(eventOf("key", kOther)));
  media_->collect(metrics_);
  EXPECT_TRUE(has("pombo_media_stored_total 1") && has("pombo_media_files 1"));
}

TEST_F(ReceivedMediaTest, WhatIsSaidToBeTooLargeIsNotFetched) {
  Event event = eventOf("key");
  event.data.at("message").at("media").at("size") = std::int64_t{1} << 40;
  EXPECT_TRUE(keep(event).starts_with("Media is too large (limit "));
  EXPECT_EQ(fetched_, 0);
  event.data.at("message").at("media").as_object().erase("size");
  EXPECT_EQ(keep(event), "") << "nothing is said";
  EXPECT_TRUE(has("pombo_media_failed_total 1"));
}

TEST_F(ReceivedMediaTest, ALinkEndsWithItsFile) {
  keep(eventOf("key"));
  const auto first = media_->linkTo(eventOf("key"));
  temp_.clock.time += 1h - 1s;
  EXPECT_EQ(media_->linkTo(eventOf("key")), first) << "it is sent late";
  EXPECT_EQ(keep(eventOf("key")), "");
  EXPECT_NE(media_->linkTo(eventOf("key")), first) << "the file has come again";
}

TEST_F(ReceivedMediaTest, WhatIsNotThereAnyMoreIsAskedForAgain) {
  keep(eventOf("key"));
  temp_.clock.time += 1h;
  EXPECT_FALSE(media_->linkTo(eventOf("key")));
  EXPECT_EQ(bytesOf(media_->of(kShop, "key"), 5), "bytes");
  EXPECT_EQ(fetched_, 2);
}

TEST_F(ReceivedMediaTest, WhatAConnectorSaysIsWhatReceiversRead) {
  EXPECT_EQ(keep(eventOf("gone")), "It is gone");
  EXPECT_FALSE(media_->linkTo(eventOf("gone")));
  EXPECT_TRUE(has("pombo_media_failed_total 1"));
}

TEST_F(ReceivedMediaTest, NobodyIsAskedWhenTheTimeIsUpOrSoonWillBe) {
  for (const auto left : {-1s, 0s, 1s, 4s})
    EXPECT_EQ(keep(eventOf("key"), Clock::now() + left), "Media did not come in time");
  EXPECT_EQ(fetched_, 0);
  EXPECT_EQ(keep(eventOf("key")), "") << "which is not held against the connector";
  EXPECT_GE(budget_, 5s);
}

TEST_F(ReceivedMediaTest, OneThatHangsThreeTimesIsNotAskedForAWhile) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(keep(eventOf("hangs")), kHangs);
  EXPECT_EQ(keep(eventOf("key")), "") << "it has answered: they are counted anew";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(keep(eventOf("hangs")), kHangs);
  const int before = fetched_;
  EXPECT_EQ(keep(eventOf("another")), "Media did not come in time");
  EXPECT_EQ(keep(eventOf("key")), "") << "that one is there";
  EXPECT_EQ(fetched_, before);
  EXPECT_EQ(keep(eventOf("key", kOther)), "") << "others are asked";
  media_->forget(kShop);
  EXPECT_EQ(keep(eventOf("another")), "");
}

TEST_F(ReceivedMediaTest, WhoeverWantsTheBytesDoesNotWaitForOneThatHangs) {
  EXPECT_EQ(bytesOf(media_->of(eventOf("first")), 5), "bytes");
  EXPECT_EQ(budget_, 30s);
  Event event = eventOf("hangs");
  event.data.at("message").at("media").as_object()["error"] = "Media did not come in time";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reasonOf([&] { media_->of(event); }), kHangs);
  EXPECT_EQ(budget_, 5s) << "it has failed before";
  const int before = fetched_;
  EXPECT_EQ(reasonOf([&] { media_->of(event); }), "Media did not come in time");
  EXPECT_EQ(reasonOf([&] { media_->of(kShop, "key"); }), "Media did not come in time");
  EXPECT_EQ(keep(eventOf("key")), "Media did not come in time");
  EXPECT_EQ(fetched_, before);
  EXPECT_EQ(bytesOf(media_->of(eventOf("key", kOther)), 5), "bytes") << "others are asked";
}

TEST_F(ReceivedMediaTest, AClientInAHurryIsNoSignOfHanging) {
  for (int i = 0; i < 5; ++i) {
    const RequestScope scope("", Clock::now() + 1s);
    EXPECT_EQ(reasonOf([&] { media_->of(kShop, "hangs"); }), kHangs);
  }
}

TEST_F(ReceivedMediaTest, WhatIsGoneIsNoSignOfHanging) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(keep(eventOf("gone")), "It is gone");
}

TEST_F(ReceivedMediaTest, NothingStaysOfAnInstanceThatWasDeletedMeanwhile) {
  keep(eventOf("deleting"));
  EXPECT_TRUE(temp_.sizes().empty());
  EXPECT_FALSE(media_->linkTo(eventOf("deleting")));
}

}  // namespace
}  // namespace pombo
