#include "http/openapi.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "http/instance_schema.hpp"

namespace pombo {
namespace {

using boost::json::array;

// What a block serves, and what is described of it.
class OpenApi : public ::testing::Test {
 protected:
  void serve(Route route, const std::string& block = "greeter") {
    routes.add({.route = std::move(route), .block = block});
  }
  Json document() { return openApiOf(routes, blocks, {"1.2.3", ""}); }
  Json operation(const char* path, const char* method = "get") {
    return document().at("paths").at(path).at(method);
  }

  RouteTable routes;
  BlockList blocks{Promises{}};
};

std::set<std::string> keysOf(const Json& json) {
  std::set<std::string> keys;
  for (const auto& member : json.as_object()) keys.insert(member.key());
  return keys;
}

TEST_F(OpenApi, SaysWhatItIs) {
  const Json all = document();
  EXPECT_EQ(all.at("openapi"), "3.1.0");
  EXPECT_EQ(all.at("info").at("version"), "1.2.3");
  EXPECT_EQ(all.at("servers").at(0).at("url"), "/");
  const Json elsewhere = openApiOf(routes, blocks, {"1", "https://wa.example/pombo"});
  EXPECT_EQ(elsewhere.at("servers").at(0).at("url"), "https://wa.example/pombo");
}

TEST_F(OpenApi, EveryEventIsAPost) {
  const Json all = document();
  std::size_t seen = 0;
  for (const auto& [name, item] : all.at("webhooks").as_object()) {
    ASSERT_LT(seen, kWireEvents.size());
    EXPECT_EQ(name, kWireEvents[seen++]);
    const Json& body = item.at("post").at("requestBody");
    const Json& data = body.at("content").at("application/json").at("schema").at("properties");
    const std::string place(data.at("data").at("$ref").as_string());
    EXPECT_EQ(place, "#/components/schemas/event." + std::string(name));
    EXPECT_TRUE(all.at_pointer(place.substr(1)).at("required").is_array());
  }
  EXPECT_EQ(seen, kWireEvents.size());
}

TEST_F(OpenApi, AMessageIsDescribedInTheShapeThatItHas) {
  const char* const place = "/components/schemas/event.message.exchange/required";
  EXPECT_GT(document().at_pointer(place).as_array().size(), 2u);
  const Json other = openApiOf(routes, blocks, {"1", "", MessageShape::catalogue});
  EXPECT_EQ(other.at_pointer(place), Json(array{"id", "message"}));
  const auto& schemas = other.at("components").at("schemas").as_object();
  EXPECT_EQ(other.at_pointer("/components/schemas/event.message.exchange/properties/message/$ref"),
            "#/components/schemas/event.catalogue.message");
  EXPECT_TRUE(schemas.contains("event.catalogue.message"));
  EXPECT_FALSE(
      document().at("components").at("schemas").as_object().contains("event.catalogue.message"));
}

TEST_F(OpenApi, ARouteIsAnOperation) {
  serve({.method = Method::put,
         .path = "/api/greeter/:tone/:instance",
         .summary = "A greeting",
         .query = {{.name = "loud", .doc = "Shouts.", .need = Need::always}}});
  const Json put = operation("/api/greeter/{tone}/{instance}", "put");
  EXPECT_EQ(put.at("operationId"), "putGreeterByToneByInstance");
  EXPECT_EQ(put.at("summary"), "A greeting");
  EXPECT_EQ(put.at("tags"), Json(array{"greeter"}));
  EXPECT_EQ(put.at("x-pombo-block"), "greeter");
  EXPECT_EQ(put.at("x-pombo-access"), "instance");
  EXPECT_EQ(
      put.at("parameters"),
      Json(array{
          {{"name", "tone"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}},
          {{"name", "instance"},
           {"in", "path"},
           {"description", "The name of the instance."},
           {"required", true},
           {"schema", {{"type", "string"}}}},
          {{"name", "loud"},
           {"in", "query"},
           {"description", "Shouts."},
           {"required", true},
           {"schema", {{"type", "string"}}}}}));
}

TEST_F(OpenApi, ARouteWithoutATableOfFieldsTakesAnyBodyWhereThereMayBeOne) {
  serve({.method = Method::put, .path = "/api/greeter/:instance"});
  serve({.path = "/api/greeter/:instance"});
  EXPECT_EQ(operation("/api/greeter/{instance}", "put").at("requestBody"),
            Json({{"required", false},
                  {"content", {{"application/json", {{"schema", {{"type", "object"}}}}}}}}));
  EXPECT_FALSE(operation("/api/greeter/{instance}").as_object().contains("requestBody"));
}

TEST_F(OpenApi, OperationsThatWouldHaveOneIdHaveTwo) {
  serve({.path = "/api/greeter/by-name"});
  serve({.path = "/api/greeter/byName"});
  EXPECT_EQ(operation("/api/greeter/by-name").at("operationId"), "getGreeterByName");
  EXPECT_EQ(operation("/api/greeter/byName").at("operationId"), "getGreeterByName_");
}

TEST_F(OpenApi, ABodyIsItsTableAndHasToBeThereWhenAFieldHas) {
  serve({.method = Method::post, .path = "/a", .body = {{.name = "x"}}});
  serve({.method = Method::post, .path = "/b", .body = {{.name = "x", .need = Need::always}}});
  const Json loose = operation("/a", "post").at("requestBody");
  EXPECT_EQ(loose.at("required"), false);
  EXPECT_EQ(keysOf(loose.at("content").at("application/json").at("schema").at("properties")),
            (std::set<std::string>{"x"}));
  EXPECT_EQ(operation("/b", "post").at("requestBody").at("required"), true);
}

TEST_F(OpenApi, ADeletionTakesItsFieldsFromTheQueryAsWell) {
  serve({.method = Method::del, .path = "/a", .body = {{.name = "x", .need = Need::always}}});
  const Json del = operation("/a", "delete");
  EXPECT_EQ(del.at("requestBody").at("required"), false);
  EXPECT_EQ(del.at("parameters").at(0).at("in"), "query");
  EXPECT_FALSE(del.at("parameters").at(0).as_object().contains("required"));
}

TEST_F(OpenApi, AccessIsWhichTokensOpenIt) {
  serve({.path = "/open", .access = Access::open});
  serve({.path = "/own", .tokenHeader = "apikey"});
  serve({.path = "/account", .access = Access::account});
  serve({.path = "/admin", .access = Access::admin});
  EXPECT_EQ(operation("/open").at("security"), Json(array()));
  const auto schemes = [&](const char* path) {
    std::set<std::string> names;
    const Json operation = this->operation(path);
    for (const auto& each : operation.at("security").as_array()) names.merge(keysOf(each));
    return names;
  };
  EXPECT_EQ(schemes("/own"),
            (std::set<std::string>{"token", "bearer", "tokenInQuery", "header-apikey"}));
  EXPECT_EQ(schemes("/account"), (std::set<std::string>{"token", "bearer", "tokenInQuery"}));
  EXPECT_EQ(schemes("/admin"), (std::set<std::string>{"adminToken", "adminBearer"}));
  const Json known = document().at("components").at("securitySchemes");
  EXPECT_EQ(known.at("header-apikey").at("name"), "apikey");
  EXPECT_EQ(operation("/admin").at("x-pombo-access"), "admin");
}

TEST_F(OpenApi, SuccessIsWhatTheRouteSaysWithRoomForWarnings) {
  serve({.path = "/a",
         .reply = {{"type", "object"}, {"properties", {{"success", {{"const", true}}}}}},
         .status = 201});
  serve({.path = "/bare", .reply = {{"type", "object"}, {"properties", {{"x", {}}}}}});
  serve({.path = "/text", .reply = {{"type", "string"}, {"contentMediaType", "text/plain"}}});
  const auto schema = [&](const char* path, const char* status) {
    return operation(path)
        .at("responses")
        .at(status)
        .at("content")
        .at("application/json")
        .at("schema");
  };
  EXPECT_EQ(schema("/a", "201").at("properties").at("warnings"),
            (Json{{"$ref", "#/components/schemas/Warnings"}}));
  EXPECT_EQ(keysOf(schema("/bare", "200").at("properties")), (std::set<std::string>{"x"}));
  EXPECT_EQ(keysOf(operation("/text").at("responses").at("200").at("content")),
            (std::set<std::string>{"text/plain"}));
}

TEST_F(OpenApi, WhateverABlockGivesAsASchemaIsNoHarm) {
  serve({.path = "/a", .reply = "text"});
  serve({.path = "/b", .reply = {{"properties", 5}, {"contentMediaType", 5}}});
  EXPECT_EQ(operation("/a").at("responses").at("200").at("content"),
            (Json{{"application/json", {{"schema", {{"type", "object"}}}}}}));
  EXPECT_EQ(keysOf(operation("/b").at("responses").at("200").at("content")),
            (std::set<std::string>{"application/json"}));
}

TEST_F(OpenApi, RefusalsAreThoseOfItsKind) {
  serve({.path = "/open", .access = Access::open, .bucket = Bucket::none});
  serve({.path = "/list"});
  serve({.path = "/one/:instance"});
  serve({.path = "/abroad", .slow = true});
  const std::set<std::string> all{"200", "400", "408", "413",    "431",
                                  "500", "503", "505", "default"};
  const auto with = [&](std::set<std::string> more) {
    more.insert(all.begin(), all.end());
    return more;
  };
  EXPECT_EQ(keysOf(operation("/open").at("responses")), all);
  EXPECT_EQ(keysOf(operation("/list").at("responses")), with({"401", "403", "429"}));
  EXPECT_EQ(keysOf(operation("/one/{instance}").at("responses")),
            with({"401", "403", "404", "409", "429", "501"}))
      << "by what it is, and by what its connector lacks";
  EXPECT_EQ(keysOf(operation("/abroad").at("responses")),
            with({"401", "403", "429", "502", "504"}));
  EXPECT_EQ(operation("/list").at("responses").at("401"),
            (Json{{"$ref", "#/components/responses/Unauthorized"}}));
}

TEST_F(OpenApi, AFailureHasTheSentenceOfTheRoute) {
  serve({.path = "/a", .failure = "Failed to greet"});
  EXPECT_EQ(operation("/a").at("responses").at("500").at("description"), "`Failed to greet`");
}

TEST_F(OpenApi, ADialectWritesItsErrorsAsItLikes) {
  serve({.path = "/a", .dialect = "rhyme"});
  const Json refused = operation("/a").at("responses").at("400");
  EXPECT_EQ(refused.at("content").at("application/json").at("schema"), (Json{{"type", "object"}}));
}

TEST_F(OpenApi, WhatIsOnlyPromisedSaysSoAndSucceedsNever) {
  routes.add({.route = {.path = "/later"}, .absence = Absence{}});
  routes.add({.route = {.path = "/off"},
              .absence = Absence{"greeter", Code::unavailable, "plugin 'greeter' is not loaded"}});
  const Json later = operation("/later"), off = operation("/off");
  EXPECT_EQ(later.at("responses").at("501").at("description"), "`Not implemented`");
  EXPECT_EQ(later.at("x-pombo-block"), "core");
  EXPECT_FALSE(later.at("responses").as_object().contains("200"));
  EXPECT_EQ(off.at("responses").at("503").at("description"), "`plugin 'greeter' is not loaded`");
  EXPECT_EQ(off.at("x-pombo-block"), "greeter");
}

TEST_F(OpenApi, ASocketIsAnUpgrade) {
  routes.add({.route = {.path = "/ws/:instance"},
              .socket = [](const HttpRequest&, const std::shared_ptr<ISocket>&) {}});
  const Json answers = operation("/ws/{instance}").at("responses");
  EXPECT_TRUE(answers.as_object().contains("101"));
  EXPECT_FALSE(answers.as_object().contains("200"));
}

TEST_F(OpenApi, CoresOwnRoutesAreTaggedByWhatTheyAreAbout) {
  serve({.path = "/api/instance/list"}, "");
  serve({.path = "/health"}, "");
  EXPECT_EQ(operation("/api/instance/list").at("tags"), Json(array{"instance"}));
  EXPECT_EQ(operation("/health").at("tags"), Json(array{"server"}));
  EXPECT_EQ(operation("/health").at("x-pombo-block"), "core");
}

TEST_F(OpenApi, EveryReferenceLeadsSomewhere) {
  serve({.path = "/a/:instance"});
  routes.add({.route = {.path = "/later"}, .absence = Absence{}});
  const Json all = document();
  int followed = 0;
  const std::function<void(const Json&)> follow = [&](const Json& node) {
    if (const auto* list = node.if_array())
      for (const auto& item : *list) follow(item);
    const auto* object = node.if_object();
    if (!object) return;
    for (const auto& [key, value] : *object) {
      follow(value);
      if (key != "$ref") continue;
      ++followed;
      boost::json::error_code error;
      EXPECT_TRUE(all.find_pointer(std::string(value.as_string()).substr(1), error))
          << value.as_string();
    }
  };
  follow(all);
  EXPECT_GT(followed, 20);
}

// Instances ------------------------------------------------------------------------------------

TEST(InstanceSchema, ABlockOfTheWireHasItsKeysOrSaysWhyNot) {
  Promises promises;
  const Json empty{{"enabled", false}, {"host", nullptr}, {"port", nullptr}, {"key", nullptr}};
  promises.blocks = {{"box", empty, {{"enabled", false}}, "", "", true}};
  BlockList blocks(promises);
  blocks.add(
      {.name = "box",
       .fields = {{.name = "boxPort", .type = Type::integer}, {.name = "boxKey", .secret = true}}});
  const Json box = instanceSchema(blocks).at("properties").at("box").at("anyOf");
  EXPECT_EQ(box.at(0).at("required"), (Json{"enabled", "host", "port", "key"}));
  EXPECT_EQ(box.at(0).at("properties"), (Json{{"enabled", {{"type", "boolean"}}},
                                              {"host", {{"type", {"string", "null"}}}},
                                              {"port", {{"type", {"integer", "null"}}}},
                                              {"key", {{"type", "null"}}}}));
  EXPECT_EQ(box.at(1).at("required"), (Json{"enabled", "status", "error"}));
  EXPECT_EQ(box.at(1).at("properties").at("status"), (Json{{"const", "error"}}));
}

TEST(InstanceSchema, ABlockOfOthersSaysWhatItLikes) {
  BlockList blocks{Promises{}};
  blocks.add({.name = "greeter"});
  const Json schema = instanceSchema(blocks);
  EXPECT_EQ(schema.at("properties").at("greeter").at("type"), "object");
  const auto& required = schema.at("required").as_array();
  EXPECT_EQ(std::find(required.begin(), required.end(), Json("greeter")), required.end())
      << "it may have nothing to say";
}

TEST(CreationSchema, IsCoresFieldsAndThoseOfEveryBlockThatRuns) {
  BlockList blocks{Promises{}};
  blocks.add({.name = "greeter",
              .fields = {{.name = "greeterEnabled", .type = Type::boolean},
                         {.name = "greeterName", .need = Need::whenEnabled}}});
  blocks.add({.name = "broken", .problem = "It did not start", .fields = {{.name = "brokenX"}}});
  const Json schema = creationSchema(blocks);
  EXPECT_EQ(schema.at("required"), Json(array{"name"}));
  EXPECT_EQ(schema.at("properties").at("name").at("type"), "string");
  const auto& properties = schema.at("properties").as_object();
  EXPECT_TRUE(properties.contains("token") && properties.contains("connector"));
  EXPECT_TRUE(properties.contains("greeterEnabled") && properties.contains("greeterName"));
  EXPECT_FALSE(properties.contains("brokenX"));
  EXPECT_EQ(schema.at("allOf").at(0).at("then"), (Json{{"required", array{"greeterName"}}}));
}

}  // namespace
}  // namespace pombo
