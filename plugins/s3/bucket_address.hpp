// Where the objects of a bucket are: in a host of its own, or under a path of the service's.
#pragma once

#include <string>

namespace s3 {

struct Bucket {
  std::string endpoint;  // a URL; empty: AWS
  std::string region;
  std::string name;
  std::string accessKey;
  std::string secretKey;
};

struct BucketAddress {
  std::string origin;  // "https://minio.example:9000"
  std::string host;    // "minio.example:9000", as the Host header says it
  std::string path;    // "/media", encoded; empty: the bucket is in the host
};

// Whether it is one part of a host's name, in lower case.
bool isDnsLabel(const std::string& name);

// At AWS a bucket is in the host, unless its name is not one that a certificate of theirs covers.
// Anywhere else it is in the path, which every service takes; an endpoint whose host is that of a
// service with the bucket's name in front is meant to be the bucket's own.
BucketAddress addressOf(const Bucket&);

}  // namespace s3
