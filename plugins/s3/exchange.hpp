// One request to an S3 service and its answer, whoever carries them.
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>

namespace s3 {

enum class Verb { get, put, del };

using Headers = std::map<std::string, std::string>;  // keys in lower case

struct Request {
  Verb verb = Verb::get;
  std::string url;
  Headers headers;
  std::string body;
};

struct Reply {
  int status = 0;
  Headers headers;
  std::string body;
};

// Why a bucket cannot be used, for people; never a key.
class BucketError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Any answer is a reply; throws BucketError when there was none.
using Send = std::function<Reply(const Request&)>;

}  // namespace s3
