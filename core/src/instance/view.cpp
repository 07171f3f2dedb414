#include "instance/view.hpp"

#include "instance/identity.hpp"

namespace pombo {
namespace {

Json orNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

std::string displayOf(const std::string& status, bool available) {
  if (status == "connected") return available ? "Online" : "Connected";
  if (status == "connecting") return "Connecting";
  if (status == "loggedout") return "Logged out";
  return status == "banned" ? "Banned" : "Disconnected";
}

Json connectionOf(const Instance& instance, const Profile& profile) {
  const bool available = instance.status == "connected" && profile.available;
  return {{"state", instance.status},
          {"numberJid", orNull(instance.numberJid)},
          {"presenceStatus", available ? "available" : "unavailable"},
          {"displayStatus", displayOf(instance.status, available)}};
}

Json profileOf(const Profile& profile) {
  return {{"name", profile.name ? Json(*profile.name) : Json()},
          {"pictureUrl", profile.pictureUrl ? Json(*profile.pictureUrl) : Json()},
          {"isBusiness", profile.isBusiness},
          {"businessName", profile.businessName}};
}

}  // namespace

boost::json::object identityOf(const Instance& instance, const std::string& token,
                               const Promises& promises) {
  boost::json::object shown{{"id", instance.id.value},
                            {"name", instance.name},
                            {"token", orNull(token)},
                            {"status", instance.status},
                            {"numberJid", orNull(instance.numberJid)}};
  if (instance.connector != promises.defaultConnector) shown["connector"] = instance.connector;
  return shown;
}

void addTimes(boost::json::object& shown, const Instance& instance, TimePoint updatedAt) {
  shown["createdAt"] = rfc3339(instance.createdAt);
  shown["updatedAt"] = rfc3339(updatedAt);
}

Json InstanceList::of(const std::vector<StoredInstance>& stored,
                      std::vector<std::string>& warnings) const {
  // One session reads all rows of a list; a block asking for each would be six look-ups a line.
  std::vector<InstanceId> ids;
  for (const auto& each : stored) ids.push_back(each.instance.id);
  std::map<InstanceId, Draft> drafts;
  blocks_.preload(ids, drafts);
  boost::json::array entries;
  for (const auto& each : stored) {
    const Draft::Scope scope(drafts.at(each.instance.id));
    entries.push_back(entryOf(each, warnings));
  }
  return entries;
}

Json InstanceList::entryOf(const StoredInstance& stored, std::vector<std::string>& warnings) const {
  const Instance& instance = stored.instance;
  const auto token = instances_.tokenOf(stored);
  if (!token) warnings.push_back("The token of instance '" + instance.name + "' cannot be opened");
  boost::json::object shown =
      identityOf(instance, token ? token->reveal() : "", registry_.promises());
  const Profile profile = registry_.profileOf(instance);
  shown["connection"] = connectionOf(instance, profile);
  shown["profile"] = profileOf(profile);
  registry_.show(instance, blocks_, shown);
  addTimes(shown, instance, stored.updatedAt);
  return shown;
}

}  // namespace pombo
