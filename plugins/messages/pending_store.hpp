// Messages that were asked for, from before they are sent until somebody tells what has become of
// them. They stand among the others: what they become takes their place.
#pragma once

#include <string>
#include <vector>

#include "pombo/event.hpp"
#include "pombo/observe.hpp"
#include "pombo/storage.hpp"

struct PendingMessage {
  pombo::InstanceId instance = {};
  std::string id = {};
  std::string chat = {};  // JID
};

// Thread-safe.
class PendingStore {
 public:
  PendingStore(pombo::ISql& sql, const pombo::IClock& clock)
      : sql_(sql), clock_(clock), started_(clock.now()) {}

  void keep(const pombo::InstanceId&, const pombo::Json& exchange);
  // One that is pending is so no more: it was not sent.
  void fail(const pombo::InstanceId&, const std::string& id);
  // Those that were pending for half an hour, in which this server ran; of very many, some.
  std::vector<PendingMessage> overdue() const;

 private:
  pombo::ISql& sql_;
  const pombo::IClock& clock_;
  const pombo::TimePoint started_;
};

// What becomes of one when the "message.exchange" of it is told of for the first time; nothing for
// messages of others.
std::vector<pombo::Statement> settling(pombo::ISql&, const pombo::Event&);
