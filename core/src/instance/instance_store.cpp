#include "instance/instance_store.hpp"

#include "instance/identity.hpp"

namespace pombo {
namespace {

#define POMBO_INSTANCE_COLUMNS \
  "id, account_id, name, connector, status, number_jid, created_at, updated_at, token_sealed"
constexpr auto kKinds = "ttttttnnt";

StoredInstance storedOf(const Row& row) {
  StoredInstance stored;
  stored.instance = {{row.text(0)},
                     {row.text(1)},
                     row.text(2),
                     row.text(3),
                     row.text(4),
                     row.text(5),
                     fromMilliseconds(row.number(6))};
  stored.updatedAt = fromMilliseconds(row.number(7));
  stored.sealedToken = row.text(8);
  return stored;
}

std::optional<StoredInstance> firstOf(const std::vector<Row>& rows) {
  return rows.empty() ? std::nullopt : std::optional(storedOf(rows.front()));
}

std::optional<Instance> instanceIn(const std::optional<StoredInstance>& stored) {
  return stored ? std::optional(stored->instance) : std::nullopt;
}

void requireQuota(Session& session, const AccountId& id) {
  const auto rows = session.rows("SELECT enabled, quota, instances FROM account WHERE id = :id",
                                 "nnn", {id.value});
  if (rows.empty() || rows.front().number(0) == 0) throw Error(Code::unauthorized, "Invalid token");
  if (!rows.front().null(1) && rows.front().number(2) >= rows.front().number(1))
    throw Error(Code::forbidden, "Account instance quota exceeded");
}

}  // namespace

void InstanceStore::insert(Session& session, const Instance& instance,
                           const std::string& token) const {
  // Everything is asked before anything is changed: a refusal then costs no rollback of the others
  // in this commit.
  requireQuota(session, instance.account);
  const std::string hash = sealer_.hashOf(token);
  const bool taken = !session
                          .rows(
                              "SELECT 1 FROM instance WHERE account_id = :account AND name = :name "
                              "UNION ALL SELECT 1 FROM instance WHERE token_hash = :hash "
                              "UNION ALL SELECT 1 FROM account WHERE token_hash = :account_hash "
                              "OR old_token_hash = :old_hash",
                              "n", {instance.account.value, instance.name, hash, hash, hash})
                          .empty();
  if (taken) throw Error(Code::conflict, "Instance or token already exists");
  session.run("UPDATE account SET instances = instances + 1 WHERE id = :id",
              {instance.account.value});
  session.run("INSERT INTO instance (" POMBO_INSTANCE_COLUMNS
              ", token_hash) VALUES (:id, :account, :name, :connector, :status, :jid, :created, "
              ":updated, :sealed, :hash)",
              {instance.id.value, instance.account.value, instance.name, instance.connector,
               instance.status, SqlValue(), milliseconds(instance.createdAt),
               milliseconds(instance.createdAt), sealer_.seal(ownerOf(instance.id), token), hash});
}

bool InstanceStore::settle(Session& session, const InstanceId& id, const std::string& status) {
  return session.run("UPDATE instance SET status = :status WHERE id = :id AND status = :reserved",
                     {status, id.value, kProvisioning}) == 1;
}

void InstanceStore::erase(Session& session, const InstanceId& id) {
  const auto owner =
      session.rows("SELECT account_id FROM instance WHERE id = :id", "t", {id.value});
  if (session.run("DELETE FROM instance WHERE id = :id", {id.value}) == 1)
    session.run("UPDATE account SET instances = instances - 1 WHERE id = :id",
                {owner.front().text(0)});
}

bool InstanceStore::exists(Session& session, const InstanceId& id) {
  return !session.rows("SELECT 1 FROM instance WHERE id = :id", "n", {id.value}).empty();
}

std::vector<Instance> InstanceStore::reserved(Session& session) {
  std::vector<Instance> all;
  for (const auto& row :
       session.rows("SELECT " POMBO_INSTANCE_COLUMNS " FROM instance WHERE status = :status",
                    kKinds, {kProvisioning}))
    all.push_back(storedOf(row).instance);
  return all;
}

void InstanceStore::touch(Session& session, const InstanceId& id, TimePoint now) {
  session.run("UPDATE instance SET updated_at = :now WHERE id = :id",
              {milliseconds(now), id.value});
}

std::optional<StoredInstance> InstanceStore::find(const InstanceId& id) const {
  return database_.read([&](Session& session) {
    return firstOf(session.rows("SELECT " POMBO_INSTANCE_COLUMNS
                                " FROM instance WHERE id = :id AND status <> 'provisioning'",
                                kKinds, {id.value}));
  });
}

namespace {

std::optional<StoredInstance> byName(Session& session, const AccountId& account,
                                     const std::string& name) {
  return firstOf(session.rows("SELECT " POMBO_INSTANCE_COLUMNS
                              " FROM instance WHERE account_id = :account "
                              "AND name = :name AND status <> 'provisioning'",
                              kKinds, {account.value, name}));
}

}  // namespace

std::optional<StoredInstance> InstanceStore::findByName(const AccountId& account,
                                                        const std::string& name) const {
  return database_.read([&](Session& session) { return byName(session, account, name); });
}

std::optional<Instance> InstanceStore::findByName(Session& session, const AccountId& account,
                                                  const std::string& name) {
  return instanceIn(byName(session, account, name));
}

std::vector<StoredInstance> InstanceStore::list(const AccountId& account) const {
  return database_.read([&](Session& session) {
    std::vector<StoredInstance> all;
    for (const auto& row :
         session.rows("SELECT " POMBO_INSTANCE_COLUMNS " FROM instance WHERE account_id = :account "
                      "AND status <> 'provisioning' ORDER BY name",
                      kKinds, {account.value}))
      all.push_back(storedOf(row));
    return all;
  });
}

std::vector<Instance> InstanceStore::linkedBy(const std::string& connector) const {
  return database_.read([&](Session& session) {
    std::vector<Instance> all;
    for (const auto& row : session.rows("SELECT " POMBO_INSTANCE_COLUMNS
                                        " FROM instance WHERE connector = :connector "
                                        "AND status IN ('connecting', 'connected') ORDER BY id",
                                        kKinds, {connector}))
      all.push_back(storedOf(row).instance);
    return all;
  });
}

std::optional<Instance> InstanceStore::findByTokenHash(Session& session, const std::string& hash) {
  return instanceIn(
      firstOf(session.rows("SELECT " POMBO_INSTANCE_COLUMNS " FROM instance WHERE token_hash = "
                           ":hash AND status <> 'provisioning'",
                           kKinds, {hash})));
}

std::optional<Secret> InstanceStore::tokenOf(const StoredInstance& stored) const {
  return sealer_.open(ownerOf(stored.instance.id), stored.sealedToken);
}

int InstanceStore::reseal(Session& session, int count) const {
  int done = 0;
  for (const auto& row :
       session.rows("SELECT id, token_sealed FROM instance WHERE token_sealed NOT LIKE :current "
                    "LIMIT :count",
                    "tt", {sealer_.keyId() + ":%", static_cast<std::int64_t>(count)})) {
    const InstanceId id{row.text(0)};
    const auto token = sealer_.open(ownerOf(id), row.text(1));
    if (!token) throw StorageError("the token of instance " + id.value + " does not open");
    done +=
        static_cast<int>(session.run("UPDATE instance SET token_sealed = :sealed WHERE id = :id",
                                     {sealer_.seal(ownerOf(id), token->reveal()), id.value}));
  }
  return done;
}

}  // namespace pombo
