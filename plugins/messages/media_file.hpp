#pragma once

#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// A file as it was given, or downloaded.
struct MediaFile {
  boost::json::string base64;  // as it was given, moved from a document: it may be large
  std::string mimeType;        // as whoever gave it says; empty: nobody said
  std::string head;            // its first bytes
  std::size_t size = 0;
};

// "data:image/png;base64,iVBO..." or bare base64; nothing when it is neither.
std::optional<MediaFile> mediaFileIn(boost::json::string text);
// The bytes of one that was given, piece by piece: nothing but the file is whole.
void decode(const MediaFile&, const std::function<void(const std::string&)>& take);
// Of bytes that are there, without their base64.
MediaFile mediaFileOf(const std::string& bytes, const std::string& mimeType);

// By what files of a kind begin with: "image/jpeg", "text/html"; empty: it cannot be told.
std::string mimeTypeIn(std::string_view head);
// Likewise, or what whoever gave it says; of a container that may hold sound alone, whether it does
// is theirs to say. At last "application/octet-stream".
std::string mimeTypeOf(const MediaFile&);
// Whether it may be sent as an "image", "video", "audio" or "document".
bool fitsMediaType(const std::string& mimeType, const std::string& mediaType);
// The last part of a URL's path, when it looks like the name of a file.
std::string fileNameIn(const std::string& url);

boost::json::string base64Of(const std::string& bytes);
