#include "bucket_client.hpp"

#include <utility>

#include "refusal.hpp"

namespace s3 {

BucketClient::BucketClient(const Bucket& bucket, Send send, Clock now)
    : address_(addressOf(bucket)),
      secretKey_(bucket.secretKey),
      signer_(bucket.region, bucket.accessKey, bucket.secretKey),
      send_(std::move(send)),
      now_(std::move(now)) {}

void BucketClient::put(const std::string& key, const std::string& bytes,
                       const std::string& mimeType) const {
  ask(Verb::put, key, "write to", bytes, {{"content-type", mimeType}});
}

std::string BucketClient::get(const std::string& key) const {
  return ask(Verb::get, key, "read from").body;
}

void BucketClient::remove(const std::string& key) const { ask(Verb::del, key, "delete from"); }

std::string BucketClient::urlOf(const std::string& key) const {
  return address_.origin + address_.path + "/" + encodedPath(key);
}

Reply BucketClient::ask(Verb verb, const std::string& key, const std::string& purpose,
                        const std::string& body, const Headers& headers) const {
  const Signable signable{.verb = verb,
                          .host = address_.host,
                          .path = address_.path + "/" + encodedPath(key),
                          .headers = headers,
                          .bodyHash = sha256Hex(body)};
  // The Host header is sent as it was signed, however the client would have spelled it.
  Reply reply = send_({verb, urlOf(key), signer_.sign(signable, now_()), body});
  if (reply.status < 200 || reply.status > 299) throw refusalOf(reply, purpose, secretKey_);
  return reply;
}

}  // namespace s3
