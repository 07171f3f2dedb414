// AWS Signature Version 4 as S3 takes it: paths are encoded once, and the hash of the body is a
// header.
#pragma once

#include <chrono>
#include <string>

#include "exchange.hpp"

namespace s3 {

using Time = std::chrono::system_clock::time_point;

// What is signed of a request.
struct Signable {
  Verb verb = Verb::get;
  std::string host = {};   // as the Host header says it
  std::string path = {};   // as it is sent
  std::string query = {};  // as it is sent, sorted by name, "=" after each; without the "?"
  Headers headers = {};
  std::string bodyHash = {};  // sha256Hex() of the body
};

class Signer {
 public:
  Signer(std::string region, std::string accessKey, std::string secretKey);

  // The headers of the request with those that prove who sends it.
  Headers sign(const Signable&, Time now) const;

 private:
  std::string signatureOf(const std::string& text, const std::string& day) const;

  std::string region_;
  std::string accessKey_;
  std::string secretKey_;
};

std::string sha256Hex(const std::string& bytes);

// Everything but letters, digits and -._~ as %XX; slashes are kept.
std::string encodedPath(const std::string& path);

const char* wordOf(Verb);

}  // namespace s3
