#include "session_side.hpp"

#include <string_view>

using namespace pombo;

namespace {

Json orNull(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

std::string digitsIn(const std::string& number) {
  std::string digits;
  for (const char c : number) {
    if (c >= '0' && c <= '9')
      digits.push_back(c);
    else if (std::string_view("+-() ").find(c) == std::string_view::npos)
      return {};
  }
  return digits;
}

}  // namespace

std::string jidOf(const std::string& number) {
  const std::string digits = digitsIn(number);
  if (digits.size() < 8 || digits.size() > 15)
    throw Error(Code::invalid, "Invalid number: " + number);
  return digits + "@s.whatsapp.net";
}

SimulatedSession::SimulatedSession(const Json& document) {
  const Fields fields(document);
  jid = fields.get<std::string>("jid", "");
  lid = fields.get<std::string>("lid", "");
  bannedUntil = fields.get<std::int64_t>("bannedUntil", 0);
  phone = fields.get<Phone>("phone", {});
  profile.name = fields.find<std::string>("name");
  profile.pictureUrl = fields.find<std::string>("pictureUrl");
  profile.isBusiness = fields.get<bool>("isBusiness", false);
  profile.businessName = fields.get<std::string>("businessName", "");
  profile.available = fields.get<bool>("available", true);
}

Json SimulatedSession::document() const {
  boost::json::object all = profileShown().as_object();
  all["jid"] = jid;
  all["lid"] = lid;
  all["bannedUntil"] = bannedUntil;
  all["phone"] = phone;
  return all;
}

Json SimulatedSession::profileShown() const {
  return {{"name", orNull(profile.name)},
          {"pictureUrl", orNull(profile.pictureUrl)},
          {"isBusiness", profile.isBusiness},
          {"businessName", profile.businessName},
          {"available", profile.available}};
}
