#include "refusal.hpp"

#include <algorithm>
#include <cctype>

namespace s3 {
namespace {

constexpr std::size_t kLongestWord = 64;

bool isWord(const std::string& text) {
  return !text.empty() && text.size() <= kLongestWord &&
         std::all_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x80 && (std::isalnum(byte) || c == '-' || c == '_' || c == '.');
         });
}

// Where the bucket is, when the service says so.
std::string regionIn(const Reply& reply) {
  const auto header = reply.headers.find("x-amz-bucket-region");
  if (header != reply.headers.end() && isWord(header->second)) return header->second;
  return wordIn(reply.body, "Region");
}

std::string meaningOf(const std::string& code, const std::string& purpose) {
  if (code == "InvalidAccessKeyId") return "the access key is not known there";
  if (code == "SignatureDoesNotMatch")
    return "the access key and the secret key do not belong together";
  if (code == "NoSuchBucket") return "there is no such bucket";
  if (code == "InvalidBucketName") return "that cannot be the name of a bucket";
  if (code == "AccessDenied") return "the access key may not " + purpose + " the bucket";
  if (code == "RequestTimeTooSkewed") return "the clock there and the clock here differ too much";
  if (code == "AuthorizationHeaderMalformed") return "the region is wrong";
  return {};
}

}  // namespace

std::string wordIn(const std::string& body, const std::string& name) {
  const std::string opening = "<" + name + ">", closing = "</" + name + ">";
  const auto error = body.find("<Error");
  const auto tag = error == body.npos ? body.npos : body.find(opening, error);
  if (tag == body.npos) return {};
  const auto begin = tag + opening.size();
  const auto end = body.find(closing, begin);
  if (end == body.npos) return {};
  const std::string text = body.substr(begin, std::min(end - begin, kLongestWord + 1));
  return isWord(text) ? text : "";
}

BucketError refusalOf(const Reply& reply, const std::string& purpose, const std::string& secret) {
  const auto holdsSecret = [&](const std::string& word) {
    return !secret.empty() && word.find(secret) != word.npos;
  };
  const std::string code = wordIn(reply.body, "Code");
  const std::string meaning = meaningOf(code, purpose);
  const bool quotable = !code.empty() && (!meaning.empty() || !holdsSecret(code));
  const std::string status = "HTTP " + std::to_string(reply.status);
  const std::string said = " (" + (quotable ? code : status) + ")";
  const bool wrongRegion =
      (reply.status >= 300 && reply.status < 400) || code == "AuthorizationHeaderMalformed";
  if (const auto region = regionIn(reply); wrongRegion && !region.empty() && !holdsSecret(region))
    return BucketError("the bucket is in the region " + region + said);
  if (!meaning.empty()) return BucketError(meaning + said);
  if (!quotable) return BucketError("the endpoint does not answer as S3 does" + said);
  return BucketError("the endpoint answered " + status + said);
}

}  // namespace s3
