// What the routes of groups and the like ask of a connector, and what they make of its answers.
#include <gtest/gtest.h>

#include <memory>

#include "pombo/testing/fake_host.hpp"

using namespace pombo;

namespace {

const Instance kShop{
    {"i-1"}, {"a-1"}, "shop", "handset", "connected", "5511999990000@s.whatsapp.net", TimePoint{}};
const std::string kGroup = "120363000000000000@g.us";
const Json kBare{{"jid", kGroup}};

class MessagesGroups : public ::testing::Test {
 protected:
  MessagesGroups() {
    for (const auto& option : block_->options())
      host_.configNode.as_object()[option.name] = option.fallback;
    block_->start(host_);
  }

  HttpReply call(Method method, const std::string& path, const Json& fields) {
    HttpRequest request = requestFor(kShop);
    request.fields = request.query = fields;
    for (const auto& field : fields.as_object()) request.given.emplace_back(field.key());
    return host_.call(method, "/api/" + path + "/:instance", request);
  }
  std::string refusal(Code code, Method method, const std::string& path, const Json& fields) {
    try {
      return serialize(call(method, path, fields).body);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, code);
      return error.what();
    }
  }
  Json asked(std::size_t index) {
    const auto& performed = host_.performed.at(index);
    return {performed.operation, performed.arguments};
  }

  FakeHost host_;
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
};

TEST_F(MessagesGroups, AConnectorsRefusalIsToldInTheWordsOfTheRoutes) {
  const auto leave = [this](const Error& error) {
    host_.performAnswers.emplace_back(error);
    return refusal(error.code, Method::del, "group/leave", {{"identifier", kGroup}});
  };
  EXPECT_EQ(leave(Error(Code::notFound, "item-not-found")), "Group not found");
  EXPECT_EQ(leave(Error(Code::forbidden, "403")),
            "Not allowed: the instance is not an admin of this group");
  EXPECT_EQ(leave(Error(Code::internal, "the stream ended")),
            "Group operation failed: the stream ended");
  EXPECT_EQ(leave(Error(Code::rateLimited, "Rate limited by WhatsApp. Try again later.")),
            "Rate limited by WhatsApp. Try again later.");
  EXPECT_EQ(leave(Error(Code::unsupported, "Not supported by the handset connector")),
            "Not supported by the handset connector");
  host_.performAnswers.emplace_back(Error(Code::notFound, "x"));
  EXPECT_EQ(refusal(Code::notFound, Method::get, "newsletter/info", {{"identifier", "0029VaAbCd"}}),
            "Newsletter not found");
  host_.performAnswers.emplace_back(Error(Code::internal, "no"));
  EXPECT_EQ(refusal(Code::internal, Method::get, "newsletter/info", {{"identifier", "0029VaAbCd"}}),
            "Newsletter operation failed: no");
}

TEST_F(MessagesGroups, AGroupIsMadeFirstAndDressedThen) {
  for (int i = 0; i < 2; ++i) host_.performAnswers.emplace_back(kBare);
  host_.performAnswers.emplace_back(Error(Code::internal, "too wide"));
  host_.performAnswers.emplace_back(Json{{"jid", kGroup}, {"name", "Team"}});
  const auto reply = call(Method::post, "group/create",
                          {{"name", "Team"},
                           {"participants", {"1203@lid"}},
                           {"description", "About"},
                           {"image", "iVBO"},
                           {"communityJid", "1204@g.us"},
                           {"groupSettings", {{"membersCanEditInfo", false}, {"shoes", 7}}}});
  EXPECT_EQ(asked(0), (Json{"group.create",
                            {{"name", "Team"},
                             {"community", "1204@g.us"},
                             {"participants", boost::json::array{"1203@lid"}}}}));
  EXPECT_EQ(asked(1), (Json{"group.update", {{"group", kGroup}, {"description", "About"}}}));
  EXPECT_EQ(asked(2), (Json{"group.update", {{"group", kGroup}, {"image", "iVBO"}}}));
  EXPECT_EQ(asked(3),
            (Json{"group.update",
                  {{"group", kGroup}, {"groupSettings", {{"membersCanEditInfo", false}}}}}));
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body.at("group").at("name"), "Team");
  EXPECT_EQ(reply.warnings, std::vector<std::string>{"The group has no image yet: "
                                                     "Group operation failed: too wide"});
}

TEST_F(MessagesGroups, AnInvitationIsReadBeforeTheGroupIsAsked) {
  host_.performAnswers.emplace_back(kBare);
  host_.performAnswers.emplace_back(Json());
  EXPECT_EQ(call(Method::del, "group/leave", {{"identifier", "AbCdEfGhIj"}}).body.at("groupJid"),
            Json(kGroup));
  EXPECT_EQ(asked(0), (Json{"group.info", {{"inviteCode", "AbCdEfGhIj"}}}));
  EXPECT_EQ(asked(1), (Json{"group.leave", {{"group", kGroup}}}));
}

