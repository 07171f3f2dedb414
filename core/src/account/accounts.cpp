#include "account/accounts.hpp"

#include <algorithm>
#include <map>

#include "block/field_table.hpp"
#include "instance/identity.hpp"
#include "net/origin.hpp"

namespace pombo {
namespace {

#define POMBO_ACCOUNT_COLUMNS \
  "id, name, enabled, quota, instances, create_limit, general_limit, created_at"
constexpr auto kKinds = "ttnnnnnn";

Account accountOf(Row row) {
  Account account;
  account.id = {row.take(0)};
  account.name = row.take(1);
  account.enabled = row.number(2) != 0;
  account.quota = row.null(3) ? std::nullopt : std::optional(row.number(3));
  account.instances = row.number(4);
  account.createLimit = row.number(5);
  account.generalLimit = row.number(6);
  account.createdAt = fromMilliseconds(row.number(7));
  return account;
}

SqlValue orNull(const std::optional<std::int64_t>& number) {
  return number ? SqlValue(*number) : SqlValue();
}

// The rules of the table hold for whoever asks, the command line included.
const std::vector<Field>& nameRule() {
  static const std::vector<Field> rule{{.name = "name",
                                        .need = Need::always,
                                        .maxLength = kLongestAccountName,
                                        .text = Text::printable}};
  return rule;
}

// In NFC.
std::string checkedAccountName(const std::string& name) {
  const auto nfc = name.size() <= 4 * kLongestAccountName ? normalized(name) : name;
  if (!nfc) throw Error(Code::invalid, "The 'name' field contains characters that are not allowed");
  checked(nameRule(), {{"name", *nfc}});
  return *nfc;
}

std::vector<std::string> checkedOrigins(const std::vector<std::string>& given) {
  if (given.size() > kMostOrigins)
    throw Error(Code::invalid, "The 'origins' field must hold at most " +
                                   std::to_string(kMostOrigins) + " origins");
  std::vector<std::string> origins;
  for (const auto& each : given) {
    const auto origin = each == "*" ? std::optional(each) : originOf(each);
    if (!origin)
      throw Error(Code::invalid,
                  "The 'origins' field must hold origins: scheme://host[:port], or *");
    if (std::find(origins.begin(), origins.end(), *origin) == origins.end())
      origins.push_back(*origin);
  }
  return origins;
}

// Of two at once, one finds out here.
void runUnlessTaken(Session& session, const std::string& sql, const Values& values) try {
  session.run(sql, values);
} catch (const StorageError& error) {
  if (error.kind == StorageError::Kind::taken)
    throw Error(Code::conflict, "Account already exists");
  throw;
}

void check(const char* field, const std::optional<std::int64_t>& number) {
  if (number && (*number < 0 || *number > kLargestAllowance))
    throw Error(Code::invalid, std::string("The '") + field + "' field must be between 0 and " +
                                   std::to_string(kLargestAllowance));
}

void writeOrigins(Session& session, const AccountId& id, const std::vector<std::string>& origins) {
  std::int64_t place = 0;
  for (const auto& origin : origins)
    session.run(
        "INSERT INTO account_origin (account_id, origin, place) VALUES (:id, :origin, :place)",
        {id.value, origin, place++});
}

// `which` selects among the rows of account_origin; `values` are for its names.
void readOrigins(Session& session, std::vector<Account>& accounts, const std::string& which,
                 const Values& values) {
  std::map<std::string, std::vector<std::string>> origins;
  for (const auto& row :
       session.rows("SELECT account_id, origin FROM account_origin " + which + " ORDER BY place",
                    "tt", values))
    origins[row.text(0)].push_back(row.text(1));
  for (auto& account : accounts) account.origins = origins[account.id.value];
}

}  // namespace

NewAccount Accounts::create(Account account, TimePoint now) {
  account.name = checkedAccountName(account.name);
  account.origins = checkedOrigins(account.origins);
  check("quota", account.quota);
  check("create", account.createLimit);
  check("general", account.generalLimit);
  if (account.id.value.empty()) account.id = {newId()};
  account.createdAt = now;
  Secret token(newAccountToken());
  database_.commit([&](Session& session) {
    if (!session.rows("SELECT id FROM account WHERE name = :name", "t", {account.name}).empty())
      throw Error(Code::conflict, "Account already exists");
    runUnlessTaken(session,
                   "INSERT INTO account (" POMBO_ACCOUNT_COLUMNS
                   ", token_hash) VALUES (:id, :name, "
                   ":enabled, :quota, 0, :create_limit, :general_limit, :created_at, :token_hash)",
                   {account.id.value, account.name, std::int64_t{account.enabled},
                    orNull(account.quota), account.createLimit, account.generalLimit,
                    milliseconds(now), sealer_.hashOf(token.reveal())});
    writeOrigins(session, account.id, account.origins);
  });
  return {std::move(account), std::move(token)};
}

std::vector<Account> Accounts::list() const {
  return database_.read([](Session& session) {
    std::vector<Account> all;
    for (auto& row : session.rows(
             "SELECT " POMBO_ACCOUNT_COLUMNS " FROM account ORDER BY name {bytewise}", kKinds))
      all.push_back(accountOf(std::move(row)));
    readOrigins(session, all, "", {});
    return all;
  });
}

std::vector<Account> Accounts::page(const AccountId& after, std::int64_t count) const {
  return database_.read([&](Session& session) {
    std::vector<Account> all;
    const Values which{after.value, count};
    for (auto& row : session.rows("SELECT " POMBO_ACCOUNT_COLUMNS
                                  " FROM account WHERE id > :after ORDER BY id LIMIT :count",
                                  kKinds, which))
      all.push_back(accountOf(std::move(row)));
    readOrigins(session, all,
                "WHERE account_id IN "
                "(SELECT id FROM account WHERE id > :after ORDER BY id LIMIT :count)",
                which);
    return all;
  });
}

std::optional<Account> Accounts::find(Session& session, const AccountId& id) {
  auto rows = session.rows("SELECT " POMBO_ACCOUNT_COLUMNS " FROM account WHERE id = :id", kKinds,
                           {id.value});
  return rows.empty() ? std::nullopt : std::optional(accountOf(std::move(rows.front())));
}

std::optional<Account> Accounts::find(const AccountId& id) const {
  return database_.read([&](Session& session) -> std::optional<Account> {
    const auto account = find(session, id);
    if (!account) return std::nullopt;
    std::vector<Account> found{*account};
    readOrigins(session, found, "WHERE account_id = :id", {id.value});
    return found.front();
  });
}

Account Accounts::requireByName(const std::string& name) const {
  const auto nfc = normalized(name);
  if (!nfc || !isText(*nfc)) throw Error(Code::notFound, "Account not found");
  auto rows = database_.read([&](Session& session) {
    return session.rows("SELECT " POMBO_ACCOUNT_COLUMNS " FROM account WHERE name = :name", kKinds,
                        {*nfc});
  });
  if (rows.empty()) throw Error(Code::notFound, "Account not found");
  return accountOf(std::move(rows.front()));
}

void Accounts::set(const AccountId& id, const AccountChange& change) {
  const auto name = change.name ? std::optional(checkedAccountName(*change.name)) : std::nullopt;
  const auto origins =
      change.origins ? std::optional(checkedOrigins(*change.origins)) : std::nullopt;
  if (change.quota) check("quota", *change.quota);
  check("create", change.createLimit);
  check("general", change.generalLimit);
  database_.commit([&](Session& session) {
    session.rows("SELECT 1 FROM account WHERE id = :id {locked}", "n", {id.value});
    const auto account = find(session, id);
    if (!account) throw Error(Code::notFound, "Account not found");
    if (name && *name != account->name &&
        !session.rows("SELECT id FROM account WHERE name = :name", "t", {*name}).empty())
      throw Error(Code::conflict, "Account already exists");
    runUnlessTaken(session,
                   "UPDATE account SET name = :name, quota = :quota, create_limit = :create_limit, "
                   "general_limit = :general_limit, enabled = :enabled WHERE id = :id",
                   {name.value_or(account->name), orNull(change.quota.value_or(account->quota)),
                    change.createLimit.value_or(account->createLimit),
                    change.generalLimit.value_or(account->generalLimit),
                    std::int64_t{change.enabled.value_or(account->enabled)}, id.value});
    if (!origins) return;
    session.run("DELETE FROM account_origin WHERE account_id = :id", {id.value});
    writeOrigins(session, id, *origins);
  });
}

Secret Accounts::rotate(const AccountId& id, std::chrono::seconds grace, TimePoint now) {
  if (grace < std::chrono::seconds(0) || grace > kLongestGrace)
    throw Error(Code::invalid, "The 'graceSeconds' field must be between 0 and " +
                                   std::to_string(kLongestGrace.count()));
  Secret token(newAccountToken());
  database_.commit([&](Session& session) {
    const bool keep = grace > std::chrono::seconds(0);
    const auto changed = session.run(
        keep ? "UPDATE account SET old_token_hash = token_hash, old_token_until = :until, "
               "token_hash = :hash WHERE id = :id"
             : "UPDATE account SET old_token_hash = NULL, old_token_until = :until, "
               "token_hash = :hash WHERE id = :id",
        {keep ? SqlValue(milliseconds(now + grace)) : SqlValue(std::int64_t{0}),
         sealer_.hashOf(token.reveal()), id.value});
    if (changed == 0) throw Error(Code::notFound, "Account not found");
  });
  return token;
}

void Accounts::remove(const AccountId& id) {
  database_.commit([&](Session& session) {
    const auto account = find(session, id);
    if (!account) throw Error(Code::notFound, "Account not found");
    // Asked by the deletion itself: an instance may be made meanwhile.
    if (session.run("DELETE FROM account WHERE id = :id AND instances = 0", {id.value}) == 0)
      throw Error(Code::conflict, "Account still has instances");
  });
}

bool Accounts::allows(const AccountId& id, const std::string& origin) const {
  return database_.read([&](Session& session) {
    return !session
                .rows(
                    "SELECT 1 FROM account_origin WHERE account_id = :id "
                    "AND origin IN (:origin, '*')",
                    "n", {id.value, origin})
                .empty();
  });
}

bool Accounts::anyAllows(const std::string& origin) const {
  return database_.read([&](Session& session) {
    return !session
                .rows(
                    "SELECT 1 FROM account_origin JOIN account ON account.id = account_id "
                    "WHERE origin IN (:origin, '*') AND enabled <> 0 LIMIT 1",
                    "n", {origin})
                .empty();
  });
}

std::optional<Account> Accounts::findByTokenHash(Session& session, const std::string& hash,
                                                 TimePoint now) const {
  auto rows = session.rows("SELECT " POMBO_ACCOUNT_COLUMNS " FROM account WHERE token_hash = :hash",
                           kKinds, {hash});
  if (rows.empty())
    rows = session.rows("SELECT " POMBO_ACCOUNT_COLUMNS
                        " FROM account WHERE old_token_hash = :hash AND old_token_until > :now",
                        kKinds, {hash, milliseconds(now)});
  return rows.empty() ? std::nullopt : std::optional(accountOf(std::move(rows.front())));
}

}  // namespace pombo
