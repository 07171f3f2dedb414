#include <gtest/gtest.h>

#include "signer.hpp"

namespace s3 {
namespace {

// The worked examples of AWS's own description of Signature Version 4 for S3.
const std::string kAccessKey = "AKIAIOSFODNN7EXAMPLE";
const std::string kSecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const std::string kNoBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const Time kNow{std::chrono::seconds(1369353600)};  // 2013-05-24T00:00:00Z

const Signer kSigner("us-east-1", kAccessKey, kSecretKey);

Signable example() {
  return {.host = "examplebucket.s3.amazonaws.com", .path = "/", .bodyHash = kNoBody};
}

std::string authorization(const std::string& names, const std::string& signature) {
  return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
         "SignedHeaders=" +
         names + ",Signature=" + signature;
}

TEST(Signer, SignsAGetOfAnObjectAsPublished) {
  Signable request = example();
  request.path = "/test.txt";
  request.headers = {{"range", "bytes=0-9"}};
  EXPECT_EQ(kSigner.sign(request, kNow).at("authorization"),
            authorization("host;range;x-amz-content-sha256;x-amz-date",
                          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

TEST(Signer, SignsAPutOfAnObjectAsPublished) {
  Signable request = example();
  request.verb = Verb::put;
  request.path = encodedPath("/test$file.text");
  request.headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  request.bodyHash = sha256Hex("Welcome to Amazon S3.");
  EXPECT_EQ(kSigner.sign(request, kNow).at("authorization"),
            authorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(Signer, SignsAQueryWithoutAValueAsPublished) {
  Signable request = example();
  request.query = "lifecycle=";
  EXPECT_EQ(kSigner.sign(request, kNow).at("authorization"),
            authorization("host;x-amz-content-sha256;x-amz-date",
                          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(Signer, SignsAListOfObjectsAsPublished) {
  Signable request = example();
  request.query = "max-keys=2&prefix=J";
  EXPECT_EQ(kSigner.sign(request, kNow).at("authorization"),
            authorization("host;x-amz-content-sha256;x-amz-date",
                          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(Signer, SendsWhatItHasSigned) {
  Signable request = example();
  request.headers = {{"content-type", "image/png"}};
  const Headers headers = kSigner.sign(request, kNow);
  EXPECT_EQ(headers.at("host"), "examplebucket.s3.amazonaws.com");
  EXPECT_EQ(headers.at("x-amz-date"), "20130524T000000Z");
  EXPECT_EQ(headers.at("x-amz-content-sha256"), kNoBody);
  EXPECT_EQ(headers.at("content-type"), "image/png");
  EXPECT_EQ(headers.size(), 5u);
}

TEST(Signer, BlanksThatAreLostOnTheWayAreNotSigned) {
  Signable request = example();
  request.headers = {{"x-amz-meta-name", "a b"}};
  const auto plain = kSigner.sign(request, kNow).at("authorization");
  request.headers = {{"x-amz-meta-name", "  a   b "}};
  EXPECT_EQ(kSigner.sign(request, kNow).at("authorization"), plain);
}

TEST(Signer, TheSecretKeyIsInNoHeader) {
  for (const auto& [name, value] : kSigner.sign(example(), kNow))
    EXPECT_EQ(value.find(kSecretKey), value.npos) << name;
}

TEST(Signer, HashesAsPublished) {
  EXPECT_EQ(sha256Hex(""), kNoBody);
  EXPECT_EQ(sha256Hex("Welcome to Amazon S3."),
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
}

TEST(Signer, EncodesAPathOnceAndKeepsItsSlashes) {
  EXPECT_EQ(encodedPath("a/b c/ü+=&.txt"), "a/b%20c/%C3%BC%2B%3D%26.txt");
  EXPECT_EQ(encodedPath("-._~09azAZ"), "-._~09azAZ");
  EXPECT_EQ(encodedPath("%2F?#*'"), "%252F%3F%23%2A%27");
  EXPECT_EQ(encodedPath(std::string("\0", 1)), "%00");
}

}  // namespace
}  // namespace s3
