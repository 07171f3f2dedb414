// Where the bytes of what is sent come from.
#pragma once

#include "desk_routes.hpp"
#include "pombo/fields.hpp"

// Of what a connector is told, if there is a file in it at all. All of them throw Error{invalid}:
// "Failed to download media: <reason>", "Media is too large (limit <n> MiB)", "Unsupported media
// type: <mime>", "URL is not allowed: <reason>". `urlField`: what the client calls `mediaUrl`.

// Replaces a file that came with the request by `mediaBase64`, `mimeType`, `mediaSize`, `fileName`,
// and refuses URLs that may not be dialled. Downloads nothing.
void takeGivenMedia(const Desk&, boost::json::object& told,
                    const std::string& urlField = "mediaUrl");
// Downloads what there are URLs of: `told` gets the same; beside the URL of a button or a card a
// `file` has them. Returns the memory of it, to be held for as long as `told`. Throws
// Error{unavailable} "Server is busy" as well.
FileMemory::Share fetchMedia(const Desk&, boost::json::object& told,
                             const std::string& urlField = "mediaUrl");
