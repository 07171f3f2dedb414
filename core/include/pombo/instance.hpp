// An instance: one WhatsApp account as the gateway knows it.
#pragma once

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "pombo/error.hpp"

namespace pombo {

using TimePoint = std::chrono::system_clock::time_point;

// Distinct from every other string so that an id is never passed where a name is meant.
struct InstanceId {
  std::string value = {};  // UUIDv7, lower case
  auto operator<=>(const InstanceId&) const = default;
};

struct AccountId {
  std::string value = {};  // UUIDv7, lower case
  auto operator<=>(const AccountId&) const = default;
};

struct Instance {
  InstanceId id = {};
  AccountId account = {};      // who owns it
  std::string name = {};       // unique within its account, chosen by the client, NFC
  std::string connector = {};  // the block that links it: "whatsapp", ...
  std::string status = {};     // "disconnected", "connecting", "connected", "loggedout", "banned"
  std::string numberJid = {};  // empty before it was linked
  TimePoint createdAt = {};
  bool operator==(const Instance&) const = default;
};

class POMBO_API IInstances {
 public:
  virtual ~IInstances() = default;

  virtual std::optional<Instance> find(const InstanceId&) const = 0;  // [any thread]
  virtual std::optional<Instance> findByName(const AccountId&, const std::string& name) const = 0;
  // In order of their names. [any thread]
  virtual std::vector<Instance> list(const AccountId&) const = 0;

  // For a block with a listener of its own: checks a token against an instance exactly as the
  // router does, rate limit included. Throws Error{unauthorized, forbidden, notFound, rateLimited}.
  // [any thread]
  virtual Instance admit(const std::string& token, const std::string& instanceName) = 0;
};

}  // namespace pombo
