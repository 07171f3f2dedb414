// What the answer of an S3 service means when it is not the one that was hoped for.
#pragma once

#include <string>

#include "exchange.hpp"

namespace s3 {

// In words that say what to change. `purpose` completes "may not ... the bucket": "write to". What
// the service says is quoted only where it is a plain word, since anybody may have written it, and
// never with `secret` in it: whoever keeps the bucket knows its key.
BucketError refusalOf(const Reply&, const std::string& purpose, const std::string& secret);

// The text of the first <name> after <Error, if it is made of letters, digits, "-", "_" and ".", 64
// at most; otherwise empty. No XML is interpreted: there is one word to find, and no entity.
std::string wordIn(const std::string& body, const std::string& name);

}  // namespace s3
