#include <gtest/gtest.h>

#include "refusal.hpp"

namespace s3 {
namespace {

std::string errorBody(const std::string& code, const std::string& more = "") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
         "</Code><Message>of the service's own</Message>" + more + "</Error>";
}

std::string reasonFor(int status, const std::string& code, const std::string& more = "") {
  return refusalOf({status, {}, errorBody(code, more)}, "write to", "").what();
}

TEST(S3Refusal, SaysWhatToChange) {
  EXPECT_EQ(reasonFor(403, "SignatureDoesNotMatch"),
            "the access key and the secret key do not belong together (SignatureDoesNotMatch)");
  EXPECT_EQ(reasonFor(403, "InvalidAccessKeyId"),
            "the access key is not known there (InvalidAccessKeyId)");
  EXPECT_EQ(reasonFor(404, "NoSuchBucket"), "there is no such bucket (NoSuchBucket)");
  EXPECT_EQ(reasonFor(400, "InvalidBucketName"),
            "that cannot be the name of a bucket (InvalidBucketName)");
  EXPECT_EQ(reasonFor(403, "RequestTimeTooSkewed"),
            "the clock there and the clock here differ too much (RequestTimeTooSkewed)");
}

TEST(S3Refusal, SaysWhatTheKeyMayNotDo) {
  const Reply reply{403, {}, errorBody("AccessDenied")};
  EXPECT_STREQ(refusalOf(reply, "read from", "").what(),
               "the access key may not read from the bucket (AccessDenied)");
  EXPECT_STREQ(refusalOf(reply, "delete from", "").what(),
               "the access key may not delete from the bucket (AccessDenied)");
}

TEST(S3Refusal, NamesTheRegionThatWouldBeRight) {
  EXPECT_EQ(reasonFor(400, "AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>"),
            "the bucket is in the region eu-central-1 (AuthorizationHeaderMalformed)");
  EXPECT_EQ(reasonFor(400, "AuthorizationHeaderMalformed"),
            "the region is wrong (AuthorizationHeaderMalformed)");
  const Reply moved{301, {{"x-amz-bucket-region", "eu-west-1"}}, errorBody("PermanentRedirect")};
  EXPECT_STREQ(refusalOf(moved, "write to", "").what(),
               "the bucket is in the region eu-west-1 (PermanentRedirect)");
  const Reply bare{301, {{"x-amz-bucket-region", "eu-west-1"}}, ""};
  EXPECT_STREQ(refusalOf(bare, "write to", "").what(),
               "the bucket is in the region eu-west-1 (HTTP 301)");
}

TEST(S3Refusal, ARegionBesideAnotherErrorMeansNothing) {
  const Reply denied{403, {{"x-amz-bucket-region", "eu-west-1"}}, errorBody("AccessDenied")};
  EXPECT_STREQ(refusalOf(denied, "write to", "").what(),
               "the access key may not write to the bucket (AccessDenied)");
}

TEST(S3Refusal, QuotesACodeItDoesNotKnow) {
  EXPECT_EQ(reasonFor(503, "SlowDown"), "the endpoint answered HTTP 503 (SlowDown)");
}

TEST(S3Refusal, QuotesNothingWithTheSecretInIt) {
  const auto said = [](int status, const std::string& code, const std::string& more = "") {
    return std::string(refusalOf({status, {}, errorBody(code, more)}, "write to", "Key").what());
  };
  EXPECT_EQ(said(403, "NotThisKeyAgain"), "the endpoint does not answer as S3 does (HTTP 403)");
  EXPECT_EQ(said(400, "AuthorizationHeaderMalformed", "<Region>Key-1</Region>"),
            "the region is wrong (AuthorizationHeaderMalformed)");
  EXPECT_EQ(said(403, "InvalidAccessKeyId"),
            "the access key is not known there (InvalidAccessKeyId)")
      << "a word of our own";
}

TEST(S3Refusal, WhoeverSpeaksOtherwiseIsNoS3) {
  for (const std::string body :
       {"", "<html><h1>Not Found</h1></html>", "{\"error\": 1}", "<Code>NoSuchBucket</Code>"})
    EXPECT_STREQ(refusalOf({404, {}, body}, "write to", "").what(),
                 "the endpoint does not answer as S3 does (HTTP 404)")
        << body;
  EXPECT_STREQ(
      refusalOf({302, {{"location", "https://login.example/"}}, ""}, "write to", "").what(),
      "the endpoint does not answer as S3 does (HTTP 302)");
}

TEST(S3Refusal, FindsOneWordAndInterpretsNothing) {
  EXPECT_EQ(wordIn(errorBody("NoSuchKey"), "Code"), "NoSuchKey");
  EXPECT_EQ(wordIn("<Error xmlns=\"http://s3/\">\n  <Code>X</Code>", "Code"), "X");
  for (const std::string& hostile :
       {std::string("&xxe;"), std::string("<b>x</b>"), std::string("a\r\nb"), std::string(""),
        std::string(65, 'x'), std::string(10 << 20, 'x'), std::string("caf\xc3\xa9")})
    EXPECT_EQ(wordIn(errorBody(hostile), "Code"), "") << hostile.substr(0, 80);
  EXPECT_EQ(wordIn(errorBody(std::string(64, 'x')), "Code"), std::string(64, 'x'));
  for (const std::string cut : {"<Error><Code>Never", "<Error><Code", "<Error", "<Error></Code>"})
    EXPECT_EQ(wordIn(cut, "Code"), "") << cut;
}

TEST(S3Refusal, EntitiesStayWhatTheyAre) {
  const std::string bomb =
      "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
      "<Error><Code>&b;</Code><Region>&b;</Region></Error>";
  EXPECT_STREQ(refusalOf({400, {}, bomb}, "write to", "").what(),
               "the endpoint does not answer as S3 does (HTTP 400)");
}

TEST(S3Refusal, AHeaderThatIsNoRegionIsNotQuoted) {
  const Reply odd{301, {{"x-amz-bucket-region", "eu west <b>"}}, errorBody("PermanentRedirect")};
  EXPECT_STREQ(refusalOf(odd, "write to", "").what(),
               "the endpoint answered HTTP 301 (PermanentRedirect)");
}

}  // namespace
}  // namespace s3
