// The story of an instance's creation and of its end.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "block/registry.hpp"
#include "instance/instance_store.hpp"

namespace pombo {

class RequestScope;

// Thread-safe. Throws Error with the wire's sentences; anything else is a failure of storage.
class Provisioner {
 public:
  Provisioner(Database& database, BlockStore& blocks, InstanceStore& instances, Registry& registry,
              IClock& clock, Log& log)
      : database_(database),
        blocks_(blocks),
        instances_(instances),
        registry_(registry),
        clock_(clock),
        log_(log) {}

  // Core's own fields of a create request: texts and nothing else. The rest is blocks', or
  // nobody's.
  static const std::vector<Field>& ownFields();

  // Called after an instance is gone. Before anything else.
  void onErased(std::function<void(const InstanceId&)> tell) { erased_ = std::move(tell); }

  // `body` is that of POST /api/instance/new. A block that fails is part of the answer.
  Provisioned create(const AccountId&, const Json& body);
  // Hands the blocks their fields of `body` again.
  Provisioned configure(const Instance&, const Json& body);
  // Logs it out when it is connected. Throws Error{notFound} when it is gone already.
  void remove(const Instance&);
  // Every instance of the account, also those that are being made right now: their creations fail.
  // `removed` is called for each.
  void removeAll(const AccountId&, const std::function<void(const Instance&)>& removed);
  // What a crash left half-made goes, begun at `latest` or before, and its blocks are told to
  // forget it.
  void recover(TimePoint latest = TimePoint::max());
  // The same for what failed while the database was away.
  void sweep();

 private:
  struct Request;
  Request read(const AccountId&, const Json& body) const;
  void reserve(const Request&);
  void settle(const Request&, Draft&);
  void logout(const Instance&) const;
  void erase(const Instance&, const RequestScope*);  // null: it is not a request's to claim
  void abandon(const Instance&);
  Json shown(const Instance&, const std::string& token, TimePoint updatedAt) const;

  Database& database_;
  BlockStore& blocks_;
  InstanceStore& instances_;
  Registry& registry_;
  IClock& clock_;
  Log& log_;
  std::function<void(const InstanceId&)> erased_ = [](const InstanceId&) {};
  std::mutex mutex_;                 // guards abandoned_
  std::vector<Instance> abandoned_;  // to be erased when the database is back
};

}  // namespace pombo
