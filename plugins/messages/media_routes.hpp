// Where the bytes of what is sent come from.
#pragma once

#include "desk_routes.hpp"
#include "pombo/fields.hpp"

// Whether the file has yet to be downloaded: of what a connector is told, if it has one at all.
bool isToFetch(const boost::json::object& told);
// Replaces `mediaUrl` and `mediaBase64` of what a connector is told by the file itself:
// `mediaBase64`, `mimeType`, `mediaSize`, `fileName`, and `mediaUrl` where it was downloaded.
// Throws Error{invalid} "Failed to download media: <reason>", "Media is too large (limit <n> MiB)",
// "Unsupported media type: <mime>", "URL is not allowed: <reason>".
void takeMedia(const Desk&, boost::json::object& told);
