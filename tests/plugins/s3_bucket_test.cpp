#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "bucket_client.hpp"
#include "bucket_probe.hpp"

namespace s3 {
namespace {

Bucket bucketAt(const std::string& endpoint, const std::string& name = "media",
                const std::string& region = "eu-central-1") {
  return {endpoint, region, name, "AKIA", "secret/with+chars="};
}

TEST(S3BucketAddress, AtAwsTheBucketIsInTheHost) {
  const auto address = addressOf(bucketAt(""));
  EXPECT_EQ(address.origin, "https://media.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(address.host, "media.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(address.path, "");
  EXPECT_EQ(addressOf(bucketAt("", "media", "cn-north-1")).host,
            "media.s3.cn-north-1.amazonaws.com.cn");
}

TEST(S3BucketAddress, ANameThatNoCertificateCoversIsInThePath) {
  for (const std::string name : {"my.media", "Media", "my_media", "-x", "x-"}) {
    const auto address = addressOf(bucketAt("", name));
    EXPECT_EQ(address.host, "s3.eu-central-1.amazonaws.com") << name;
    EXPECT_EQ(address.path, "/" + name);
  }
}

TEST(S3BucketAddress, AtAnEndpointItIsInThePath) {
  const auto address = addressOf(bucketAt("http://127.0.0.1:9000"));
  EXPECT_EQ(address.origin, "http://127.0.0.1:9000");
  EXPECT_EQ(address.host, "127.0.0.1:9000");
  EXPECT_EQ(address.path, "/media");
  EXPECT_EQ(addressOf(bucketAt("https://gate.example/s3//")).path, "/s3/media");
  EXPECT_EQ(addressOf(bucketAt("http://[::1]:9000/")).host, "[::1]:9000");
  EXPECT_EQ(addressOf(bucketAt("http://x", "a b")).path, "/a%20b");
}

TEST(S3BucketAddress, UnlessTheEndpointIsTheBucketsOwn) {
  const auto address = addressOf(bucketAt("HTTPS://Media.S3.Example:9000/"));
  EXPECT_EQ(address.origin, "https://media.s3.example:9000");
  EXPECT_EQ(address.host, "media.s3.example:9000");
  EXPECT_EQ(address.path, "");
  EXPECT_EQ(addressOf(bucketAt("https://mediation.example")).path, "/media");
  for (const std::string service :
       {"s3.localhost:9000", "s3-eu.example", "fra1.spaces.example", "oss-eu.cloud.example:443"}) {
    const auto own = addressOf(bucketAt("https://media." + service));
    EXPECT_EQ(own.host, "media." + service);
    EXPECT_EQ(own.path, "") << service;
  }
}

TEST(S3BucketAddress, ABucketNamedLikeItsServiceIsInThePath) {
  for (const std::string host : {"minio.example.com", "minio.example.com:9000", "minio.localhost",
                                 "minio.localhost:9000", "minio"}) {
    const auto address = addressOf(bucketAt("https://" + host, "minio"));
    EXPECT_EQ(address.host, host);
    EXPECT_EQ(address.path, "/minio") << host;
  }
  EXPECT_EQ(addressOf(bucketAt("http://127.0.0.1:9000", "127")).path, "/127");
  EXPECT_EQ(addressOf(bucketAt("https://storage.googleapis.com", "storage")).path, "/storage");
  // Nothing tells this one from a bucket of the service at "eu.example.com".
  EXPECT_EQ(addressOf(bucketAt("https://minio.eu.example.com", "minio")).path, "");
}

// A service in memory: what is put can be got, until the test has it answer otherwise.
class S3BucketClient : public ::testing::Test {
 protected:
  Reply answer(const Request& request) {
    requests_.push_back(request);
    const auto it = answers_.find(request.verb);
    if (it != answers_.end()) return it->second;
    if (request.verb == Verb::put) objects_[request.url] = request.body;
    if (request.verb == Verb::get) return {200, {}, objects_.at(request.url)};
    if (request.verb == Verb::del) return {objects_.erase(request.url) ? 204 : 404, {}, ""};
    return {200, {}, ""};
  }
  BucketClient client(const Bucket& bucket = bucketAt("http://s3.test:9000")) {
    return {bucket, [this](const Request& request) { return answer(request); },
            [] { return Time(std::chrono::seconds(1369353600)); }};
  }
  std::string failureOf(const std::string& prefix = "wa") {
    try {
      probe(client(), prefix);
      return "";
    } catch (const BucketError& error) {
      return error.what();
    }
  }
  std::vector<Verb> verbs() const {
    std::vector<Verb> all;
    for (const auto& request : requests_) all.push_back(request.verb);
    return all;
  }

  static Reply denied() { return {403, {}, "<Error><Code>AccessDenied</Code></Error>"}; }

  std::vector<Request> requests_;
  std::map<std::string, std::string> objects_;  // by URL
  std::map<Verb, Reply> answers_;
};

TEST_F(S3BucketClient, SendsTheRequestThatItSigned) {
  client().put("wa/a b.png", "bytes", "image/png");
  ASSERT_EQ(requests_.size(), 1u);
  const Request& sent = requests_[0];
  EXPECT_EQ(sent.url, "http://s3.test:9000/media/wa/a%20b.png");
  EXPECT_EQ(sent.body, "bytes");
  EXPECT_EQ(sent.headers.at("content-type"), "image/png");
  const Signable same{.verb = Verb::put,
                      .host = "s3.test:9000",
                      .path = "/media/wa/a%20b.png",
                      .query = "",
                      .headers = {{"content-type", "image/png"}},
                      .bodyHash = sha256Hex("bytes")};
  EXPECT_EQ(sent.headers, Signer("eu-central-1", "AKIA", "secret/with+chars=")
                              .sign(same, Time(std::chrono::seconds(1369353600))));
}

TEST_F(S3BucketClient, KnowsWhereAnObjectIs) {
  EXPECT_EQ(client(bucketAt("")).urlOf("shop/3EB0.mp4"),
            "https://media.s3.eu-central-1.amazonaws.com/shop/3EB0.mp4");
}

TEST_F(S3BucketClient, AnyAnswerButSuccessIsAnError) {
  for (const int status : {100, 199, 301, 400, 500}) {
    answers_[Verb::get] = {status, {}, ""};
    EXPECT_THROW(client().get("x"), BucketError) << status;
  }
}

TEST_F(S3BucketClient, AProbeWritesReadsAndDeletesOneByte) {
  EXPECT_EQ(failureOf(), "");
  EXPECT_EQ(verbs(), (std::vector{Verb::put, Verb::get, Verb::del}));
  EXPECT_EQ(requests_[0].body.size(), 1u);
  EXPECT_TRUE(requests_[0].url.starts_with("http://s3.test:9000/media/wa/.pombo-"));
  EXPECT_EQ(requests_[0].url, requests_[2].url);
  EXPECT_TRUE(objects_.empty());
}

TEST_F(S3BucketClient, TwoProbesDoNotMeet) {
  failureOf();
  failureOf();
  EXPECT_NE(requests_[0].url, requests_[3].url);
}

TEST_F(S3BucketClient, WhatCannotBeWrittenIsNotReadOrDeleted) {
  answers_[Verb::put] = denied();
  EXPECT_EQ(failureOf(), "the access key may not write to the bucket (AccessDenied)");
  EXPECT_EQ(verbs(), std::vector{Verb::put});
}

TEST_F(S3BucketClient, WhatCannotBeReadIsDeletedAllTheSame) {
  answers_[Verb::get] = denied();
  EXPECT_EQ(failureOf(), "the access key may not read from the bucket (AccessDenied)");
  EXPECT_EQ(requests_.size(), 3u);
  EXPECT_TRUE(objects_.empty());
}

TEST_F(S3BucketClient, WhatCannotBeDeletedIsSaid) {
  answers_[Verb::del] = denied();
  EXPECT_EQ(failureOf(), "the access key may not delete from the bucket (AccessDenied)");
}

TEST_F(S3BucketClient, TheFirstOfTwoFailuresIsSaid) {
  answers_[Verb::get] = answers_[Verb::del] = denied();
  EXPECT_EQ(failureOf(), "the access key may not read from the bucket (AccessDenied)");
}

TEST_F(S3BucketClient, AServerThatAcceptsEverythingIsNoS3) {
  answers_[Verb::get] = {200, {}, "<html>Welcome</html>"};
  EXPECT_EQ(failureOf(), "what was written is not what is read");
  EXPECT_EQ(requests_.size(), 3u);
}

TEST(S3Key, IsUnderItsPrefix) {
  EXPECT_EQ(keyUnder("", "x"), "x");
  EXPECT_EQ(keyUnder("wa", "x"), "wa/x");
  EXPECT_EQ(keyUnder("wa/", "x"), "wa/x");
}

}  // namespace
}  // namespace s3