TEST_F(MessagesGroups, ACommunityThatIsNoneHasNoGroups) {
  host_.performAnswers.emplace_back(
      Json{{"jid", kGroup}, {"name", "Town"}, {"isCommunity", false}});
  const auto reply =
      call(Method::post, "community/create",
           {{"name", "Town"}, {"groupJid", {"1204@g.us"}}, {"membershipApprovalMode", "open"}});
  EXPECT_EQ(reply.body,
            (Json{{"success", true},
                  {"message", "Community created successfully"},
                  {"community", {{"jid", kGroup}, {"name", "Town"}, {"isCommunity", false}}},
                  {"linked", boost::json::array()},
                  {"failed",
                   {{{"jid", "1204@g.us"}, {"error", "There is no community to link it to"}}}}}));
  EXPECT_EQ(host_.performed.size(), 1u);
}

TEST_F(MessagesGroups, CallsArePlacedByAConnectorThatCan) {
  for (int i = 0; i < 2; ++i) host_.performAnswers.emplace_back(Json{{"callId", "c-1"}});
  EXPECT_EQ(call(Method::post, "call/fake", {{"number", "1@lid"}}).body,
            (Json{{"success", true},
                  {"message", "Call placed successfully"},
                  {"callId", "c-1"},
                  {"number", "1@lid"},
                  {"duration", 8}}));
  EXPECT_EQ(asked(0), (Json{"call.fake", {{"duration", 8}, {"chat", "1@lid"}}}));
  EXPECT_EQ(call(Method::post, "call/audio", {{"number", "1@lid"}, {"mediaBase64", "SUQz"}}).body,
            (Json{{"success", true},
                  {"message", "Audio call placed"},
                  {"callId", "c-1"},
                  {"number", "1@lid"}}));
}

TEST_F(MessagesGroups, EveryRouteOfTheBlockIsDescribed) {
  for (const auto& route : host_.declared) {
    EXPECT_FALSE(route.summary.empty()) << route.path;
    EXPECT_TRUE(route.reply.is_object()) << route.path;
    EXPECT_FALSE(route.dialect.empty()) << route.path;
    for (const auto& fields : {route.query, route.body})
      for (const auto& field : fields) EXPECT_TRUE(field.doc.ends_with(".")) << field.name;
  }
}

boost::json::array groups(std::size_t from, std::size_t to) {
  boost::json::array all;
  for (auto i = from; i < to; ++i) all.emplace_back(std::to_string(100 + i) + "@g.us");
  return all;
}

TEST_F(MessagesGroups, ACommunityThatIsMadeIsAnsweredWhateverBecomesOfItsGroups) {
  for (const auto& answer :
       Answers<Json>{Error(Code::rateLimited, "Rate limited by WhatsApp. Try again later."),
                     Error(Code::timedOut, "late"), Error(Code::internal, "no")}) {
    host_.performAnswers.emplace_back(Json{{"jid", kGroup}, {"isCommunity", true}});
    host_.performAnswers.push_back(answer);
    const auto reply =
        call(Method::post, "community/create",
             {{"name", "Town"}, {"groupJid", groups(0, 2)}, {"membershipApprovalMode", "open"}});
    EXPECT_EQ(reply.status, 201);
    EXPECT_EQ(reply.body.at("community"),
              (Json{{"jid", kGroup}, {"name", "Town"}, {"isCommunity", true}}));
    EXPECT_EQ(reply.body.at("failed").as_array().size(), 2u);
    EXPECT_EQ(reply.warnings.size(), 1u);
  }
}

TEST_F(MessagesGroups, GroupsAreLinkedTwentyAtATime) {
  host_.performAnswers.emplace_back(
      Json{{"linked", groups(0, 20)}, {"failed", boost::json::array()}});
  host_.performAnswers.emplace_back(Json{{"linked", groups(20, 40)}});
  host_.performAnswers.emplace_back(Error(Code::timedOut, "late"));
  const auto reply =
      call(Method::post, "community/link", {{"communityJid", kGroup}, {"groupJid", groups(0, 45)}});
  EXPECT_EQ(reply.body.at("message"), "Linked 40 of 45 groups to community");
  EXPECT_EQ(reply.body.at("linked"), Json(groups(0, 40)));
  ASSERT_EQ(reply.body.at("failed").as_array().size(), 5u);
  EXPECT_EQ(reply.body.at("failed").at(0),
            (Json{{"jid", "140@g.us"}, {"error", "Timed out waiting for WhatsApp"}}));
  EXPECT_EQ(asked(1),
            (Json{"community.link", {{"community", kGroup}, {"groups", groups(20, 40)}}}));
  for (const auto& route : host_.declared) {
    if (route.path != "/api/community/link/:instance") continue;
    EXPECT_EQ(route.budget, std::chrono::seconds(150));
  }
}

}  // namespace
