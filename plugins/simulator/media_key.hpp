#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>

// The bytes of an injected message are in the key that it is published with: nobody keeps them but
// the event itself. Where none were injected, some are made.

// Takes the bytes out of a checked "message.exchange"; empty when it has no media.
std::string takeMedia(boost::json::value& data);

struct SimulatedFile {
  std::string mimeType;
  std::string fileName;
  std::optional<std::string> bytes = {};  // nothing: they are to be made, so many
  std::uint64_t size = 0;
};

// Nothing: it would be larger than 64 MiB.
std::optional<SimulatedFile> fileBehind(const std::string& mediaKey);
