#include <gtest/gtest.h>

#include <memory>

#include "watched_host.hpp"

using namespace pombo;

namespace {

const Instance kShop{
    {"i-1"}, {"a-1"}, "shop", "whatsapp", "disconnected", "", TimePoint(std::chrono::seconds(1))};

const Json kNone{{"enabled", false},     {"region", nullptr},    {"bucket", nullptr},
                 {"accessKey", nullptr}, {"secretKey", nullptr}, {"endpoint", nullptr},
                 {"pathPrefix", nullptr}};

// Values as core hands them out: checked, fallbacks filled in.
Json filled(const std::vector<Field>& table, const boost::json::object& given) {
  boost::json::object all;
  for (const auto& field : table) {
    const auto* value = given.if_contains(field.name);
    all[field.name] = value ? *value : field.fallback;
  }
  return all;
}

std::string bodyOf(const std::string& code) { return "<Error><Code>" + code + "</Code></Error>"; }

class S3Test : public ::testing::Test {
 protected:
  S3Test() {
    block_->start(watched_);
    host_.time = TimePoint(std::chrono::seconds(1369353600));
  }

  void configure(const boost::json::object& given) {
    const Json slice = filled(block_->fields(), given);
    block_->configure(kShop, Fields(slice));
  }
  const Route& route(Method method) {
    return *std::find_if(host_.declared.begin(), host_.declared.end(),
                         [&](const Route& each) { return each.method == method; });
  }
  Json post(const boost::json::object& given, bool verify = false) {
    HttpRequest request = requestFor(kShop);
    request.fields = filled(route(Method::post).body, given);
    request.query = filled(route(Method::post).query, {{"verify", verify ? "true" : "false"}});
    return host_.call(Method::post, "/api/instance/s3/:instance", request).body;
  }
  std::string refusalOf(const boost::json::object& given, bool verify = false) {
    try {
      post(given, verify);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, Code::invalid);
      return error.what();
    }
    return "";
  }
  Json get() {
    return host_.call(Method::get, "/api/instance/getS3/:instance", requestFor(kShop)).body;
  }
  // What the block signs with, as it is kept.
  Json kept() { return boost::json::parse(host_.sealed.at({kShop.id, "bucket"})); }
  boost::json::object without(const char* field) {
    auto less = kGiven;
    less.erase(field);
    return less;
  }

  const boost::json::object kGiven{
      {"enabled", true},          {"region", "eu-central-1"},
      {"bucket", "media"},        {"accessKey", "AKIAEXAMPLE"},
      {"secretKey", "canary/+="}, {"endpoint", "https://s3.example:9000"},
      {"pathPrefix", "/wa/"}};
  const Json kShown{{"enabled", true},      {"region", "eu-central-1"},
                    {"bucket", "media"},    {"accessKey", "AKIAEXAMPLE"},
                    {"secretKey", nullptr}, {"endpoint", "https://s3.example:9000"},
                    {"pathPrefix", "wa/"}};
  FakeHost host_;
  WatchedHost watched_{host_};
  const std::unique_ptr<IBlockConfigurator> block_{pombo_create()};
};

TEST_F(S3Test, EveryFieldBearsTheWordOfTheBlockAndADoc) {
  for (const auto& field : block_->fields()) {
    EXPECT_TRUE(field.name.starts_with("s3") && std::isupper(field.name[2])) << field.name;
    EXPECT_TRUE(field.doc.ends_with(".")) << field.name;
    EXPECT_EQ(field.secret, field.name == "s3SecretKey") << field.name;
  }
}

TEST_F(S3Test, ItsRouteTakesTheSameFieldsWithoutTheWord) {
  const auto& body = route(Method::post).body;
  const auto fields = block_->fields();
  ASSERT_EQ(body.size(), fields.size());
  for (std::size_t i = 0; i < body.size(); ++i) {
    std::string long_ = body[i].name;
    long_[0] = static_cast<char>(std::toupper(long_[0]));
    EXPECT_EQ("s3" + long_, fields[i].name);
  }
  EXPECT_EQ(body[0].need, Need::always) << "enabled";
  EXPECT_TRUE(route(Method::post).slow) << "it may ask someone else";
}

TEST_F(S3Test, ShowsItsKeysBeforeItIsEverConfigured) { EXPECT_EQ(block_->summary(kShop), kNone); }

TEST_F(S3Test, KeepsWhatACreateRequestSaysAndDialsNobody) {
  configure({{"s3Enabled", true},
             {"s3Region", "eu-central-1"},
             {"s3Bucket", "media"},
             {"s3AccessKey", "AKIAEXAMPLE"},
             {"s3SecretKey", "canary/+="},
             {"s3Endpoint", "https://s3.example:9000"},
             {"s3PathPrefix", "//wa/"}});
  EXPECT_EQ(block_->summary(kShop), kShown);
  EXPECT_EQ(kept().at("secretKey"), "canary/+=");
  EXPECT_TRUE(host_.requests.empty());
}

