// Where the bytes of what is sent come from.
#pragma once

#include <vector>

#include "desk_routes.hpp"
#include "pombo/fields.hpp"

// Of what a connector is told, if there is a file in it at all. All of them throw Error{invalid}:
// "Failed to download media: <reason>", "Media is too large (limit <n> MiB)", "Unsupported media
// type: <mime>", "URL is not allowed: <reason>". `urlField`: what the client calls `mediaUrl`.

// The file of what is told, and the memory that all of it takes: to be held as long as either. Both
// below throw Error{unavailable} "Server is busy" when there is none left.
struct SentMedia {
  std::vector<pombo::Media> files = {};  // as `mediaFile` names them
  FileMemory::Share memory = {};
};

// Takes a file that came with the request out of `told`, which gets `mediaFile`, `mimeType`,
// `mediaSize`, `fileName`, and refuses URLs that may not be dialled. Downloads nothing.
SentMedia takeGivenMedia(const Desk&, boost::json::object& told,
                         const std::string& urlField = "mediaUrl");
// Downloads what there are URLs of: `told` gets the same; beside the URL of a button or a card a
// `file` has them, and the bytes as `mediaBase64`.
void fetchMedia(const Desk&, boost::json::object& told, SentMedia&,
                const std::string& urlField = "mediaUrl");
