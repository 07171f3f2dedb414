#include "chatwoot_client.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>
#include <set>

#include "inbox_link.hpp"
#include "integration_identity.hpp"

namespace {

const ChatwootAccount kAccount{"https://cw.example/app", 5, "agent-token"};
const std::string kCallbacks = "http://pombo.test/api/chatwoot/callback/";

std::string inbox(int id, const std::string& name, const std::string& url,
                  const std::string& kind = "Channel::Api") {
  return serialize(
      boost::json::value{{"id", id}, {"name", name}, {"channel_type", kind}, {"webhook_url", url}});
}

// A Chatwoot that answers first to last.
class ChatwootClientTest : public ::testing::Test {
 protected:
  ChatwootClient client() {
    return {kAccount, [this](const ChatwootCall& call) {
              calls_.push_back(call);
              if (answers_.empty()) throw ChatwootFailure(0, "Nobody answered");
              const auto answer = answers_.front();
              answers_.pop_front();
              return answer;
            }};
  }
  void hasInboxes(const std::string& list) {
    answers_.push_back({200, "{\"payload\":[" + list + "]}"});
  }
  ChatwootFailure failureOf(const ChatwootAnswer& answer) {
    answers_ = {answer};
    try {
      client().inboxes();
    } catch (const ChatwootFailure& failure) {
      return failure;
    }
    ADD_FAILURE() << "no failure";
    return {0, ""};
  }
  std::string textOf(int status, const std::string& body) {
    return failureOf({status, body}).what();
  }

  std::vector<ChatwootCall> calls_;
  std::deque<ChatwootAnswer> answers_;
};

TEST_F(ChatwootClientTest, AsksForTheInboxesOfTheAccountWithItsToken) {
  hasInboxes("");
  EXPECT_TRUE(client().inboxes().empty());
  ASSERT_EQ(calls_.size(), 1u);
  EXPECT_EQ(calls_[0].method, "GET");
  EXPECT_EQ(calls_[0].url, "https://cw.example/app/api/v1/accounts/5/inboxes");
  EXPECT_EQ(calls_[0].headers.at("api_access_token"), "agent-token");
  EXPECT_TRUE(calls_[0].body.empty());
}

TEST_F(ChatwootClientTest, OnlyInboxesOfTheApiKindCount) {
  hasInboxes(inbox(1, "Site", "", "Channel::WebWidget") + "," + inbox(2, "Shop", "http://a/"));
  const auto found = client().inboxes();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, 2);
  EXPECT_EQ(found[0].name, "Shop");
  EXPECT_EQ(found[0].webhookUrl, "http://a/");
}

TEST_F(ChatwootClientTest, AnInboxWithoutACallbackReadsAsOneWithAnEmptyOne) {
  hasInboxes(R"({"id":2,"name":"Shop","channel_type":"Channel::Api","webhook_url":null})");
  EXPECT_EQ(client().inboxes().at(0).webhookUrl, "");
}

TEST_F(ChatwootClientTest, CreatesAndRedirectsAnInbox) {
  answers_ = {{200, inbox(7, "Shop", "http://a/1")}, {200, inbox(7, "Shop", "http://a/2")}};
  EXPECT_EQ(client().create("Shop", "http://a/1").id, 7);
  EXPECT_EQ(client().redirect(7, "http://a/2").webhookUrl, "http://a/2");
  ASSERT_EQ(calls_.size(), 2u);
  EXPECT_EQ(calls_[0].method, "POST");
  EXPECT_EQ(calls_[0].url, "https://cw.example/app/api/v1/accounts/5/inboxes/");
  EXPECT_EQ(calls_[0].headers.at("content-type"), "application/json");
  EXPECT_EQ(boost::json::parse(calls_[0].body),
            (boost::json::value{{"name", "Shop"},
                                {"channel", {{"type", "api"}, {"webhook_url", "http://a/1"}}}}));
  EXPECT_EQ(calls_[1].method, "PATCH");
  EXPECT_EQ(calls_[1].url, "https://cw.example/app/api/v1/accounts/5/inboxes/7");
  EXPECT_EQ(boost::json::parse(calls_[1].body),
            (boost::json::value{{"channel", {{"webhook_url", "http://a/2"}}}}));
}

TEST_F(ChatwootClientTest, ACallbackThatDidNotChangeIsAFailure) {
  answers_ = {{200, inbox(7, "Shop", "http://a/1")}};
  EXPECT_THROW(client().redirect(7, "http://a/2"), ChatwootFailure);
}

TEST_F(ChatwootClientTest, ItsOwnMessageIsTheText) {
  EXPECT_EQ(textOf(401, R"({"error":"Invalid Access Token"})"), "Invalid Access Token");
  EXPECT_EQ(textOf(422, R"({"message":"Name is invalid","attributes":["name"]})"),
            "Name is invalid");
  EXPECT_EQ(textOf(400, R"({"errors":["one","two"]})"), "one, two");
}

