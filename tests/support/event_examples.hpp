// Events as the specification prints them, and as they travel: with every key that is always there.
#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

struct EventExample {
  std::string event;
  boost::json::value data;
  std::string name;  // for messages: of the test
};

inline boost::json::value supportFile(const std::string& name) {
  std::ifstream in(POMBO_SOURCE_DIR "/tests/support/" + name, std::ios::binary);
  return boost::json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
}

inline boost::json::value eventExamplesFile() { return supportFile("event_examples.json"); }

inline std::vector<EventExample> eventExamples() {
  const auto file = eventExamplesFile();
  std::vector<EventExample> all;
  for (const auto& each : file.at("events").as_array())
    all.push_back({std::string(each.at("event").as_string()), each.at("data"), "event"});
  for (const auto& message : file.at("messages").as_array()) {
    auto data = file.at("events").at(0).at("data");
    data.at("message") = message;
    all.push_back({"message.exchange", data, std::string(message.at("type").as_string())});
  }
  return all;
}

// What is left out of the print: null, unless it says otherwise.
inline boost::json::value completedMessage(const boost::json::value& printed) {
  boost::json::object message{
      {"source", ""},       {"isEdit", false},     {"media", nullptr},
      {"context", nullptr}, {"edit", nullptr},     {"location", nullptr},
      {"contact", nullptr}, {"reaction", nullptr}, {"interactive", nullptr}};
  for (const auto& [key, value] : printed.as_object()) message[key] = value;
  return message;
}
