// The checks that every request passes before its handler, in the order of the wire:
// token, origin, ownership, limit, route, instance. What a client learns from a refusal depends on
// it.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "http/call.hpp"
#include "http/cors.hpp"
#include "http/socket_queue.hpp"

namespace pombo {

struct AdmissionOptions {
  int slowPerAccount = 8;
  int anonymousPerMinute = 100;
  int resourcePerMinute = 600;
  int adminPerMinute = 100;
  std::string adminToken = {};  // empty: there is none
};

// Thread-safe. Throws Error.
class Admission {
 public:
  Admission(AdmissionOptions options, Authentication& authentication,
            const ClientAddress& addresses, const Cors& cors, InstanceStore& instances,
            Limits& limits)
      : options_(std::move(options)),
        authentication_(authentication),
        addresses_(addresses),
        cors_(cors),
        instances_(instances),
        limits_(limits) {}

  // The address that it is counted for.
  std::string clientOf(const RequestHead& head) const { return addresses_.of(head); }
  // Once per call: a second time it does nothing.
  void check(Call&);
  // The same for a token and a name that came by another way: see IInstances::admit.
  Instance admit(const std::string& token, const std::string& instanceName);
  // Whether who has opened a WebSocket could open it again, limits aside.
  bool mayListen(const SocketOwner&) const;

 private:
  void authenticate(Call&);
  bool isAdmin(const Secret& token) const;
  void failAuthentication(Call&, const char* sentence = "Invalid token");
  void requireOwnership(Call&) const;
  void takeAllowance(Call&);
  void take(Call&, const std::string& bucket, std::int64_t limit);
  void takePlace(Call&);
  void findInstance(Call&) const;

  const AdmissionOptions options_;
  Authentication& authentication_;
  const ClientAddress& addresses_;
  const Cors& cors_;
  InstanceStore& instances_;
  Limits& limits_;

  std::mutex slowMutex_;                  // guards slowCalls_
  std::map<std::string, int> slowCalls_;  // now under way, by account
};

}  // namespace pombo
