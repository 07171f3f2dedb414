// What a stranger says a file is, made safe to be said in an answer's head.
#pragma once

#include <string>

namespace pombo {

// "image/jpeg", with parameters; "application/octet-stream" for what is no type.
std::string contentTypeOf(const std::string& mimeType);

// The value of Content-Disposition: always a download, under a name that stays in its folder, hides
// no part of itself and has 200 bytes at most; RFC 6266, with the name in UTF-8 beside a plain one.
std::string attachmentNamed(const std::string& fileName);

}  // namespace pombo