TEST_F(S3Test, ItsRoutesAnswerWithWhatIsKept) {
  EXPECT_EQ(post(kGiven),
            (Json{{"success", true}, {"message", "S3 configuration updated"}, {"s3", kShown}}));
  EXPECT_EQ(get(), (Json{{"success", true}, {"s3", kShown}}));
  EXPECT_TRUE(host_.requests.empty());
}

TEST_F(S3Test, AwsIsAnEndpointThatIsNull) {
  const auto shown = post(without("endpoint")).at("s3");
  EXPECT_EQ(shown.at("endpoint"), nullptr);
  EXPECT_EQ(post(without("pathPrefix")).at("s3").at("pathPrefix"), nullptr);
}

TEST_F(S3Test, TheRegionMayBeLeftOutWhereThereIsAnEndpoint) {
  EXPECT_EQ(post(without("region")).at("s3").at("region"), "us-east-1");
  auto aws = without("region");
  aws.erase("endpoint");
  EXPECT_EQ(refusalOf(aws), "The 'region' field is required");
  try {
    configure({{"s3Enabled", true}, {"s3Bucket", "b"}, {"s3AccessKey", "a"}, {"s3SecretKey", "s"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "The 's3Region' field is required");
  }
}

TEST_F(S3Test, AtAwsTheRegionIsAPartOfTheHost) {
  for (const std::string region : {"eu-", "-eu", "t-.", "a.b", "EU-west-1", "eu_west"}) {
    auto given = kGiven;
    given["region"] = region;
    EXPECT_EQ(post(given).at("s3").at("region"), Json(region));
    given.erase("endpoint");
    EXPECT_EQ(refusalOf(given), "The 'region' field contains characters that are not allowed");
  }
}

TEST_F(S3Test, TheSecretKeyIsSealedAndNowhereElse) {
  post(kGiven);
  EXPECT_TRUE(host_.documents.empty());
  EXPECT_EQ(host_.sealed.size(), 1u);
  EXPECT_EQ(serialize(get()).find("canary"), std::string::npos);
  EXPECT_TRUE(host_.logLines.empty());
}

TEST_F(S3Test, ASecretKeyThatIsLeftOutStaysWithItsAccessKey) {
  post(kGiven);
  auto again = without("secretKey");
  again["bucket"] = "other";
  post(again);
  EXPECT_EQ(kept().at("secretKey"), "canary/+=");
  EXPECT_EQ(kept().at("bucket"), "other");
  again["accessKey"] = "AKIAOTHER";
  EXPECT_EQ(refusalOf(again), "The 'secretKey' field is required");
  EXPECT_EQ(kept().at("accessKey"), "AKIAEXAMPLE") << "what was refused changes nothing";
}

TEST_F(S3Test, TheFirstTimeTheSecretKeyIsNeeded) {
  EXPECT_EQ(refusalOf(without("secretKey")), "The 'secretKey' field is required");
  EXPECT_TRUE(host_.sealed.empty());
}

TEST_F(S3Test, SwitchedOffItForgetsItsKeys) {
  post(kGiven);
  EXPECT_EQ(post({{"enabled", false}}).at("s3"), kNone);
  EXPECT_TRUE(host_.sealed.empty());
  EXPECT_EQ(refusalOf(without("secretKey")), "The 'secretKey' field is required");
}

TEST_F(S3Test, AnEndpointThatMayNotBeDialledIsRefused) {
  host_.refused["http://10.0.0.1"] = "private address (operators: egress.allow)";
  auto refused = kGiven;
  refused["endpoint"] = "http://10.0.0.1";
  EXPECT_EQ(refusalOf(refused), "URL is not allowed: private address (operators: egress.allow)");
  EXPECT_TRUE(host_.sealed.empty());
}

TEST_F(S3Test, PathsCanBeAppendedToAnEndpoint) {
  for (const char* endpoint : {"https://s3.example/?x=1", "https://s3.example/#x"}) {
    auto refused = kGiven;
    refused["endpoint"] = endpoint;
    EXPECT_EQ(refusalOf(refused), "The 'endpoint' field must be a valid http or https URL");
  }
}

TEST_F(S3Test, AFolderThatClientsDropIsRefused) {
  for (const char* prefix : {".", "a/./b", "./a", "a/."}) {
    auto refused = kGiven;
    refused["pathPrefix"] = prefix;
    EXPECT_EQ(refusalOf(refused), "The 'pathPrefix' field contains characters that are not allowed")
        << prefix;
  }
  auto dotted = kGiven;
  dotted["pathPrefix"] = ".hidden/a.b";
  EXPECT_EQ(post(dotted).at("s3").at("pathPrefix"), ".hidden/a.b");
}

TEST_F(S3Test, VerifiesWithThreeSignedRequestsBeforeItKeepsAnything) {
  host_.replies = {{200, {}, ""}, {200, {}, "1"}, {204, {}, ""}};
  EXPECT_EQ(post(kGiven, true).at("s3"), kShown);
  ASSERT_EQ(host_.requests.size(), 3u);
  EXPECT_EQ(host_.requests[0].method, Method::put);
  EXPECT_EQ(host_.requests[1].method, Method::get);
  EXPECT_EQ(host_.requests[2].method, Method::del);
  EXPECT_EQ(host_.requests[0].body, "1");
  for (const auto& request : host_.requests) {
    EXPECT_TRUE(request.url.starts_with("https://s3.example:9000/media/wa/.pombo-"));
    EXPECT_EQ(request.headers.at("x-amz-date"), "20130524T000000Z") << "the host's clock";
    EXPECT_TRUE(request.headers.at("authorization")
                    .starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20130524/eu-central-1/"));
    EXPECT_EQ(request.through, std::nullopt);
  }
}

TEST_F(S3Test, ThreeRequestsFitIntoTheTimeOfTheirOwn) {
  host_.replies = {{200, {}, ""}, {200, {}, "1"}, {204, {}, ""}};
  post(kGiven, true);
  std::chrono::milliseconds all{};
  for (const auto& request : host_.requests) all += request.timeout;
  EXPECT_LT(all, std::chrono::seconds(15));
}

TEST_F(S3Test, WhatItVerifiesMayBeTheKeyThatItHas) {
  post(kGiven);
  host_.replies = {{200, {}, ""}, {200, {}, "1"}, {204, {}, ""}};
  post(without("secretKey"), true);
  EXPECT_EQ(host_.requests.size(), 3u);
}

TEST_F(S3Test, AKeyThatComesWhileItVerifiesTheOldOneIsNotLost) {
  post(kGiven);
  host_.replies = {{200, {}, ""}, {200, {}, "1"}, {204, {}, ""}};
  watched_.onDial = [&] {
    auto newer = kGiven;
    newer["secretKey"] = "newer";
    post(newer);
  };
  auto again = without("secretKey");
  again["pathPrefix"] = "elsewhere";
  post(again, true);
  EXPECT_EQ(kept().at("secretKey"), "newer");
  EXPECT_EQ(kept().at("pathPrefix"), "elsewhere");
}

TEST_F(S3Test, AKeyThatIsClearedWhileItVerifiesStaysCleared) {
  post(kGiven);
  host_.replies = {{200, {}, ""}, {200, {}, "1"}, {204, {}, ""}};
  watched_.onDial = [&] { post({{"enabled", false}}); };
  EXPECT_EQ(refusalOf(without("secretKey"), true), "The 'secretKey' field is required");
  EXPECT_TRUE(host_.sealed.empty());
}

TEST_F(S3Test, AKeyOfItsOwnCountsWhateverHappensWhileItIsVerified) {
  post(kGiven);
  host_.replies = {{200, {}, ""}, {200, {}, "1"}, {204, {}, ""}};
  watched_.onDial = [&] { post({{"enabled", false}}); };
  EXPECT_EQ(post(kGiven, true).at("s3"), kShown);
  EXPECT_EQ(kept().at("secretKey"), "canary/+=");
}

TEST_F(S3Test, ABucketThatCannotBeUsedIsNotKept) {
  post(kGiven);
  auto other = kGiven;
  other["bucket"] = "missing";
  host_.replies = {{404, {}, bodyOf("NoSuchBucket")}};
  EXPECT_EQ(refusalOf(other, true),
            "S3 bucket is not reachable: there is no such bucket (NoSuchBucket)");
  EXPECT_EQ(kept().at("bucket"), "media");
}

TEST_F(S3Test, AnEndpointThatDoesNotAnswerIsNotKept) {
  EXPECT_EQ(refusalOf(kGiven, true),
            "S3 bucket is not reachable: the endpoint gave no answer (Nobody answered)");
  EXPECT_TRUE(host_.sealed.empty());
}

TEST_F(S3Test, SwitchedOffThereIsNothingToVerify) {
  EXPECT_EQ(post({{"enabled", false}}, true).at("s3"), kNone);
  EXPECT_TRUE(host_.requests.empty());
}

}  // namespace
