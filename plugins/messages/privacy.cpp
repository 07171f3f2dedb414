#include "privacy.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "reply_shape.hpp"

using namespace boost::json;

namespace {

struct Setting {
  const char* group;
  const char* name;
  std::vector<std::string_view> values;
};

const std::vector<Setting>& settings() {
  static const std::vector<std::string_view> who{"all", "contacts", "contact_blacklist", "none"};
  static const std::vector<Setting> all{
      {"visibility", "lastSeen", who},
      {"visibility", "status", who},
      {"visibility", "profile", who},
      {"visibility", "online", {"all", "match_last_seen"}},
      {"privacy", "readReceipts", {"all", "none"}},
      {"permissions", "groupAdd", who},
      {"permissions", "callAdd", {"all", "known"}},
  };
  return all;
}

const value* valueIn(const object& given, const Setting& setting) {
  const auto* group = given.if_contains(setting.group);
  const auto* members = group ? group->if_object() : nullptr;
  const auto* found = members ? members->if_contains(setting.name) : nullptr;
  return found && !found->is_null() ? found : nullptr;
}

bool isAmong(const std::vector<std::string_view>& values, const value& one) {
  const auto* word = one.if_string();
  return word && std::find(values.begin(), values.end(), std::string_view(*word)) != values.end();
}

}  // namespace

object privacyIn(const object& given) {
  object known;
  for (const auto& setting : settings()) {
    const auto* found = valueIn(given, setting);
    if (!found) continue;
    if (!isAmong(setting.values, *found)) {
      const auto* word = found->if_string();
      throw BadPrivacy{std::string(setting.group) + "." + setting.name,
                       word ? std::string(*word) : serialize(*found)};
    }
    auto& group = known[setting.group];
    if (!group.is_object()) group = object();
    group.get_object()[setting.name] = *found;
  }
  return known;
}

object privacySchema() {
  object groups;
  for (const auto& setting : settings()) {
    auto& group = groups[setting.group];
    if (!group.is_object()) group = objectOf({});
    array values;
    for (const auto each : setting.values) values.emplace_back(each);
    group.at("required").as_array().emplace_back(setting.name);
    group.at("properties").as_object()[setting.name] = {{"enum", std::move(values)}};
  }
  return groups;
}
