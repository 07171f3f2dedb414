#include "phone.hpp"

#include <utility>

using namespace boost::json;

const PhoneOperations& phoneOperations() {
  static const PhoneOperations all = [] {
    PhoneOperations every;
    for (auto each : {chatOperations(), changeOperations(), labelOperations(), groupOperations(),
                      groupMemberOperations(), communityOperations(), newsletterOperations(),
                      profileOperations()})
      every.merge(std::move(each));
    return every;
  }();
  return all;
}

object& objectIn(object& parent, std::string_view key) {
  auto& member = parent[key];
  return member.is_object() ? member.get_object() : member.emplace_object();
}

array& arrayIn(object& parent, std::string_view key) {
  auto& member = parent[key];
  return member.is_array() ? member.get_array() : member.emplace_array();
}

std::string textIn(const value& document, std::string_view key) {
  const auto* members = document.if_object();
  const auto* found = members ? members->if_contains(key) : nullptr;
  const auto* text = found ? found->if_string() : nullptr;
  return text ? std::string(*text) : "";
}
