#include <gtest/gtest.h>

#include <algorithm>

#include "pombo/event.hpp"

using namespace pombo;

TEST(Events, TheSixOfTheWireAreOnIt) {
  for (const auto* type : {"message.exchange", "message.status", "call.update", "group.flow",
                           "instance.state", "label.update"})
    EXPECT_TRUE(isOnWire(type)) << type;
  EXPECT_EQ(kWireEvents.size(), 6u);
}

TEST(Events, WhatBlocksTellEachOtherIsNot) {
  for (const auto type : kInnerEvents) EXPECT_FALSE(isOnWire(type)) << type;
  EXPECT_FALSE(isOnWire(""));
  EXPECT_FALSE(isOnWire("message"));
  EXPECT_FALSE(isOnWire("MESSAGE.EXCHANGE"));
}

TEST(Events, AFilterOffersWhatIsOnTheWireAndDefaultsToAll) {
  const Field field = eventsField("webhookEvents", "Which events.");
  EXPECT_EQ(field.name, "webhookEvents");
  EXPECT_EQ(field.doc, "Which events.");
  EXPECT_EQ(field.type, Type::strings);
  EXPECT_EQ(field.fallback, Json(boost::json::array()));
  EXPECT_TRUE(std::equal(field.choices.begin(), field.choices.end(), kWireEvents.begin(),
                         kWireEvents.end()));
  EXPECT_EQ(field.refusal, "Unknown event: <value>");
  EXPECT_TRUE(field.distinct);
}

TEST(Events, ASinkKeepsOnDiskUnlessItSaysOtherwise) {
  EXPECT_EQ(Delivery().keep, Keep::disk);
  EXPECT_FALSE(Delivery().inner);
  EXPECT_EQ(Verdict().outcome, Outcome::done);
}
