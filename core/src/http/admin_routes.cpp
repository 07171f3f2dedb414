#include "http/admin_routes.hpp"

#include <algorithm>

#include "block/field_table.hpp"
#include "http/account_shape.hpp"
#include "http/json_body.hpp"
#include "instance/identity.hpp"
#include "storage/sealer.hpp"
#include "storage/session.hpp"

namespace pombo {
namespace {

constexpr auto kAll = "/api/admin/accounts";
constexpr auto kOne = "/api/admin/accounts/:id";

Json text() { return boost::json::object{{"type", "string"}}; }

AccountId idIn(const HttpRequest& request) {
  const std::string& id = request.params.at("id");
  // Not every database may be asked for such a one.
  if (!isText(id)) throw Error(Code::notFound, "Account not found");
  return {id};
}

Account require(const Accounts& accounts, const AccountId& id) {
  auto account = accounts.find(id);
  if (!account) throw Error(Code::notFound, "Account not found");
  return *account;
}

// What the request says of an account. Here `null` is more than an absent field: no limit. The
// checked fields do not tell them apart, the body does.
AccountChange changeIn(const HttpRequest& request, std::vector<std::string>& warnings) {
  const Fields fields(request.fields);
  AccountChange change{.name = fields.find<std::string>("name"),
                       .enabled = fields.find<bool>("enabled"),
                       .origins = fields.find<std::vector<std::string>>("origins")};
  const Json body = objectIn(request.body);
  if (const auto* quota = body.get_object().if_contains("quota"); quota && quota->is_null())
    change.quota.emplace();
  else if (const auto number = fields.find<std::int64_t>("quota"))
    change.quota = number;
  const auto limits = fields.find<boost::json::object>("limits");
  if (!limits) return change;
  const Json numbers = checked(limitFields(), *limits).values;
  change.createLimit = Fields(numbers).find<std::int64_t>("create");
  change.generalLimit = Fields(numbers).find<std::int64_t>("general");
  for (const auto& member : *limits)
    if (!fieldNamed(limitFields(), member.key()))
      warnings.push_back("Unknown field 'limits." + std::string(member.key()) + "' was ignored");
  return change;
}

HttpReply created(Accounts& accounts, IClock& clock, const HttpRequest& request) {
  HttpReply reply{.status = 201};
  const AccountChange said = changeIn(request, reply.warnings);
  Account account{.name = said.name.value_or(""), .origins = said.origins.value()};
  account.quota = said.quota.value_or(account.quota);
  account.createLimit = said.createLimit.value_or(account.createLimit);
  account.generalLimit = said.generalLimit.value_or(account.generalLimit);
  const NewAccount made = accounts.create(account, clock.now());
  reply.body = {{"success", true},
                {"message", "Account created"},
                {"account", shown(made.account)},
                {"token", made.token.reveal()}};
  return reply;
}

HttpReply changed(Accounts& accounts, const HttpRequest& request) {
  HttpReply reply;
  accounts.set(idIn(request), changeIn(request, reply.warnings));
  reply.body = {{"success", true},
                {"message", "Account updated"},
                {"account", shown(require(accounts, idIn(request)))}};
  return reply;
}

// Where the next page begins, for nobody to read.
std::string cursorOf(const Account& account) { return toBase64Url(account.id.value); }

AccountId cursorIn(const std::string& cursor) {
  std::string base64 = cursor;
  std::replace(base64.begin(), base64.end(), '-', '+');
  std::replace(base64.begin(), base64.end(), '_', '/');
  base64.append((4 - base64.size() % 4) % 4, '=');
  const auto id = fromBase64(base64);
  if (!id || id->size() != newId().size() || id->find_first_not_of("0123456789abcdef-") != id->npos)
    throw Error(Code::invalid, "Invalid cursor");
  return {*id};
}

HttpReply listed(const Accounts& accounts, const HttpRequest& request) {
  const Fields query(request.query);
  const auto limit = query.require<std::int64_t>("limit");
  const auto cursor = query.find<std::string>("cursor");
  // One more than is shown: whether there is a next page.
  auto page = accounts.page(cursor ? cursorIn(*cursor) : AccountId(), limit + 1);
  const bool more = static_cast<std::int64_t>(page.size()) > limit;
  if (more) page.pop_back();
  boost::json::array all;
  for (const auto& account : page) all.push_back(shown(account));
  return {.body = {{"success", true},
                   {"message", std::to_string(page.size()) + " Accounts found"},
                   {"accounts", std::move(all)},
                   {"nextCursor", more ? Json(cursorOf(page.back())) : Json()}}};
}

HttpReply rotated(Accounts& accounts, IClock& clock, const HttpRequest& request) {
  const std::chrono::seconds grace(Fields(request.fields).require<std::int64_t>("graceSeconds"));
  const Secret token = accounts.rotate(idIn(request), grace, clock.now());
  return {.body = {{"success", true}, {"message", "Token rotated"}, {"token", token.reveal()}}};
}

// Of an account that is disabled nothing new is made, so that what is found now is all there is;
// should the deletion fail half-way, it stays disabled and can be deleted again.
void removeInstances(Accounts& accounts, Provisioner& provisioner, AuditLog& audit,
                     const HttpRequest& request) {
  const Account account = require(accounts, idIn(request));
  accounts.set(account.id, {.enabled = false});
  provisioner.removeAll(account.id, [&](const Instance& instance) {
    audit.write("instance.delete", "done",
                {{"request", request.id},
                 {"remote", request.remote},
                 {"by", "admin"},
                 {"account", account.id.value},
                 {"accountName", account.name},
                 {"instance", instance.id.value},
                 {"instanceName", instance.name}});
  });
}

HttpReply removed(Accounts& accounts, Provisioner& provisioner, AuditLog& audit,
                  const HttpRequest& request) {
  if (Fields(request.fields).get("force", false))
    removeInstances(accounts, provisioner, audit, request);
  accounts.remove(idIn(request));
  return {.body = {{"success", true}, {"message", "Account deleted"}}};
}

Route adminRoute(Method method, const std::string& path, const std::string& summary) {
  return {.method = method, .path = path, .access = Access::admin, .summary = summary};
}

void addReading(RouteTable& routes, const Accounts& accounts) {
  Route list = adminRoute(Method::get, kAll, "List accounts, the oldest first");
  list.query = {{.name = "limit",
                 .type = Type::integer,
                 .fallback = 50,
                 .doc = "Accounts of one page.",
                 .min = 1,
                 .max = 200},
                {.name = "cursor", .doc = "nextCursor of the page before."}};
  list.reply = schemaOfAnswer({{"message", text()},
                               {"accounts", {{"type", "array"}, {"items", schemaOfAccount()}}},
                               {"nextCursor", {{"type", {"string", "null"}}}}});
  routes.add({.route = std::move(list),
              .handler = [&](const HttpRequest& request) { return listed(accounts, request); },
              .audit = "account.list"});
  Route one = adminRoute(Method::get, kOne, "An account");
  one.reply = schemaOfAnswer({{"account", schemaOfAccount()}});
  routes.add(
      {.route = std::move(one),
       .handler = [&](const HttpRequest& request) -> HttpReply {
         return {.body = {{"success", true}, {"account", shown(require(accounts, idIn(request)))}}};
       },
       .notes = {.refusals = {Code::notFound}},
       .audit = "account.show"});
}

void addChanging(RouteTable& routes, Accounts& accounts, IClock& clock) {
  Route create = adminRoute(Method::post, kAll, "Create an account; its token is shown this once");
  create.body = accountFields(true);
  create.status = 201;
  create.reply =
      schemaOfAnswer({{"message", text()}, {"account", schemaOfAccount()}, {"token", text()}});
  routes.add(
      {.route = std::move(create),
       .handler = [&](const HttpRequest& request) { return created(accounts, clock, request); },
       .notes = {.refusals = {Code::conflict}},
       .audit = "account.create"});
  Route change = adminRoute(Method::put, kOne, "Change an account: what is said of it");
  change.body = accountFields(false);
  change.body.push_back({.name = "enabled",
                         .type = Type::boolean,
                         .doc = "Whether its tokens, and those of its instances, are good."});
  change.reply = schemaOfAnswer({{"message", text()}, {"account", schemaOfAccount()}});
  routes.add({.route = std::move(change),
              .handler = [&](const HttpRequest& request) { return changed(accounts, request); },
              .notes = {.refusals = {Code::notFound, Code::conflict}},
              .audit = "account.set"});
  Route rotate = adminRoute(Method::post, std::string(kOne) + "/rotate",
                            "Give an account a new token, shown this once");
  rotate.body = {{.name = "graceSeconds",
                  .type = Type::integer,
                  .fallback = 0,
                  .doc = "Seconds that the old token stays good.",
                  .min = 0,
                  .max = kLongestGrace.count()}};
  rotate.reply = schemaOfAnswer({{"message", text()}, {"token", text()}});
  routes.add(
      {.route = std::move(rotate),
       .handler = [&](const HttpRequest& request) { return rotated(accounts, clock, request); },
       .notes = {.refusals = {Code::notFound}},
       .audit = "account.rotate"});
}

}  // namespace

void addAdminRoutes(RouteTable& routes, Accounts& accounts, Provisioner& provisioner,
                    AuditLog& audit, IClock& clock) {
  addReading(routes, accounts);
  addChanging(routes, accounts, clock);
  Route remove = adminRoute(Method::del, kOne, "Delete an account");
  remove.body = {{.name = "force",
                  .type = Type::boolean,
                  .fallback = false,
                  .doc = "With its instances, when it has some."}};
  remove.reply = schemaOfAnswer({{"message", text()}});
  // There may be thousands of instances, and blocks may ask someone to forget each.
  remove.slow = true;
  remove.budget = std::chrono::minutes(10);
  routes.add({.route = std::move(remove),
              .handler =
                  [&](const HttpRequest& request) {
                    return removed(accounts, provisioner, audit, request);
                  },
              .notes = {.refusals = {Code::notFound, Code::conflict}},
              .audit = "account.delete"});
}

}  // namespace pombo
