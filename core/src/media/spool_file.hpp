// One file of the spool: the bytes of a medium, and behind them what they are.
#pragma once

#include <cstdint>
#include <optional>

#include "pombo/media.hpp"

namespace pombo {

// Bytes of one that has neither any of its own nor a name.
inline constexpr std::uint64_t kSmallestSpoolFile = 25;

// Bytes on the disk. What it says of itself is cut to what anybody could want to know.
std::uint64_t spoolFileSize(const Media&);

// Copies it to the start of the file, without taking it into memory, and returns when it is on the
// disk. Throws Error{unavailable} when fewer bytes are there than it says, std::system_error when
// they cannot be written.
void writeSpoolFile(const Descriptor& to, const Media&);

// Nothing: it is no such file, or not all of one. `size` leaves out what stands behind the bytes.
std::optional<Media> readSpoolFile(const Descriptor&);

}  // namespace pombo
