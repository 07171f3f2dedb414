#include "bucket_address.hpp"

#include <algorithm>
#include <cctype>

#include "signer.hpp"

namespace s3 {
namespace {

std::string awsHost(const std::string& region) {
  return "s3." + region + ".amazonaws.com" + (region.starts_with("cn-") ? ".cn" : "");
}

std::string lowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Whether the bucket's name is in front of a service's host, and not the service's own name in its
// domain: "media" at "media.s3.example" and "media.fra1.spaces.example", "minio" not at
// "minio.example.com". Lower-case; the port may be there.
bool isOwnHost(const std::string& host, const std::string& bucket) {
  if (!host.starts_with(bucket + ".")) return false;
  const std::string service = host.substr(bucket.size() + 1, host.find(':') - bucket.size() - 1);
  if (service.find_first_not_of("0123456789.") == service.npos) return false;  // an IP address
  const auto dots = std::count(service.begin(), service.end(), '.');
  return dots >= 2 || (dots == 1 && service.starts_with("s3"));
}

}  // namespace

bool isDnsLabel(const std::string& name) {
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

BucketAddress addressOf(const Bucket& bucket) {
  const std::string inPath = "/" + encodedPath(bucket.name);
  if (bucket.endpoint.empty()) {
    const bool own = isDnsLabel(bucket.name);
    const std::string host = (own ? bucket.name + "." : "") + awsHost(bucket.region);
    return {"https://" + host, host, own ? "" : inPath};
  }
  const auto hostAt = bucket.endpoint.find("://") + 3;
  const auto pathAt = std::min(bucket.endpoint.find('/', hostAt), bucket.endpoint.size());
  const std::string host = lowerCase(bucket.endpoint.substr(hostAt, pathAt - hostAt));
  std::string path = bucket.endpoint.substr(pathAt);
  while (path.ends_with('/')) path.pop_back();
  if (!isOwnHost(host, bucket.name)) path += inPath;
  return {lowerCase(bucket.endpoint.substr(0, hostAt)) + host, host, path};
}

}  // namespace s3
