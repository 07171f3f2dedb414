// Puts, gets and removes the objects of one bucket.
#pragma once

#include <functional>
#include <string>

#include "bucket_address.hpp"
#include "signer.hpp"

namespace s3 {

// All of it throws BucketError with what is wrong. Thread-safe when `send` is.
class BucketClient {
 public:
  using Clock = std::function<Time()>;

  BucketClient(const Bucket&, Send send, Clock now);

  // Keys are as the bucket knows them: neither encoded nor with a slash in front.
  void put(const std::string& key, const std::string& bytes, const std::string& mimeType) const;
  std::string get(const std::string& key) const;
  void remove(const std::string& key) const;

  // Where whoever may read the bucket finds the object.
  std::string urlOf(const std::string& key) const;

 private:
  Reply ask(Verb, const std::string& key, const std::string& purpose, const std::string& body = {},
            const Headers& headers = {}) const;

  const BucketAddress address_;
  const std::string secretKey_;
  const Signer signer_;
  const Send send_;
  const Clock now_;
};

}  // namespace s3
