// Who is calling: the token of a request, and what it opens.
#pragma once

#include <optional>
#include <string>

#include "account/accounts.hpp"
#include "http/exchange.hpp"
#include "instance/instance_store.hpp"
#include "net/address.hpp"
#include "pombo/observe.hpp"

namespace pombo {

// The value of one name in a query; decoded. Nothing when it is not there.
std::optional<std::string> queryValue(const std::string& query, const std::string& name);

// What an Authorization header holds: "Bearer x", the scheme in any case; empty for another one.
std::string bearerIn(const std::string& header);

struct FoundToken {
  Secret token = {};
  std::string place = "none";  // or "header <name>", or "query"
};

// The first place that holds one; empty when none does. `extraHeader` is one more header to look
// into, before the query.
FoundToken tokenIn(const RequestHead&, const std::string& query, const std::string& extraHeader);

struct Caller {
  Account account;                   // whose it is, directly or through the instance
  std::optional<Instance> instance;  // whose token it was; absent: it was the account's
};

// Thread-safe.
class Authentication {
 public:
  Authentication(Database& database, Sealer& sealer, Accounts& accounts, IClock& clock)
      : database_(database), sealer_(sealer), accounts_(accounts), clock_(clock) {}

  // Nothing for an unknown token, and for that of a disabled account.
  std::optional<Caller> callerOf(const Secret& token) const;
  // What a token is known by when it is not kept; empty for one that can be nobody's.
  std::string hashOf(const Secret& token) const;
  std::optional<Caller> callerOfHash(const std::string& hash) const;

 private:
  Database& database_;
  Sealer& sealer_;
  Accounts& accounts_;
  IClock& clock_;
};

// The client's address: that of the socket, unless trusted proxies stand between.
class ClientAddress {
 public:
  // CIDRs; throws std::runtime_error for anything else.
  explicit ClientAddress(const std::vector<std::string>& trustedProxies);
  std::string of(const RequestHead&) const;
  bool isTrusted(const std::string& address) const;
  // What is counted as one client: an IPv4 address, or a /64 of IPv6.
  static std::string bucketOf(const std::string& address);

 private:
  std::vector<Cidr> trusted_;
};

}  // namespace pombo
