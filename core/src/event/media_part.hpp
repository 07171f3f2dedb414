// Where an event's data say what its media are.
#pragma once

#include <string>

#include "pombo/event.hpp"

namespace pombo {

// Null: it has none.
inline boost::json::object* mediaIn(Json& data) {
  boost::json::error_code none;
  auto* const media = data.find_pointer("/message/media", none);
  return media ? media->if_object() : nullptr;
}

inline bool carriesMedia(const Event& event) {
  boost::json::error_code none;
  const auto* const media = event.data.find_pointer("/message/media", none);
  return media && media->is_object() && !event.mediaKey.empty();
}

// A receiver that waits for a copy learns that there is none. False: that was said before.
inline bool tellMediaError(Json& data, const std::string& reason) {
  auto* const media = mediaIn(data);
  if (!media || media->contains("error")) return false;
  (*media)["error"] = reason;
  return true;
}

}  // namespace pombo