TEST_F(ChatwootClientTest, WithoutAMessageTheWordsForTheStatusAreTheText) {
  for (const auto* body : {"", "<html>502</html>", "[]", "{}", R"({"error":{"a":1}})",
                           R"({"error":""})", R"({"error":" \n"})", "\xff"})
    EXPECT_EQ(textOf(502, body), "Bad Gateway") << body;
  EXPECT_EQ(textOf(301, ""), "Moved Permanently");
  EXPECT_EQ(textOf(299 + 300, ""), "no explanation");
}

TEST_F(ChatwootClientTest, TheTextHasOneLineAndThreeHundredCharacters) {
  EXPECT_EQ(textOf(500, R"({"error":"a\r\nb\u0000c"})"), "a  b c");
  const auto longest = textOf(500, "{\"error\":\"" + std::string(299, 'a') + "ééé\"}");
  EXPECT_EQ(longest, std::string(299, 'a') + "é");
}

TEST_F(ChatwootClientTest, TheTextHoldsNoSecretEvenWhereItIsCut) {
  EXPECT_EQ(textOf(401, R"({"error":"agent-token and agent-token are wrong"})"),
            "*** and *** are wrong");
  const auto text = textOf(401, "{\"error\":\"" + std::string(295, 'a') + "agent-token\"}");
  EXPECT_EQ(text, std::string(295, 'a') + "***");
  answers_ = {{422, R"({"message":"http://a/s3cret is no URL"})"}};
  try {
    client().create("Shop", "http://a/s3cret");
    FAIL();
  } catch (const ChatwootFailure& failure) {
    EXPECT_STREQ(failure.what(), "http://a/*** is no URL");
  }
}

TEST_F(ChatwootClientTest, ASuccessThatIsNotChatwootsIsAFailureAllTheSame) {
  const std::string deep(100'000, '[');
  for (const auto& body :
       {std::string("<html>"), std::string(), std::string("{}"), std::string("[]"),
        std::string(R"({"payload":{}})"), std::string(R"({"payload":[)"), deep,
        std::string(R"({"payload":[{"channel_type":"Channel::Api","id":"7"}]})")}) {
    const auto failure = failureOf({200, body});
    EXPECT_EQ(failure.status, 200);
    EXPECT_STREQ(failure.what(), "the answer is not that of a Chatwoot API") << body.substr(0, 50);
  }
}

TEST_F(ChatwootClientTest, WhatItSaysWhereItIsShown) {
  const auto shown = [](int status, const std::string& text) {
    return shownFailure(ChatwootFailure(status, text), kAccount);
  };
  EXPECT_EQ(shown(401, "x"), "Chatwoot API returned 401 - verifique o chatwootApiToken");
  EXPECT_EQ(shown(403, "x"),
            "Chatwoot API returned 403 - verify that the token has admin scope on account 5");
  EXPECT_EQ(shown(404, "x"),
            "Chatwoot API returned 404 - verify chatwootBaseUrl and chatwootAccountId");
  EXPECT_EQ(shown(422, "Name is invalid"), "Chatwoot API returned 422 - Name is invalid");
  EXPECT_EQ(shown(0, "Timed out"),
            "Chatwoot is unreachable - verify chatwootBaseUrl. Detail: Timed out");
}

TEST_F(ChatwootClientTest, WhatItSaysWhereItIsAnswered) {
  const auto answered = [](int status) {
    const auto said = answeredFailure(ChatwootFailure(status, "why"), kAccount);
    return std::to_string(said.status) + " " + said.sentence;
  };
  EXPECT_EQ(answered(401),
            "401 Chatwoot rejected the API token - verify chatwootApiToken. Detail: why");
  EXPECT_EQ(answered(403),
            "403 Chatwoot denied the request - verify the API token has admin scope on account 5. "
            "Detail: why");
  EXPECT_EQ(answered(404),
            "400 Chatwoot account or endpoint not found - verify chatwootBaseUrl "
            "(https://cw.example/app) and chatwootAccountId (5). Detail: why");
  EXPECT_EQ(answered(422),
            "400 Chatwoot rejected the request as invalid - verify inboxName and "
            "chatwootAccountId. Detail: why");
  for (const int status : {0, 500, 503})
    EXPECT_EQ(answered(status),
              "502 Chatwoot is unreachable - verify chatwootBaseUrl. Detail: why");
  EXPECT_EQ(answered(301), "502 Chatwoot API returned 301 - why");
}

// Which inbox is the instance's ------------------------------------------------------------------

class InboxLinkTest : public ChatwootClientTest {
 protected:
  InboxLink link(const InboxWish& wish) {
    return linkInbox(client(), wish, [this](const std::string& s) { return taken_.contains(s); });
  }
  std::string callbackIn(std::size_t call) {
    return std::string(
        boost::json::parse(calls_.at(call).body).at("channel").at("webhook_url").as_string());
  }
  std::set<std::string> taken_;
};

TEST_F(InboxLinkTest, WithoutOneOfThatNameItIsMade) {
  hasInboxes(inbox(1, "Other", kCallbacks + "x"));
  answers_.push_back({200, inbox(7, "Shop", "")});
  const auto made = link({"Shop", kCallbacks, {}, ""});
  EXPECT_EQ(made.inbox.id, 7);
  EXPECT_TRUE(made.isNew);
  EXPECT_EQ(calls_.at(1).method, "POST");
  EXPECT_EQ(callbackIn(1), kCallbacks + made.secret);
}

TEST_F(InboxLinkTest, OneThatCallsSomebodyElseIsLeftAlone) {
  hasInboxes(inbox(1, "Shop", "https://other.example/hook") + "," + inbox(2, "Shop", ""));
  answers_.push_back({200, inbox(7, "Shop", "")});
  EXPECT_EQ(link({"Shop", kCallbacks, {}, ""}).inbox.id, 7);
  EXPECT_EQ(calls_.at(1).method, "POST");
}

TEST_F(InboxLinkTest, OneOfThisServerThatNobodyHasIsAdoptedUnderANewSecret) {
  hasInboxes(inbox(1, "Shop", kCallbacks + "anothers") + "," +
             inbox(2, "Shop", kCallbacks + "left"));
  taken_ = {"anothers"};
  // What the server says of the callback has to be what it was told.
  const ChatwootClient echo(kAccount, [&](const ChatwootCall& call) -> ChatwootAnswer {
    calls_.push_back(call);
    if (call.method == "GET") return {200, answers_.front().body};
    return {200, inbox(2, "Shop", callbackIn(calls_.size() - 1))};
  });
  const auto adopted = linkInbox(echo, {"Shop", kCallbacks, {}, ""},
                                 [this](const std::string& s) { return taken_.contains(s); });
  EXPECT_EQ(adopted.inbox.id, 2);
  EXPECT_TRUE(adopted.isNew);
  EXPECT_NE(adopted.secret, "left");
  EXPECT_EQ(calls_.at(1).method, "PATCH");
  EXPECT_EQ(callbackIn(1), kCallbacks + adopted.secret);
}

TEST_F(InboxLinkTest, TheOneItHasIsKeptUnderWhateverNameWithoutAnotherCall) {
  hasInboxes(inbox(2, "Renamed", kCallbacks + "mine"));
  const auto kept = link({"Shop", kCallbacks, 2, "mine"});
  EXPECT_EQ(kept.inbox.name, "Renamed");
  EXPECT_EQ(kept.secret, "mine");
  EXPECT_FALSE(kept.isNew);
  EXPECT_EQ(calls_.size(), 1u);
}

TEST_F(InboxLinkTest, TheOneItHasIsCalledBackWhenItHasStrayed) {
  hasInboxes(inbox(2, "Shop", "http://old.test/api/chatwoot/callback/mine"));
  answers_.push_back({200, inbox(2, "Shop", kCallbacks + "mine")});
  EXPECT_FALSE(link({"Shop", kCallbacks, 2, "mine"}).isNew);
  EXPECT_EQ(callbackIn(1), kCallbacks + "mine");
}

TEST_F(InboxLinkTest, TheOneItHadThatIsGoneIsMadeAgainUnderANewSecret) {
  hasInboxes("");
  answers_.push_back({200, inbox(3, "Shop", "")});
  const auto made = link({"Shop", kCallbacks, 2, "mine"});
  EXPECT_EQ(made.inbox.id, 3);
  EXPECT_TRUE(made.isNew);
  EXPECT_NE(made.secret, "mine");
}

TEST_F(InboxLinkTest, AsksForNothingMoreOnceItWasRefused) {
  answers_ = {{401, ""}};
  EXPECT_THROW(link({"Shop", kCallbacks, {}, ""}), ChatwootFailure);
  EXPECT_EQ(calls_.size(), 1u);
}

// Names ------------------------------------------------------------------------------------------

TEST(IntegrationIdentity, AnIdIsAUlidInLowerCase) {
  using std::chrono::milliseconds;
  using std::chrono::system_clock;
  const auto id = newIntegrationId(system_clock::time_point(milliseconds(1469918176385)));
  EXPECT_EQ(id.size(), 4 + 26u);
  EXPECT_EQ(id.substr(0, 14), "int_01aryz6s41");  // the example of the ULID specification
  EXPECT_EQ(id.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz", 4), id.npos);
  EXPECT_NE(id, newIntegrationId(system_clock::time_point(milliseconds(1469918176385))));
}

TEST(IntegrationIdentity, ASecretIsThirtyTwoBytesThatFitIntoAPath) {
  const auto secret = newCallbackSecret();
  EXPECT_EQ(secret.size(), 43u);
  EXPECT_EQ(secret.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_"),
            secret.npos);
  EXPECT_NE(secret, newCallbackSecret());
}

TEST(IntegrationIdentity, ADigestIsSha256) {
  EXPECT_EQ(digestOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
