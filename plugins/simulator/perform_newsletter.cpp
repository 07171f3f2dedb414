#include "phone.hpp"
#include "synthetic.hpp"

using namespace boost::json;

namespace {

object channelOf(const std::string& code, const std::string& name) {
  return {{"jid", syntheticChannelJid()},
          {"state", "active"},
          {"name", name},
          {"description", ""},
          {"inviteCode", code},
          {"subscriberCount", 1},
          {"pictureUrl", nullptr}};
}

// Nothing: there is no such channel. A code that nobody here has made leads to one of somebody's,
// but for those that begin with "Gone".
const object* named(Phone& phone, const value& arguments) {
  const std::string jid = textIn(arguments, "newsletter"), code = textIn(arguments, "inviteCode");
  object& known = objectIn(phone, "newsletters");
  for (const auto& [key, channel] : known)
    if (key == jid || (!code.empty() && textIn(channel, "inviteCode") == code))
      return &channel.as_object();
  if (code.empty() || code.starts_with("Gone")) return nullptr;
  object found = channelOf(code, "Channel of others");
  const std::string made = textIn(found, "jid");
  return &(known[made] = std::move(found)).as_object();
}

std::string jidAskedFor(Phone& phone, const value& arguments) {
  const auto* channel = named(phone, arguments);
  if (!channel) throw PhoneRefusal{PhoneRefusal::Why::notFound, "Newsletter not found"};
  return textIn(*channel, "jid");
}

Performance follow(Phone& phone, const std::string& jid, bool on) {
  object& channel = objectIn(phone, "newsletters").at(jid).as_object();
  if (on)
    channel["followed"] = true;
  else
    channel.erase("followed");
  return {channel, {}, {}};
}

Performance create(const Performer&, Phone& phone, const value& arguments) {
  object made = channelOf(syntheticInviteCode(), textIn(arguments, "name"));
  made["description"] = arguments.at("description");
  if (arguments.as_object().contains("image"))
    made["pictureUrl"] = "https://pictures.invalid/" + syntheticPictureId() + ".jpg";
  const std::string jid = textIn(made, "jid");
  objectIn(phone, "newsletters")[jid] = std::move(made);
  return follow(phone, jid, true);
}

Performance list(const Performer&, Phone& phone, const value&) {
  array followed;
  for (const auto& [jid, channel] : objectIn(phone, "newsletters"))
    if (channel.as_object().contains("followed")) followed.push_back(channel);
  return {object{{"channels", std::move(followed)}}, {}, {}};
}

Performance info(const Performer&, Phone& phone, const value& arguments) {
  const std::string jid = jidAskedFor(phone, arguments);  // which may make it
  return {objectIn(phone, "newsletters").at(jid), {}, {}};
}

Performance join(const Performer&, Phone& phone, const value& arguments) {
  return follow(phone, jidAskedFor(phone, arguments), true);
}

Performance leave(const Performer&, Phone& phone, const value& arguments) {
  return follow(phone, jidAskedFor(phone, arguments), false);
}

}  // namespace

PhoneOperations newsletterOperations() {
  return {{"newsletter.create", create},
          {"newsletter.list", list},
          {"newsletter.info", info},
          {"newsletter.join", join},
          {"newsletter.leave", leave}};
}
