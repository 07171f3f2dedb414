#include "http/instance_routes.hpp"

#include <set>

#include "http/instance_schema.hpp"
#include "instance/identity.hpp"

namespace pombo {
namespace {

// One name that is not there is an error; among several, it is skipped. Repeated, it is shown once.
std::vector<StoredInstance> named(InstanceStore& instances, const AccountId& account,
                                  const std::vector<std::string>& names) {
  std::vector<StoredInstance> found;
  for (const auto& name : std::set(names.begin(), names.end()))
    if (auto stored = instances.findByName(account, name)) found.push_back(std::move(*stored));
  if (names.size() == 1 && found.empty()) throw Error(Code::notFound, "Instance not found");
  return found;
}

std::vector<StoredInstance> asked(InstanceStore& instances, const HttpRequest& request) {
  if (request.instance) {  // an instance's own token sees itself, whatever it asks for
    auto own = instances.find(request.instance->id);
    if (!own) throw Error(Code::notFound, "Instance not found");
    return {std::move(*own)};
  }
  const auto names = namesIn(Fields(request.query).get<std::string>("instanceName", ""));
  return names.empty() ? instances.list(*request.account)
                       : named(instances, *request.account, names);
}

HttpReply created(Provisioner& provisioner, const HttpRequest& request) {
  Provisioned made = provisioner.create(*request.account, request.fields);
  return {.status = 201,
          .body = {{"success", true},
                   {"message", "Instance created"},
                   {"instance", std::move(made.shown)}},
          .warnings = std::move(made.warnings)};
}

HttpReply listed(InstanceStore& instances, InstanceList& list, const HttpRequest& request) {
  const auto found = asked(instances, request);
  HttpReply reply;
  const std::string count = std::to_string(found.size());
  reply.body = {{"success", true},
                {"message", count + (found.size() == 1 ? " Instance found" : " Instances found")},
                {"instances", list.of(found, reply.warnings)},
                {"meta", {{"total", found.size()}}}};
  return reply;
}

constexpr auto kCreated = R"json({
  "type": "object",
  "required": ["success", "message", "instance"],
  "properties": {
    "success": {"const": true},
    "message": {"const": "Instance created"},
    "instance": {"$ref": "#/components/schemas/Instance"}}})json";

constexpr auto kListed = R"json({
  "type": "object",
  "required": ["success", "message", "instances", "meta"],
  "properties": {
    "success": {"const": true},
    "message": {"type": "string", "pattern": "^(1 Instance|(0|[1-9][0-9]*) Instances) found$"},
    "instances": {"type": "array", "items": {"$ref": "#/components/schemas/ListedInstance"}},
    "meta": {"type": "object", "required": ["total"],
             "properties": {"total": {"type": "integer", "minimum": 0}}}}})json";

constexpr auto kDeleted = R"json({
  "type": "object",
  "required": ["success", "message", "instance"],
  "properties": {
    "success": {"const": true},
    "message": {"const": "Instance deleted"},
    "instance": {"type": "object", "required": ["status"],
                 "properties": {"status": {"const": "deleted"}}}}})json";

}  // namespace

void addInstanceRoutes(RouteTable& routes, Provisioner& provisioner, InstanceStore& instances,
                       InstanceList& list, const BlockList& blocks) {
  routes.add({.route = {.method = Method::post,
                        .path = "/api/instance/new",
                        .access = Access::account,
                        .summary = "Create an instance and configure its blocks",
                        .reply = boost::json::parse(kCreated),
                        .status = 201,
                        .failure = "Failed to create instance",
                        .bucket = Bucket::create},
              .handler = [&](const HttpRequest& request) { return created(provisioner, request); },
              .notes = {.body = creationSchema(blocks), .refusals = {Code::conflict}},
              .audit = "instance.create"});
  routes.add(
      {.route = {.path = "/api/instance/list",
                 .summary = "List instances",
                 .query = {{.name = "instanceName", .doc = "One name, or several with commas."}},
                 .reply = boost::json::parse(kListed),
                 .failure = "Failed to list instances"},
       .handler = [&](const HttpRequest& request) { return listed(instances, list, request); },
       .notes = {.refusals = {Code::notFound}}});
  routes.add({.route = {.method = Method::del,
                        .path = "/api/instance/delete/:instance",
                        .access = Access::account,
                        .summary = "Delete an instance and everything of it",
                        .reply = boost::json::parse(kDeleted),
                        .failure = "Failed to delete instance: storage failure"},
              .handler = [&](const HttpRequest& request) -> HttpReply {
                provisioner.remove(*request.instance);
                return {.body = {{"success", true},
                                 {"message", "Instance deleted"},
                                 {"instance", {{"status", "deleted"}}}}};
              },
              .audit = "instance.delete"});
}

}  // namespace pombo
