// What a receiver has answered, for people to read.
#pragma once

#include <string>
#include <string_view>

// The same as UTF-8: what is none is replaced by U+FFFD, byte by byte.
std::string asText(std::string_view bytes);
