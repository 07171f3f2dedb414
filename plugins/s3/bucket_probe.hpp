// Whether a bucket can be used, by using it.
#pragma once

#include <string>

#include "bucket_client.hpp"

namespace s3 {

// Writes, reads and deletes an object of one byte whose key begins with `prefix` and is nobody
// else's. Throws BucketError with what is wrong.
void probe(const BucketClient&, const std::string& prefix);

// The prefix is a folder, with or without the slash at its end.
std::string keyUnder(const std::string& prefix, const std::string& name);

}  // namespace s3
