#pragma once

#include <string>

// Where `reference` leads from `base`, an absolute URL, as RFC 3986 resolves it (5.2): "?b=2" and
// "../c" as well as "//example.com/" and whole URLs. Without a fragment.
std::string resolved(const std::string& base, const std::string& reference);
