// Instances in the database: who owns which name and token, and in which state each is.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pombo/instance.hpp"
#include "storage/database.hpp"
#include "storage/sealer.hpp"

namespace pombo {

struct StoredInstance {
  Instance instance;
  TimePoint updatedAt;
  std::string sealedToken;
};

// Reserved while blocks that dial out are configured; shown by no route, opened by no token.
inline constexpr auto kProvisioning = "provisioning";
inline constexpr auto kDisconnected = "disconnected";
inline constexpr auto kConnecting = "connecting";
inline constexpr auto kConnected = "connected";
inline constexpr auto kLoggedOut = "loggedout";
inline constexpr auto kBanned = "banned";

// Thread-safe. Instances being provisioned are not found.
class InstanceStore {
 public:
  InstanceStore(Database& database, Sealer& sealer) : database_(database), sealer_(sealer) {}

  // Inside a transaction: takes one of the account's quota, the name and the token. Throws
  // Error{forbidden, conflict, unauthorized} with the wire's sentences.
  void insert(Session&, const Instance&, const std::string& token) const;
  // The same as a share of one statement, with what its blocks keep; it holds as long as the key
  // that sealed all of it seals.
  Share share(const Instance&, const std::string& token,
              const std::function<std::vector<Values>()>& blockRows) const;
  // Inside a transaction: reserved becomes `status`. False when the reservation is gone.
  static bool settle(Session&, const InstanceId&, const std::string& status);
  // Inside a transaction: frees quota, name and token.
  static void erase(Session&, const InstanceId&);
  // Reserved ones too. Until the transaction ends it stays as it is.
  static bool exists(Session&, const InstanceId&);
  static std::vector<Instance> reserved(Session&, TimePoint latest);  // made then or before
  static std::vector<Instance> all(Session&, const AccountId&);       // reserved ones too
  static void touch(Session&, const InstanceId&, TimePoint);

  // Inside a transaction: its status, which stays so until the transaction ends; nothing when it is
  // not there.
  static std::optional<std::string> lockedStatus(Session&, const InstanceId&);
  // Nothing has happened to it but that somebody tries to link it, or gives up.
  static void move(Session&, const InstanceId&, const std::string& status, TimePoint now);
  // That has happened. An empty number leaves the one that it has; `bannedUntil`: its ban ends
  // then.
  static void link(Session&, const InstanceId&, const std::string& status,
                   const std::string& numberJid, std::optional<TimePoint> bannedUntil,
                   TimePoint now);
  // Inside a transaction: those whose ban is over are disconnected.
  static void endBans(Session&, TimePoint now);
  bool hasBansToEnd(TimePoint now) const;
  // All of this connector's that are in the one state are in the other now.
  static void relink(Session&, const std::string& connector, const std::string& from,
                     const std::string& to);
  // The same for some of them.
  static void relink(Session&, const std::vector<InstanceId>&, const std::string& from,
                     const std::string& to);
  // Those that instances are linked by, or about to be, as far as their rows say.
  static std::vector<std::string> connectorsInUse(Session&);

  // Those that may have a session: that were linked, or about to be, and not logged out or banned.
  static std::vector<InstanceId> linkedBy(Session&, const std::string& connector);
  // The same of one; of banned ones too, as a ban may leave the session.
  static bool mayHaveSession(const Instance&);
  static std::vector<InstanceId> inStatus(Session&, const std::string& connector,
                                          const std::string& status);

  std::optional<StoredInstance> find(const InstanceId&) const;
  // Many at once; those that are not there are left out.
  std::map<InstanceId, StoredInstance> find(const std::vector<InstanceId>&) const;
  std::optional<StoredInstance> findByName(const AccountId&, const std::string& name) const;
  std::vector<StoredInstance> list(const AccountId&) const;  // by name
  // All that are linked, or about to be.
  std::vector<InstanceId> linked() const;
  static std::optional<Instance> findByTokenHash(Session&, const std::string& hash);
  static std::optional<Instance> findByName(Session&, const AccountId&, const std::string& name);

  // Nothing when it cannot be opened.
  std::optional<Secret> tokenOf(const StoredInstance&) const;
  // Seals up to `count` tokens again that another key than the current one sealed.
  int reseal(Session&, int count) const;

 private:
  static std::string ownerOf(const InstanceId& id) { return "instance/" + id.value + "/token"; }

  Database& database_;
  Sealer& sealer_;
};

}  // namespace pombo
