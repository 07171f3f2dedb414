// The plain parts of the messages block by themselves.
#include <gtest/gtest.h>

#include "group_answers.hpp"
#include "group_identifier.hpp"
#include "letter_case.hpp"
#include "mute.hpp"
#include "privacy.hpp"

using namespace boost::json;

TEST(Mute, LastsAsLongAsPhonesOffer) {
  for (const char* said : {"8h", "8 hours", "8 Hours"}) EXPECT_EQ(muteFor(said)->seconds, 28'800);
  for (const char* said : {"1w", "7d", "1 week"}) EXPECT_EQ(muteFor(said)->seconds, 604'800);
  for (const char* said : {"always", "forever", "permanent", ""})
    EXPECT_EQ(muteFor(said)->seconds, 0);
  for (const char* said : {"2h", " 8h", "8hours", "-1", "8h\n"}) EXPECT_FALSE(muteFor(said));
}

TEST(LetterCase, MakesNoDifferenceInAnyScript) {
  const std::string paid = caseFolded("Promoção");
  EXPECT_EQ(caseFolded("PROMOÇÃO"), paid);
  EXPECT_EQ(caseFolded("promoc\u0327a\u0303o"), paid) << "composed or not";
  EXPECT_NE(caseFolded("Promocao"), paid);
  EXPECT_EQ(caseFolded("ΣΊΣΥΦΟΣ"), caseFolded("σίσυφος"));
  EXPECT_EQ(caseFolded("STRASSE"), caseFolded("straße"));
  EXPECT_EQ(caseFolded("VIP\xff"), "VIP\xff") << "no text";
  EXPECT_EQ(caseFolded(""), "");
}

TEST(GroupIdentifier, IsAJidACodeOrALink) {
  EXPECT_EQ(groupIdentifierIn("120363000000000000@g.us")->jid, "120363000000000000@g.us");
  for (const char* said :
       {"AbCdEfGhIjKlMnOpQrStUv", "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv",
        "http://chat.whatsapp.com/invite/AbCdEfGhIjKlMnOpQrStUv#x",
        "chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv?mode=r", "AbCdEfGhIjKlMnOpQrStUv/"}) {
    const auto identifier = groupIdentifierIn(said);
    ASSERT_TRUE(identifier) << said;
    EXPECT_EQ(identifier->inviteCode, "AbCdEfGhIjKlMnOpQrStUv") << said;
    EXPECT_EQ(identifier->jid, "");
  }
  for (const char* said :
       {"", "Team", "https://chat.whatsapp.com/", "https://example.com/AbCdEfGhIj",
        "5511988880000@s.whatsapp.net", "120363@newsletter", "a b c d e f g h", "AbCdEfGh\xc3\xa9"})
    EXPECT_FALSE(groupIdentifierIn(said)) << said;
  EXPECT_FALSE(groupIdentifierIn(std::string(65, 'a')));
}

TEST(ChannelIdentifier, IsAJidACodeOrALink) {
  EXPECT_EQ(channelIdentifierIn("120363@newsletter")->jid, "120363@newsletter");
  for (const char* said : {"0029VaAbCdEf", "https://whatsapp.com/channel/0029VaAbCdEf",
                           "https://www.whatsapp.com/channel/0029VaAbCdEf/5?x"})
    EXPECT_EQ(channelIdentifierIn(said)->inviteCode, "0029VaAbCdEf") << said;
  EXPECT_FALSE(channelIdentifierIn("120363@g.us"));
}

TEST(GroupAnswers, TakeWhatAConnectorLeavesOut) {
  const value bare{{"jid", "1@g.us"}};
  const object settings{{"membersCanEditInfo", true},
                        {"membersCanSendMessages", true},
                        {"membersCanAddOthers", true},
                        {"requireAdminApproval", false}};
  const object info{{"name", ""},
                    {"jid", "1@g.us"},
                    {"description", ""},
                    {"inviteCode", nullptr},
                    {"inviteLink", nullptr},
                    {"createdBy", nullptr},
                    {"participantCount", 0},
                    {"participants", array()},
                    {"groupSettings", settings}};
  EXPECT_EQ(groupInfo(bare), info);
  EXPECT_EQ(groupRow(bare, true), (object{{"groupJid", "1@g.us"},
                                          {"name", ""},
                                          {"memberCount", 0},
                                          {"isAdmin", false},
                                          {"participants", array()}}));
  object detail = info;
  for (const char* key : {"isEphemeral", "isIncognito", "isSuspended", "isDefaultSubGroup"})
    detail[key] = false;
  detail["image"] = nullptr;
  detail["createdAt"] = nullptr;
  detail["metadata"] = {{"nameSetBy", nullptr},
                        {"nameSetAt", nullptr},
                        {"descriptionSetBy", nullptr},
                        {"descriptionSetAt", nullptr}};
  EXPECT_EQ(groupDetail(bare, true), detail);
  EXPECT_EQ(channel({{"jid", "1@newsletter"}}), (object{{"jid", "1@newsletter"},
                                                        {"state", "active"},
                                                        {"name", ""},
                                                        {"description", ""},
                                                        {"subscriberCount", 0},
                                                        {"pictureUrl", nullptr}}));
}

TEST(GroupAnswers, CountMembersThatAreNotShown) {
  const value group{{"jid", "1@g.us"},
                    {"participants", {{{"jid", "2@s.whatsapp.net"}, {"isAdmin", true}}}}};
  EXPECT_EQ(groupRow(group, false).at("memberCount"), 1u);
  EXPECT_EQ(groupDetail(group, false).at("participants"), array());
  EXPECT_EQ(groupDetail(group, true).at("participants"), (value{{{"jid", "2@s.whatsapp.net"},
                                                                 {"isAdmin", true},
                                                                 {"isSuperAdmin", false},
                                                                 {"lid", nullptr}}}));
  EXPECT_EQ(groupRow({{"jid", "1@g.us"}, {"participantCount", 9}}, false).at("memberCount"), 9);
}

TEST(Privacy, KeepsWhatItKnows) {
  const object given{{"visibility", {{"online", "match_last_seen"}, {"shoe", "all"}}},
                     {"privacy", {{"readReceipts", nullptr}}},
                     {"hat", {{"on", "all"}}}};
  EXPECT_EQ(privacyIn(given), (object{{"visibility", {{"online", "match_last_seen"}}}}));
}

TEST(Privacy, SaysWhichValueIsNone) {
  const auto refused = [](const object& given) {
    try {
      return serialize(privacyIn(given));
    } catch (const BadPrivacy& bad) {
      return bad.path + ": " + bad.value;
    }
  };
  EXPECT_EQ(refused({{"visibility", {{"online", "none"}}}}), "visibility.online: none");
  EXPECT_EQ(refused({{"permissions", {{"callAdd", {1, 2}}}}}), "permissions.callAdd: [1,2]");
}
