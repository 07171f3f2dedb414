// What was counted of an instance's messages, whether or not they are kept.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pombo/storage.hpp"

// How much of each: "sent", "type:text", "day:2026-11-21", "status:4", ...
using Counts = std::map<std::string, std::int64_t>;

struct Tally {
  Counts counts;
  std::vector<std::string> chats;  // JIDs with whom there were messages
  std::string first = {};          // "2026-11-21T10:00:00Z"; empty: there was none
  std::string last = {};
};

Tally tallyOf(pombo::ISql&, const pombo::InstanceId&);

// "status:4".
std::string statusCount(std::int64_t status);
pombo::Statement counting(const pombo::InstanceId&, const std::vector<std::string>& all,
                          std::int64_t by);
// One message of this chat, at this time.
std::vector<pombo::Statement> meeting(const pombo::InstanceId&, const std::string& chat,
                                      const std::string& at);
// What is counted by days, before this one, is not asked for any more.
pombo::Statement forgettingDays(const std::string& before);
