// Fields that mean a picture: an address, a data URI, or base64.
#pragma once

#include <string>

#include "pombo/host.hpp"

struct Picture {
  std::string url = {};     // where it is to be fetched from; empty: it is here
  std::string base64 = {};  // of its bytes
};

// Throws Error{invalid} for what is none of the three, or may not be dialled.
Picture pictureIn(pombo::IHost&, const std::string& field, const std::string& value);
// Its bytes in base64. Throws Error{invalid} "Failed to download media: <reason>", "URL is not
// allowed: <reason>", "Media is too large (limit 5 MiB)".
std::string bytesOf(pombo::IHost&, const pombo::Instance&, const Picture&);
