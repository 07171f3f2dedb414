#pragma once

#include <map>
#include <string>
#include <utility>

#include "pending_store.hpp"
#include "pombo/host.hpp"

// Messages that have been pending for so long that nobody sends them any more. Of one thread.
class OverdueStore {
 public:
  OverdueStore(pombo::IHost& host, PendingStore& pending) : host_(host), pending_(pending) {}

  // Tells of each: a "message.status" server_error, as if the connector had given it up. Where that
  // has changed nothing in half an hour, it was not accepted, because the instance ignores the
  // chat: nothing is kept of the message then, because it may have been sent, and its event been
  // ignored as well. Does not throw.
  void giveUp();

 private:
  void giveUp(const PendingMessage&);

  pombo::IHost& host_;
  PendingStore& pending_;
  // Instance and id, and when it was told.
  std::map<std::pair<std::string, std::string>, pombo::TimePoint> told_;
};
