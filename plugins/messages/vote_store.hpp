// Who has chosen what of a poll. Kept for as long as messages are.
#pragma once

#include <string>
#include <vector>

#include "pombo/event.hpp"
#include "pombo/storage.hpp"

struct Vote {
  std::string jid = {};
  std::string lid = {};  // empty: it is not known
  std::string name = {};
  std::string at = {};
  std::vector<std::string> options = {};  // by their names
};

// The whole of one voter's choice, as a "poll_update" tells it; the last one counts.
pombo::Statement voting(const pombo::Event&);
// Those who have chosen anything, the first to do so first.
std::vector<Vote> votesOf(pombo::ISql&, const pombo::InstanceId&, const std::string& poll,
                          const std::string& chat);
