// How large the media of an event are, before anybody has seen them.
#pragma once

#include <optional>

#include "pombo/event.hpp"

namespace pombo {

// Bytes, as whoever sent them says, who may lie; nothing where that is not said.
inline std::optional<std::uint64_t> saidMediaSize(const Event& event) {
  boost::json::error_code none;
  const auto* const size = event.data.find_pointer("/message/media/size", none);
  const auto* const bytes = size ? size->if_int64() : nullptr;
  return bytes && *bytes >= 0 ? std::optional(static_cast<std::uint64_t>(*bytes)) : std::nullopt;
}

}  // namespace pombo
