#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// What a simulated WhatsApp makes of what it is asked.
struct Performance {
  struct Happening {
    std::string type;  // "message.exchange", ...
    std::string chat;
    boost::json::value data;
    std::string mediaKey = {};
  };
  boost::json::value answer = {};
  std::vector<Happening> happenings = {};  // in this order
  std::string refusal = {};                // why there is no answer
};

// The instance, and when it asks.
struct Performer {
  std::string jid;
  std::string lid;
  std::string name;
  std::chrono::system_clock::time_point now;
};

using Operation = Performance (*)(const Performer&, const boost::json::value& arguments);

// By name: "message.text", "number.find", ... A file of operations adds its own.
const std::map<std::string_view, Operation>& operations();
