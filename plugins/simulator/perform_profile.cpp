#include "phone.hpp"
#include "synthetic.hpp"

using namespace boost::json;

namespace {

value memberOr(const object& parent, std::string_view key, value otherwise) {
  const auto* found = parent.if_contains(key);
  return found ? *found : otherwise;
}

Performance change(const Performer&, Phone& phone, const value& arguments) {
  object& profile = objectIn(phone, "profile");
  for (const auto& [key, wanted] : arguments.as_object())
    profile[key] = key == "profilePicture" && !wanted.is_null()
                       ? value("https://pictures.invalid/" + syntheticPictureId() + ".jpg")
                       : wanted;
  return {};
}

// Of others the phone knows no more than who they are.
Performance show(const Performer& self, Phone& phone, const value& arguments) {
  const std::string chat = textIn(arguments, "chat");
  const bool own = chat.empty() || chat == self.jid;
  const std::string jid = own ? self.jid : chat;
  object shown{{"jid", jid}};
  if (jid.ends_with("@s.whatsapp.net")) shown["phoneNumber"] = jid.substr(0, jid.find('@'));
  if (!own) return {std::move(shown), {}, {}};
  const object& profile = objectIn(phone, "profile");
  shown["lid"] = self.lid;
  shown["profileName"] = memberOr(profile, "profileName", value(self.name));
  shown["profileStatus"] = memberOr(profile, "profileStatus", "");
  shown["profilePicture"] = memberOr(profile, "profilePicture", nullptr);
  return {std::move(shown), {}, {}};
}

object& privacyOf(Phone& phone) {
  const object usual{
      {"visibility",
       {{"lastSeen", "all"}, {"status", "all"}, {"profile", "all"}, {"online", "all"}}},
      {"privacy", {{"readReceipts", "all"}}},
      {"permissions", {{"groupAdd", "all"}, {"callAdd", "all"}}}};
  auto& kept = phone["privacySettings"];
  if (!kept.is_object()) kept = usual;
  return kept.get_object();
}

Performance changePrivacy(const Performer&, Phone& phone, const value& arguments) {
  object& settings = privacyOf(phone);
  for (const auto& [group, wanted] : arguments.as_object())
    for (const auto& [key, value] : wanted.as_object()) objectIn(settings, group)[key] = value;
  return {settings, {}, {}};
}

Performance showPrivacy(const Performer&, Phone& phone, const value&) {
  return {privacyOf(phone), {}, {}};
}

}  // namespace

PhoneOperations profileOperations() {
  return {{"profile.account", change},
          {"profile.getAccount", show},
          {"profile.privacy", changePrivacy},
          {"profile.getPrivacy", showPrivacy}};
}
