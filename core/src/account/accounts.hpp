// Accounts: who may have instances, how many, and how fast they may call.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "pombo/instance.hpp"
#include "storage/database.hpp"
#include "storage/sealer.hpp"

namespace pombo {

// Of quotas and of limits.
inline constexpr std::int64_t kLargestAllowance = 1'000'000'000;
inline constexpr std::uint32_t kLongestAccountName = 100;  // code points
inline constexpr std::size_t kMostOrigins = 100;
inline constexpr std::chrono::seconds kLongestGrace{86'400};

struct Account {
  AccountId id = {};
  std::string name = {};
  bool enabled = true;
  std::optional<std::int64_t> quota = 10;  // instances; nothing: unlimited
  std::int64_t instances = 0;
  std::int64_t createLimit = 20;    // requests a minute
  std::int64_t generalLimit = 100;  // likewise
  TimePoint createdAt = {};
  std::vector<std::string> origins = {};  // of pages that may call, or "*"; see net/origin.hpp
};

struct NewAccount {
  Account account;
  Secret token;  // shown this once, kept as a hash
};

struct AccountChange {
  std::optional<std::string> name = {};
  std::optional<std::optional<std::int64_t>> quota = {};
  std::optional<std::int64_t> createLimit = {}, generalLimit = {};
  std::optional<bool> enabled = {};
  std::optional<std::vector<std::string>> origins = {};
};

// Thread-safe. The command line and the admin API are both fronts of this. Throws Error{invalid,
// notFound, conflict}.
class Accounts {
 public:
  Accounts(Database& database, Sealer& sealer) : database_(database), sealer_(sealer) {}

  // Made at `now`, with an id of its own when it has none yet.
  NewAccount create(Account, TimePoint now);
  std::vector<Account> list() const;  // by name
  // At most `count`, in the order of their ids, after that one.
  std::vector<Account> page(const AccountId& after, std::int64_t count) const;
  std::optional<Account> find(const AccountId&) const;
  Account requireByName(const std::string& name) const;
  void set(const AccountId&, const AccountChange&);
  // The old token is good for `grace` more.
  Secret rotate(const AccountId&, std::chrono::seconds grace, TimePoint now);
  // Throws Error{conflict} while it has instances.
  void remove(const AccountId&);

  // Whether a page of this origin may call with tokens of that account, or of any that is enabled.
  bool allows(const AccountId&, const std::string& origin) const;
  bool anyAllows(const std::string& origin) const;

  // For every request, so without their origins. By its token, or by the one before while its grace
  // lasts. Disabled accounts are found too.
  std::optional<Account> findByTokenHash(Session&, const std::string& hash, TimePoint now) const;
  static std::optional<Account> find(Session&, const AccountId&);

 private:
  Database& database_;
  Sealer& sealer_;
};

}  // namespace pombo
