#include "account/accounts.hpp"

#include "block/field_table.hpp"
#include "instance/identity.hpp"

namespace pombo {
namespace {

#define POMBO_ACCOUNT_COLUMNS \
  "id, name, enabled, quota, instances, create_limit, general_limit, created_at"
constexpr auto kKinds = "ttnnnnnn";

Account accountOf(const Row& row) {
  Account account;
  account.id = {row.text(0)};
  account.name = row.text(1);
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

// In NFC. It is printed in lists: no controls, and not only blanks.
std::string checked(const std::string& name) {
  const auto nfc = name.size() <= 400 ? normalized(name) : std::nullopt;
  if (!nfc || nfc->find_first_not_of(' ') == nfc->npos || codePoints(*nfc) > 100)
    throw Error(Code::invalid, "The 'name' field must be 1 to 100 characters");
  for (const char c : *nfc)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      throw Error(Code::invalid, "The 'name' field contains characters that are not allowed");
  return *nfc;
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
  if (number && (*number < 0 || *number > 1'000'000'000))
    throw Error(Code::invalid,
                std::string("The '") + field + "' field must be between 0 and 1000000000");
}

}  // namespace

Secret Accounts::create(const Account& account, TimePoint now) {
  const std::string name = checked(account.name);
  check("quota", account.quota);
  check("create", account.createLimit);
  check("general", account.generalLimit);
  Secret token(newAccountToken());
  database_.commit([&](Session& session) {
    if (!session.rows("SELECT id FROM account WHERE name = :name", "t", {name}).empty())
      throw Error(Code::conflict, "Account already exists");
    runUnlessTaken(session,
                   "INSERT INTO account (" POMBO_ACCOUNT_COLUMNS
                   ", token_hash) VALUES (:id, :name, "
                   ":enabled, :quota, 0, :create_limit, :general_limit, :created_at, :token_hash)",
                   {account.id.value.empty() ? newId() : account.id.value, name,
                    std::int64_t{account.enabled}, orNull(account.quota), account.createLimit,
                    account.generalLimit, milliseconds(now), sealer_.hashOf(token.reveal())});
  });
  return token;
}

std::vector<Account> Accounts::list() const {
  return database_.read([](Session& session) {
    std::vector<Account> all;
    for (const auto& row : session.rows(
             "SELECT " POMBO_ACCOUNT_COLUMNS " FROM account ORDER BY name {bytewise}", kKinds))
      all.push_back(accountOf(row));
    return all;
  });
}

std::optional<Account> Accounts::find(Session& session, const AccountId& id) {
  const auto rows = session.rows("SELECT " POMBO_ACCOUNT_COLUMNS " FROM account WHERE id = :id",
                                 kKinds, {id.value});
  return rows.empty() ? std::nullopt : std::optional(accountOf(rows.front()));
}

std::optional<Account> Accounts::find(const AccountId& id) const {
  return database_.read([&](Session& session) { return find(session, id); });
}

Account Accounts::requireByName(const std::string& name) const {
  const auto rows = database_.read([&](Session& session) {
    return session.rows("SELECT " POMBO_ACCOUNT_COLUMNS " FROM account WHERE name = :name", kKinds,
                        {name});
  });
  if (rows.empty()) throw Error(Code::notFound, "Account not found");
  return accountOf(rows.front());
}

void Accounts::set(const AccountId& id, const AccountChange& change) {
  const auto name = change.name ? std::optional(checked(*change.name)) : std::nullopt;
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
  });
}

Secret Accounts::rotate(const AccountId& id, std::chrono::seconds grace, TimePoint now) {
  if (grace < std::chrono::seconds(0) || grace > std::chrono::hours(24))
    throw Error(Code::invalid, "The 'graceSeconds' field must be between 0 and 86400");
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

std::optional<Account> Accounts::findByTokenHash(Session& session, const std::string& hash,
                                                 TimePoint now) const {
  auto rows = session.rows("SELECT " POMBO_ACCOUNT_COLUMNS " FROM account WHERE token_hash = :hash",
                           kKinds, {hash});
  if (rows.empty())
    rows = session.rows("SELECT " POMBO_ACCOUNT_COLUMNS
                        " FROM account WHERE old_token_hash = :hash AND old_token_until > :now",
                        kKinds, {hash, milliseconds(now)});
  return rows.empty() ? std::nullopt : std::optional(accountOf(rows.front()));
}

}  // namespace pombo
