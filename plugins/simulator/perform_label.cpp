#include <algorithm>

#include "phone.hpp"
#include "synthetic.hpp"

using namespace boost::json;

namespace {

Performance told(const Performer& self, object data) {
  data["timestamp"] = timeText(self.now);
  return {nullptr, {{"label.update", "", std::move(data)}}, {}};
}

Performance edited(const Performer& self, const value& label, bool deleted) {
  return told(self, {{"type", "edit"},
                     {"labelId", label.at("id")},
                     {"name", label.at("name")},
                     {"color", label.at("color")},
                     {"deleted", deleted},
                     {"action", deleted ? "deleted" : "edited"}});
}

void eraseWhere(array& list, std::string_view key, const value& what) {
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&](const value& each) { return each.at(key) == what; }),
             list.end());
}

Performance create(const Performer& self, Phone& phone, const value& label) {
  arrayIn(phone, "labels").push_back(label);
  return edited(self, label, false);
}

Performance erase(const Performer& self, Phone& phone, const value& label) {
  eraseWhere(arrayIn(phone, "labels"), "id", label.at("id"));
  eraseWhere(arrayIn(phone, "labelled"), "id", label.at("id"));
  return edited(self, label, true);
}

Performance labelChat(const Performer& self, Phone& phone, const value& arguments) {
  const bool on = arguments.at("labeled").as_bool();
  const value row{{"id", arguments.at("id")}, {"chat", arguments.at("chat")}};
  array& rows = arrayIn(phone, "labelled");
  rows.erase(std::remove(rows.begin(), rows.end(), row), rows.end());
  if (on) rows.push_back(row);
  return told(self, {{"type", "chat"},
                     {"labelId", arguments.at("id")},
                     {"chatJid", arguments.at("chat")},
                     {"action", on ? "added" : "removed"},
                     {"labeled", on}});
}

Performance list(const Performer&, Phone& phone, const value&) {
  return {
      object{{"labels", arrayIn(phone, "labels")}, {"chats", arrayIn(phone, "labelled")}}, {}, {}};
}

}  // namespace

PhoneOperations labelOperations() {
  return {{"label.create", create},
          {"label.delete", erase},
          {"label.chat", labelChat},
          {"label.list", list}};
}
